"""What tests and benchmarks lean on: anvil, the Solidity compiler, Node programs, conformance fixtures."""
