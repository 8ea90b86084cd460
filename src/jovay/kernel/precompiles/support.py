"""What precompiled contracts have in common: functions ``(m, input, size) -> Answer``, once their price is paid."""

from ..lang import U64, Ptr, copy, fill, kernel
from ..machine.machine import Machine
from ..machine.status import PRECOMPILE_FAILED, RETURN

#: RETURN with the bytes of output that lie in the return arena; PRECOMPILE_FAILED or ARENA_FULL with 0.
Answer = tuple[U64, U64]


@kernel
def padded_input(m: Machine, input: Ptr, size: U64, length: U64) -> Ptr:
    """The first ``length`` bytes of input, zeros where it is shorter, at the start of the scratch arena."""
    have = size if size < length else length
    if have != 0:
        copy(m.scratch.start, input, have)
    if have != length:
        fill(m.scratch.start + have, U64(0), length - have)
    return m.scratch.start


@kernel(inline=True)
def answer(size: U64) -> Answer:
    """Success with ``size`` bytes in the return arena."""
    return U64(RETURN), size


@kernel(inline=True)
def failed() -> Answer:
    """The input is invalid: all gas of the call is lost."""
    return U64(PRECOMPILE_FAILED), U64(0)
