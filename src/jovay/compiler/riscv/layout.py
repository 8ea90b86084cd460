"""The guest's memory map and calling convention: the one place where addresses are decided.

=============  =========================================================================================
``TEXT``       code and constants, read-only: the program's segments
``INPUT``      read-only: the input's length as a 64-bit little-endian word, then the input itself
``STACK``      grows down towards ``INPUT``, so running out of it is a store fault, never a silent overlap
``DATA``       initialised and zeroed variables
``OUTPUT``     the output's length as a 64-bit little-endian word, then the output itself
``ARENA``      scratch memory, zeroed
=============  =========================================================================================

Everything lies below 2³¹, within reach of the medium (``medany``) code model, and an address fits 31 bits.
Sizes are chosen when a program is built and recorded in its program headers, so its digest covers them.

A machine starts with all registers 0 and all memory outside the program and the input 0. ``_start`` sets the
stack pointer and calls the entry with up to six words: input address, input size (if the window holds as much;
otherwise it stops), output address (of the length word), arena address, arena size, output window size. The entry
returns a status; ``_start`` passes
it to the ``exit`` system call (``ECALL`` with ``SYSCALL_EXIT`` in a7, the status in a0).
"""

from __future__ import annotations

from dataclasses import dataclass

PAGE = 4096

TEXT_BASE = 0x0010_0000
INPUT_BASE = 0x0400_0000
STACK_BASE = 0x1000_0000
DATA_BASE = 0x1800_0000
OUTPUT_BASE = 0x2000_0000
ARENA_BASE = 0x3000_0000
ADDRESS_LIMIT = 0x8000_0000

#: Bytes of the length word before input and output.
LENGTH_SIZE = 8

#: Most words an entry can take.
MAX_ARGUMENTS = 6

MIB = 1 << 20


@dataclass(frozen=True)
class MemorySizes:
    """Sizes in bytes of the windows a program asks for, each a multiple of ``PAGE``."""

    stack: int = 16 * MIB
    input: int = 64 * MIB
    output: int = 16 * MIB
    arena: int = 256 * MIB

    def __post_init__(self) -> None:
        limits = {
            "stack": DATA_BASE - STACK_BASE,
            "input": STACK_BASE - INPUT_BASE,
            "output": ARENA_BASE - OUTPUT_BASE,
            "arena": ADDRESS_LIMIT - ARENA_BASE,
        }
        for name, limit in limits.items():
            size = getattr(self, name)
            if not 0 < size <= limit or size % PAGE:
                raise ValueError(f"{name} window of {size} bytes: need a multiple of {PAGE} up to {limit}")

    @property
    def windows(self) -> tuple[tuple[int, int, bool], ...]:
        """``(base, size, writable)`` of every window, ascending."""
        return (
            (INPUT_BASE, self.input, False),
            (STACK_BASE, self.stack, True),
            (OUTPUT_BASE, self.output, True),
            (ARENA_BASE, self.arena, True),
        )
