"""Modular exponentiation (EIP-198, EIP-2565, EIP-7823, EIP-7883)."""

from ..lang import U64, U128, U256, Ptr, copy, fill, kernel, load8, load256be
from ..machine.machine import Machine
from ..machine.status import ARENA_FULL
from ..protocol import forks
from ..protocol.gas import MODEXP_DIVISOR, MODEXP_LEAST
from ..protocol.limits import MODEXP_OPERAND_SIZE
from ..words.arith import bit_length
from ..words.modexp import modexp, modexp_scratch
from .support import Answer, answer, failed, padded_input

#: Lengths beyond this cost more gas than can exist.
FAR = 1 << 32
ALL = 0xFFFFFFFFFFFFFFFF


@kernel
def saturate(x: U128) -> U64:
    return U64(x) if x >> 64 == 0 else U64(ALL)


@kernel
def complexity(fork: U64, longest: U64) -> U128:
    """Cost of one multiplication of ``longest``-byte operands."""
    x = U128(longest)
    words = (x + 7) >> 3
    if fork >= forks.OSAKA:
        return U128(16) if longest <= 32 else words * words * 2
    if fork >= forks.BERLIN:
        return words * words
    if longest <= 64:
        return x * x
    if longest <= 1024:
        return ((x * x) >> 2) + x * 96 - 3072
    return ((x * x) >> 4) + x * 480 - 199680


@kernel
def iterations(fork: U64, exponent_size: U64, head: U256) -> U128:
    """Multiplications: the exponent's bit length, its bytes past the first 32 counted 8 or 16 times."""
    bits = bit_length(head)
    high = bits - 1 if bits != 0 else U64(0)
    if exponent_size <= 32:
        count = U128(high)
    else:
        factor = U128(16) if fork >= forks.OSAKA else U128(8)
        count = factor * U128(exponent_size - 32) + U128(high)
    return count if count != 0 else U128(1)


@kernel
def price_of(fork: U64, base_size: U64, exponent_size: U64, modulus_size: U64, head: U256) -> U64:
    """Gas, where the exponent's first 32 bytes are ``head``; ``ALL`` for more than can exist."""
    longest = base_size if base_size > modulus_size else modulus_size
    work = complexity(fork, longest)
    count = iterations(fork, exponent_size, head)
    if work >> 64 != 0 or count >> 63 != 0:
        return U64(ALL)
    cost = divided(work * count, MODEXP_DIVISOR[fork])
    least = MODEXP_LEAST[fork]
    return cost if cost > least else least


@kernel
def divided(x: U128, divisor: U64) -> U64:
    """x / divisor < 2³², saturated: by 32-bit long division where x is wider than a word."""
    if x >> 64 == 0:
        return U64(x) // divisor
    result, rest = U128(0), U64(0)
    for k in range(4):
        part = rest << 32 | (U64(x >> (96 - 32 * k)) & 0xFFFFFFFF)
        result = result << 32 | U128(part // divisor)
        rest = part % divisor
    return saturate(result)


@kernel
def input_word(m: Machine, input: Ptr, size: U64, offset: U64, length: U64) -> U256:
    """Big-endian number of ``length`` ≤ 32 bytes at ``offset``; zeros beyond the input."""
    value = U256(0)
    i = U64(0)
    while i < length:
        at = offset + i
        value = value << 8 | U256(load8(input + at) if at < size else U64(0))
        i += 1
    return value


@kernel
def is_refused(fork: U64, head: Ptr) -> bool:
    """Whether an operand is longer than allowed (EIP-7823); ``head`` has the three lengths."""
    if fork < forks.OSAKA:
        return False
    limit = U256(MODEXP_OPERAND_SIZE)
    return load256be(head) > limit or load256be(head + 32) > limit or load256be(head + 64) > limit


@kernel
def exponent_bytes(base_size: U64, exponent_size: U256, modulus_size: U64) -> U64:
    """The exponent's length: 0 stands for one too long where there is nothing to raise, ``ALL`` where there is."""
    if exponent_size < FAR:
        return U64(exponent_size)
    return U64(0) if base_size == 0 and modulus_size == 0 else U64(ALL)


@kernel
def modexp_price(m: Machine, input: Ptr, size: U64) -> U64:
    """Gas of a call; 0 for one that fails at once."""
    head = padded_input(m, input, size, U64(96))
    if is_refused(m.block.fork, head):
        return U64(0)
    base_size, modulus_size = load256be(head), load256be(head + 64)
    if base_size >= FAR or modulus_size >= FAR:
        return U64(ALL)
    b, n = U64(base_size), U64(modulus_size)
    e = exponent_bytes(b, load256be(head + 32), n)
    if e == ALL:
        return U64(ALL)
    return price_of(m.block.fork, b, e, n, input_word(m, input, size, U64(96) + b, e if e < 32 else U64(32)))


@kernel(inline=False)
def modexp_(m: Machine, input: Ptr, size: U64) -> Answer:
    """base ** exponent % modulus over big-endian numbers of any length."""
    head = padded_input(m, input, size, U64(96))
    if is_refused(m.block.fork, head):
        return failed()
    base_size, modulus_size = load256be(head), load256be(head + 64)
    b, n = U64(base_size), U64(modulus_size)
    e = exponent_bytes(b, load256be(head + 32), n)
    if base_size >= FAR or modulus_size >= FAR or e == ALL:  # nobody can have paid for them
        return failed()
    if n == 0:
        return answer(U64(0))
    operands = b + e + n
    if operands + modexp_scratch(b, e, n) + 64 > m.scratch.capacity or n > m.returned.capacity:
        return U64(ARENA_FULL), U64(0)
    data = m.scratch.start
    available = size - 96 if size > 96 else U64(0)
    have = available if available < operands else operands
    fill(data, U64(0), operands)
    if have != 0:
        copy(data, input + 96, have)
    work = (data + operands + 63) & ~U64(63)
    modexp(data, b, data + b, e, data + b + e, n, m.returned.data, work)
    return answer(n)
