"""Modular exponentiation of big-endian numbers of any length (the precompile of EIP-198).

Odd moduli take Montgomery's multiplication. An even modulus ``2**t * m`` is split: the power modulo ``m``
that way, the power modulo ``2**t`` by truncated products, and the Chinese remainder theorem combines the two.
Moduli of up to 256 bits stay in registers; those whose odd part has at most 64 bits use one limb.
"""

from collections.abc import Callable

from ..lang import (
    U64,
    U128,
    U256,
    U512,
    Ptr,
    Word,
    copy,
    ctz,
    fill,
    kernel,
    load8,
    load64,
    load256,
    load256be,
    store8,
    store64,
    store256,
)
from .arith import mod, mod512
from .limbs import (
    add,
    inverse_power_of_two,
    montgomery_multiply,
    multiply_low,
    negative_inverse,
    normalising_shift,
    read_big_endian,
    remainder,
    shift_left,
    shift_right,
    subtract,
    trailing_zeros,
    used,
    write_big_endian,
)

#: Exponents of more bytes than this take four bits at a time, shorter ones one.
SHORT_EXPONENT = 4


# ---- moduli of up to 256 bits --------------------------------------------------------------------


def _montgomery(word: type[Word], double: type[Word]) -> Callable:
    bits = word.bits

    @kernel(name=f"montgomery{bits}", inline=True)
    def montgomery(x: word, y: word, m: word, k: word) -> word:
        """``x * y / 2**bits mod m``; ``k = 1/m mod 2**bits``."""
        product = double(x) * double(y)
        high = word(product >> bits)
        excess = word((double(word(product) * k) * double(m)) >> bits)
        return high - excess + m if high < excess else high - excess

    return montgomery


@kernel(inline=True)
def wrapping(x: U256, y: U256, m: U256, k: U256) -> U256:
    """``x * y`` modulo 2**256, in the place of a Montgomery multiplication."""
    return x * y


def _register_power(tag: str, word: type[Word], memory: tuple, times: Callable) -> Callable:
    (load, store), step = memory, word.bits // 8

    @kernel(name=f"{tag}_power", inline=False)
    def power(base: word, one: word, exponent: Ptr, size: U64, m: word, k: word, table: Ptr) -> word:
        """``base`` to the big-endian exponent by ``times(x, y, m, k)``; ``table``: scratch of 16 words."""
        width = U64(4) if size > SHORT_EXPONENT else U64(1)
        entry = one
        for i in range(U64(1) << width):
            store(table + step * i, entry)
            entry = times(entry, base, m, k)
        result = one
        for i in range(size):
            byte = load8(exponent + i) << 56
            for _ in range(U64(8) >> (width >> 1)):
                for _ in range(width):
                    result = times(result, result, m, k)
                digit = byte >> (U64(64) - width)
                byte = byte << width
                if digit != 0:
                    result = times(result, load(table + digit * step), m, k)
        return result

    return power


montgomery64, montgomery256 = _montgomery(U64, U128), _montgomery(U256, U512)
power64 = _register_power("one_limb", U64, (load64, store64), montgomery64)
power256 = _register_power("four_limbs", U256, (load256, store256), montgomery256)
power_wrapping = _register_power("wrapping", U256, (load256, store256), wrapping)


@kernel
def inverse_modulo_2_256(x: U256) -> U256:
    """``1 / x`` modulo 2**256 for odd ``x``."""
    y = U256(-negative_inverse(U64(x)))
    y *= U256(2) - x * y
    y *= U256(2) - x * y
    return y


@kernel(inline=False)
def odd_power(base: U256, exponent: Ptr, size: U64, m: U256, table: Ptr) -> U256:
    """``base`` to the exponent modulo an odd ``m``."""
    if m == 1:
        return U256(0)
    if (m >> 64) == 0:
        m64 = U64(m)
        k64 = -negative_inverse(m64)
        one64 = -m64 % m64
        base64 = U64(mod(mod(base, m) << 64, m))
        return U256(montgomery64(power64(base64, one64, exponent, size, m64, k64, table), U64(1), m64, k64))
    k = inverse_modulo_2_256(m)
    one, encoded = mod512(U256(1), U256(0), m), mod512(base, U256(0), m)
    return montgomery256(power256(encoded, one, exponent, size, m, k, table), U256(1), m, k)


