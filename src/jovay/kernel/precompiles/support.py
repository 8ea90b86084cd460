"""What every precompile does: charge gas, pad input, answer."""

from ..lang import U64, Ptr, copy, fill, kernel
from ..machine.machine import Machine
from ..machine.status import OUT_OF_GAS, RETURN

Answer = tuple[U64, U64]


@kernel
def padded_input(m: Machine, input: Ptr, size: U64, length: U64) -> Ptr:
    """The first ``length`` bytes of input, zeros where it is shorter, at the start of the scratch arena."""
    have = size if size < length else length
    if have != 0:
        copy(m.scratch, input, have)
    if have != length:
        fill(m.scratch + have, U64(0), length - have)
    return m.scratch


@kernel(inline=True)
def answer(m: Machine, size: U64, gas: U64) -> Answer:
    """Success with ``size`` bytes already in the return arena."""
    m.return_size = size
    return U64(RETURN), gas


@kernel(inline=True)
def out_of_gas() -> Answer:
    return U64(OUT_OF_GAS), U64(0)
