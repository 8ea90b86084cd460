"""What a development chain does besides: anvil_*, evm_* and hardhat_*."""
