"""Limits: how much of something the protocol allows, named as in execution-specs, with the EIP that set it."""

STACK_DEPTH_LIMIT = 1024
CALL_DEPTH_LIMIT = 1024
MAX_CODE_SIZE = 0x6000  # EIP-170
MAX_INIT_CODE_SIZE = 2 * MAX_CODE_SIZE  # EIP-3860
TX_MAX_GAS_LIMIT = 1 << 24  # EIP-7825
BLOB_COUNT_LIMIT = 6  # of one transaction (EIP-7594)
BLOCK_HASHES = 256  # of how many blocks before it BLOCKHASH tells the hash
MODEXP_OPERAND_SIZE = 1024  # bytes (EIP-7823)