@kernel
def read_word(data: Ptr, size: U64) -> U256:
    """The big-endian number of at most 32 bytes."""
    value = U256(0)
    for i in range(size):
        value = (value << 8) | U256(load8(data + i))
    return value


@kernel(inline=False)
def read_modulo(data: Ptr, size: U64, m: U256) -> U256:
    """The big-endian number of ``size`` bytes modulo ``m``."""
    head = size & 31
    value = mod(read_word(data, head), m)
    at = data + head
    while at != data + size:
        value = mod512(value, load256be(at), m)
        at += 32
    return value


@kernel(inline=False)
def modexp_256(base: Ptr, base_size: U64, exponent: Ptr, exponent_size: U64, m: U256, table: Ptr) -> U256:
    """The power modulo an ``m`` that is not 0."""
    zeros = ctz(m)
    odd = m >> zeros
    value = read_modulo(base, base_size, m)
    result = odd_power(value, exponent, exponent_size, odd, table)
    if zeros == 0:
        return result
    low = power_wrapping(value, U256(1), exponent, exponent_size, U256(0), U256(0), table)
    lift = (low - result) * inverse_modulo_2_256(odd)
    return result + odd * (lift & ((U256(1) << zeros) - 1))


# ---- longer moduli -------------------------------------------------------------------------------


@kernel(inline=False)
def truncated_multiply(out: Ptr, x: Ptr, y: Ptr, m: Ptr, n: U64, k: U64, t: Ptr):
    """``x * y`` modulo ``2**(64 n)``, in the place of a Montgomery multiplication."""
    multiply_low(t, x, y, n)
    copy(out, t, n << 3)


def _memory_power(tag: str, times: Callable) -> Callable:
    @kernel(name=f"{tag}_power", inline=False)
    def power(out: Ptr, exponent: Ptr, size: U64, m: Ptr, n: U64, k: U64, table: Ptr, t: Ptr):
        """A base to the big-endian exponent by ``times``; ``table``: 1, the base, and room for 14 more."""
        width = U64(4) if size > SHORT_EXPONENT else U64(1)
        step = n << 3
        for i in range(2, U64(1) << width):
            times(table + step * i, table + step * (i - 1), table + step, m, n, k, t)
        copy(out, table, step)
        started = False
        for i in range(size):
            byte = load8(exponent + i) << 56
            for _ in range(U64(8) >> (width >> 1)):
                if started:
                    for _ in range(width):
                        times(out, out, out, m, n, k, t)
                digit = byte >> (U64(64) - width)
                byte = byte << width
                if digit != 0:
                    if started:
                        times(out, out, table + digit * step, m, n, k, t)
                    else:
                        copy(out, table + digit * step, step)
                    started = True

    return power


odd_memory_power = _memory_power("montgomery", montgomery_multiply)
truncated_memory_power = _memory_power("truncated", truncated_multiply)


@kernel(inline=False)
def encoded(out: Ptr, x: Ptr, size: U64, m: Ptr, n: U64, work: Ptr):
    """``x * 2**(64 n) mod m`` for ``x`` of ``size`` limbs, ``m`` of ``n`` > 1; work: size + 2 n + 3 limbs."""
    shift = normalising_shift(m, n)  # below 128
    divisor, dividend = work, work + 8 * n
    shift_left(divisor, n, m, n, shift)
    shift_left(dividend, size + n + 3, x, size, (n << 6) + shift)
    remainder(dividend, size + n + 3, divisor, n)
    shift_right(out, n, dividend, n, shift)


@kernel(inline=False)
def odd_memory_modexp(
    out: Ptr, base: Ptr, base_limbs: U64, exponent: Ptr, exponent_size: U64, m: Ptr, n: U64, work: Ptr
):
    """The power modulo an odd ``m`` of ``n`` > 1 limbs, the first or second not 0 from the top.

    Work: base_limbs + 18 n + 5 limbs.
    """
    table, rest = work, work + 128 * n
    store64(rest, U64(1))
    encoded(table, rest, U64(1), m, n, rest + 8)
    encoded(table + 8 * n, base, base_limbs, m, n, rest)
    k = negative_inverse(load64(m))
    odd_memory_power(out, exponent, exponent_size, m, n, k, table, rest)
    fill(table, U64(0), n << 3)
    store64(table, U64(1))
    montgomery_multiply(out, out, table, m, n, k, rest)


