"""0x05: modular exponentiation (EIP-198, EIP-2565, EIP-7823, EIP-7883)."""

from ..lang import U64, U128, U256, Ptr, copy, fill, kernel, load8, load256be
from ..machine.machine import Machine
from ..machine.status import ARENA_FULL, PRECOMPILE_FAILED
from ..protocol import forks
from ..words.arith import bit_length
from ..words.modexp import modexp, modexp_scratch
from .support import Answer, answer, out_of_gas, padded_input

#: EIP-7823: operands of at most 1,024 bytes.
OSAKA_LIMIT = 1024
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
def price(fork: U64, base_size: U64, exponent_size: U64, modulus_size: U64, head: U256) -> U64:
    longest = base_size if base_size > modulus_size else modulus_size
    work = complexity(fork, longest)
    count = iterations(fork, exponent_size, head)
    if work >> 64 != 0 or count >> 63 != 0:
        return U64(ALL)
    total = work * count
    if fork >= forks.OSAKA:
        cost = saturate(total)
        return cost if cost > 500 else U64(500)
    if fork >= forks.BERLIN:
        cost = saturate(divided_by_3(total))
        return cost if cost > 200 else U64(200)
    return saturate(total) // 20 if total >> 64 == 0 else U64(ALL)


@kernel
def divided_by_3(x: U128) -> U128:
    """x / 3 by 32-bit long division."""
    result, rest = U128(0), U64(0)
    for k in range(4):
        part = rest << 32 | (U64(x >> (96 - 32 * k)) & 0xFFFFFFFF)
        result = result << 32 | U128(part // 3)
        rest = part % 3
    return result


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


@kernel(inline=False)
def modexp_(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """base ** exponent % modulus over big-endian numbers of any length"""
    fork = m.block.fork
    head = padded_input(m, input, size, U64(96))
    base_size, exponent_size, modulus_size = load256be(head), load256be(head + 32), load256be(head + 64)
    limit = U256(OSAKA_LIMIT)
    if fork >= forks.OSAKA and (base_size > limit or exponent_size > limit or modulus_size > limit):
        return U64(PRECOMPILE_FAILED), U64(0)
    if base_size >= FAR or modulus_size >= FAR:
        return out_of_gas()
    b, n = U64(base_size), U64(modulus_size)
    far_exponent = exponent_size >= FAR
    if far_exponent and (b != 0 or n != 0):
        return out_of_gas()
    e = U64(0) if far_exponent else U64(exponent_size)
    first = input_word(m, input, size, U64(96) + b, e if e < 32 else U64(32))
    cost = price(fork, b, e, n, first)
    if gas < cost:
        return out_of_gas()
    if n == 0:
        return answer(m, U64(0), gas - cost)
    operands = b + e + n
    if operands + modexp_scratch(b, e, n) + 64 > m.scratch_capacity or n > m.return_capacity:
        return U64(ARENA_FULL), gas
    data = m.scratch
    available = size - 96 if size > 96 else U64(0)
    have = available if available < operands else operands
    fill(data, U64(0), operands)
    if have != 0:
        copy(data, input + 96, have)
    work = (data + operands + 63) & ~U64(63)
    modexp(data, b, data + b, e, data + b + e, n, m.return_arena, work)
    return answer(m, n, gas - cost)
