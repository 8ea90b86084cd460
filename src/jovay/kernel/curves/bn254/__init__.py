"""BN254 (alt_bn128), the curve of EIP-196 and EIP-197."""