@kernel(inline=False)
def lift(out: Ptr, low: Ptr, odd: Ptr, zeros: U64, n: U64, work: Ptr):
    """Make ``out`` mod ``odd`` and ``low`` mod ``2**zeros`` one number below the product; work: 4 n limbs."""
    k = (zeros + 63) >> 6
    inverse, factor, product = work, work + 8 * n, work + 16 * n
    inverse_power_of_two(inverse, odd, k, product)
    subtract(low, low, out, k)
    fill(factor, U64(0), n << 3)
    multiply_low(factor, low, inverse, k)
    if zeros & 63 != 0:
        top = factor + 8 * k - 8
        store64(top, load64(top) & ((U64(1) << (zeros & 63)) - 1))
    multiply_low(product, factor, odd, n)  # below the modulus, so n limbs hold it
    add(out, out, product, n)


@kernel(inline=False)
def modexp_memory(
    out: Ptr, base: Ptr, base_limbs: U64, exponent: Ptr, exponent_size: U64, m: Ptr, n: U64, work: Ptr
):
    """The power, ``n`` limbs, modulo an ``m`` of ``n`` > 1 limbs with the highest not 0.

    Work: base_limbs + 20 n + 5 limbs.
    """
    zeros = trailing_zeros(m)
    if zeros == 0:
        odd_memory_modexp(out, base, base_limbs, exponent, exponent_size, m, n, work)
        return
    odd, low, rest = work, work + 8 * n, work + 16 * n
    shift_right(odd, n, m, n, zeros)
    size = used(odd, n)
    size = size if size > 2 else U64(2)
    fill(out, U64(0), n << 3)
    odd_memory_modexp(out, base, base_limbs, exponent, exponent_size, odd, size, rest)
    k = (zeros + 63) >> 6
    fill(rest, U64(0), k << 4)
    store64(rest, U64(1))
    copy(rest + 8 * k, base, (base_limbs if base_limbs < k else k) << 3)
    truncated_memory_power(low, exponent, exponent_size, odd, k, U64(0), rest, rest + 128 * k)
    lift(out, low, odd, zeros, n, rest)


# ---- any modulus ---------------------------------------------------------------------------------


@kernel
def leading_zeros(data: Ptr, size: U64) -> U64:
    """Zero bytes at the start."""
    count = U64(0)
    while count != size and load8(data + count) == 0:
        count += 1
    return count


@kernel
def modexp_scratch(base_size: U64, exponent_size: U64, modulus_size: U64) -> U64:
    """Bytes of scratch that ``modexp`` needs."""
    return U64(1024) + ((base_size + 7) >> 3) * 16 + ((modulus_size + 7) >> 3) * 192


@kernel(inline=False)
def modexp(
    base: Ptr,
    base_size: U64,
    exponent: Ptr,
    exponent_size: U64,
    modulus: Ptr,
    modulus_size: U64,
    out: Ptr,
    scratch: Ptr,
):
    """``base ** exponent % modulus``, big-endian numbers of any size, as ``modulus_size`` bytes at ``out``.

    ``x ** 0`` is 1, also for 0, except modulo 1; everything modulo 0 is 0. ``scratch`` has ``modexp_scratch``
    bytes, aligned to 8; ``out`` overlaps nothing else.
    """
    fill(out, U64(0), modulus_size)
    skipped = leading_zeros(modulus, modulus_size)
    size, m = modulus_size - skipped, modulus + skipped
    if size == 0:
        return
    skipped = leading_zeros(base, base_size)
    base, base_size = base + skipped, base_size - skipped
    skipped = leading_zeros(exponent, exponent_size)
    exponent, exponent_size = exponent + skipped, exponent_size - skipped
    end = out + modulus_size
    if size <= 32:
        result = modexp_256(base, base_size, exponent, exponent_size, read_word(m, size), scratch)
        while result != 0:
            end -= 1
            store8(end, U64(result))
            result = result >> 8
        return
    n, base_limbs = (size + 7) >> 3, ((base_size + 7) >> 3) if base_size != 0 else U64(1)
    b, number, result_at = scratch, scratch + 8 * base_limbs, scratch + 8 * (base_limbs + n)
    read_big_endian(b, base_limbs, base, base_size)
    read_big_endian(number, n, m, size)
    modexp_memory(
        result_at, b, base_limbs, exponent, exponent_size, number, n, scratch + 8 * (base_limbs + 2 * n)
    )
    write_big_endian(end - size, size, result_at, n)
