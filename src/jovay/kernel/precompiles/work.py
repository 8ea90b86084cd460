"""How long a slow precompile may take, before it runs: its price at most, weighed by what its gas costs in time."""

from ..lang import U64, Ptr, Table, kernel, load64be, load256be
from ..machine.machine import Machine
from .modexp import FAR, input_word, price
from .support import padded_input

#: Time of a precompile's gas in that of the interpreter's (about 4 ns), by number.
WEIGHTS = Table(U64, [1, 10, 3, 3, 1, 4, 4, 4, 3, 1, 7, 4, 4, 4, 4, 4, 4, 4])
FIXED = 50_000  # the dearest of those whose price does not depend on their input
BLAKE2F_INPUT = 213


@kernel
def most_work(m: Machine, number: U64, input: Ptr, size: U64, gas: U64) -> U64:
    """Gas of instructions that take as long as a call of precompile ``number`` with ``gas`` may."""
    most = U64(FIXED)
    if number == 5:
        most = modexp_price(m, input, size)
    elif number == 8:
        most = 45_000 + size // 192 * 34_000
    elif number == 9 and size == BLAKE2F_INPUT:
        most = load64be(input) >> 32
    elif number == 0x0C:
        most = size // 160 * 12_000
    elif number == 0x0E:
        most = size // 288 * 22_500
    elif number == 0x0F:
        most = 37_700 + size // 384 * 32_600
    elif number <= 4:
        most = 600 + ((size + 31) >> 5) * 120
    if gas < most:
        most = gas
    return most * (WEIGHTS[number] if number <= 0x11 else U64(4))


@kernel
def modexp_price(m: Machine, input: Ptr, size: U64) -> U64:
    """0 where it fails at once."""
    head = padded_input(m, input, size, U64(96))
    base, exponent, modulus = load256be(head), load256be(head + 32), load256be(head + 64)
    if base >= FAR or exponent >= FAR or modulus >= FAR:
        return U64(0)
    first = input_word(m, input, size, U64(96) + U64(base), U64(exponent) if exponent < 32 else U64(32))
    return price(m.block.fork, U64(base), U64(exponent), U64(modulus), first)
