"""Hash functions: Keccak-256, SHA-256, RIPEMD-160, BLAKE2b F, Poseidon2."""
