"""Conformance: running Ethereum's published tests against the kernel, native and as a RISC-V guest."""
