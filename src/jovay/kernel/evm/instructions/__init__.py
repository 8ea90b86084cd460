"""The instructions by family, as in execution-specs.

Importing this gives every row of the opcode table (``protocol.opcodes``) the code that it runs, for the interpreter.
"""

from . import arithmetic, bitwise, block, control, environment, keccak, log, memory, stack, storage, system

__all__ = [
    "arithmetic",
    "bitwise",
    "block",
    "control",
    "environment",
    "keccak",
    "log",
    "memory",
    "stack",
    "storage",
    "system",
]
