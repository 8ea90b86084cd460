"""BLS12-381, the curve of EIP-2537 and EIP-4844."""
