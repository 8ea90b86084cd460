"""How an instruction, a frame or a transaction ends.

Below ``EXCEPTIONAL`` the frame goes on or ends in order; from there it halts exceptionally and loses its gas; from
``ABORT`` the whole transaction is undone because the host must do something first.
"""

NEXT = 0
STOP = 1
RETURN = 2
REVERT = 3
ENTER = 4

EXCEPTIONAL = 16
OUT_OF_GAS = 16
STACK_UNDERFLOW = 17
STACK_OVERFLOW = 18
INVALID_JUMP = 19
INVALID_OPCODE = 20
STATIC_VIOLATION = 21
RETURN_DATA_OUT_OF_BOUNDS = 22
INVALID_CODE_PREFIX = 23
CODE_TOO_LARGE = 24
ADDRESS_COLLISION = 25
CALL_DEPTH = 26
INSUFFICIENT_BALANCE = 27
INITCODE_TOO_LARGE = 28
PRECOMPILE_FAILED = 29
NONCE_OVERFLOW = 30
CODE_STORE_OUT_OF_GAS = 31

ABORT = 64
MISS = 64  # a key that is not in memory: it is in the miss list
LEFT_SET = 65  # touched a key outside the predicted read-write set
ARENA_FULL = 66
PAUSED = 67  # the slice of gas the host gave is used up; resume to go on
DETACHED = 68  # a slow precompile comes next: call ``run_detached``, which reads no state, then resume
WAITING = 69  # of a patient machine: a key is missing, and nothing is undone: load it, then resume
