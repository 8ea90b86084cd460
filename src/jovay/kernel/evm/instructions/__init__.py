"""The instructions by family, as in execution-specs. Importing this fills the opcode table."""

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
