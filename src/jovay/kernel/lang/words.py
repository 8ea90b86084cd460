"""Unsigned machine words of fixed width. In CPython they are wrapping integers; compiled, LLVM ``iN`` values."""

from __future__ import annotations

from typing import ClassVar


class Word(int):
    """An unsigned integer of ``bits`` bits; arithmetic wraps. Mixing two widths is a ``TypeError``."""

    bits: ClassVar[int] = 0
    mask: ClassVar[int] = 0
    __slots__ = ()

    def __new__(cls, value: int = 0) -> Word:
        return int.__new__(cls, int(value) & cls.mask)

    def _other(self, other: int) -> int:
        if isinstance(other, Word) and type(other) is not type(self):
            raise TypeError(f"cannot mix {type(self).__name__} and {type(other).__name__}")
        return int(other) & self.mask

    def __add__(self, other):
        return type(self)(int(self) + self._other(other))

    def __sub__(self, other):
        return type(self)(int(self) - self._other(other))

    def __rsub__(self, other):
        return type(self)(self._other(other) - int(self))

    def __mul__(self, other):
        return type(self)(int(self) * self._other(other))

    def __floordiv__(self, other):
        divisor = self._other(other)
        return type(self)(int(self) // divisor if divisor else 0)

    def __mod__(self, other):
        divisor = self._other(other)
        return type(self)(int(self) % divisor if divisor else 0)

    def __rfloordiv__(self, other):
        return type(self)(self._other(other)) // self

    def __rmod__(self, other):
        return type(self)(self._other(other)) % self

    def __and__(self, other):
        return type(self)(int(self) & self._other(other))

    def __or__(self, other):
        return type(self)(int(self) | self._other(other))

    def __xor__(self, other):
        return type(self)(int(self) ^ self._other(other))

    def __lshift__(self, count):
        return type(self)(int(self) << int(count) if int(count) < self.bits else 0)

    def __rshift__(self, count):
        return type(self)(int(self) >> int(count) if int(count) < self.bits else 0)

    def __invert__(self):
        return type(self)(~int(self))

    def __neg__(self):
        return type(self)(-int(self))

    def __lt__(self, other):
        return int(self) < self._other(other)

    def __le__(self, other):
        return int(self) <= self._other(other)

    def __gt__(self, other):
        return int(self) > self._other(other)

    def __ge__(self, other):
        return int(self) >= self._other(other)

    def __eq__(self, other):
        return int(self) == self._other(other)

    def __ne__(self, other):
        return int(self) != self._other(other)

    __hash__ = int.__hash__
    __radd__ = __add__
    __rmul__ = __mul__
    __rand__ = __and__
    __ror__ = __or__
    __rxor__ = __xor__

    def __repr__(self) -> str:
        return f"{type(self).__name__}({int(self):#x})"


def _word(bits: int) -> type[Word]:
    return type(f"U{bits}", (Word,), {"bits": bits, "mask": (1 << bits) - 1, "__slots__": ()})


U8, U16, U32, U64, U128 = (_word(bits) for bits in (8, 16, 32, 64, 128))
U256, U384, U512, U768, U1024 = (_word(bits) for bits in (256, 384, 512, 768, 1024))
Ptr = U64


def bswap(x):
    """``x`` with its bytes reversed."""
    return type(x)(int.from_bytes(int(x).to_bytes(x.bits // 8, "little"), "big"))


def clz(x):
    """Leading zero bits of ``x`` as U64; the width if ``x`` is 0."""
    return U64(x.bits - int(x).bit_length())


def ctz(x):
    """Trailing zero bits of ``x`` as U64; the width if ``x`` is 0."""
    return U64((int(x) & -int(x)).bit_length() - 1 if x else x.bits)


def popcount(x):
    """Set bits of ``x`` as U64."""
    return U64(int(x).bit_count())


def rotl(x, count):
    """``x`` rotated left by ``count`` modulo the width."""
    count = int(count) % x.bits
    return type(x)(int(x) << count | int(x) >> (x.bits - count))


def rotr(x, count):
    """``x`` rotated right by ``count`` modulo the width."""
    return rotl(x, x.bits - int(count) % x.bits)


def _signed(x) -> int:
    return int(x) - (1 << x.bits) if int(x) >> (x.bits - 1) else int(x)


def sar(x, count):
    """Arithmetic shift right of a two's-complement ``x``; counts of the width or more leave only the sign."""
    return type(x)(_signed(x) >> min(int(count), x.bits))


def signed_lt(x, y) -> bool:
    """``x < y`` in two's complement."""
    return _signed(x) < _signed(y)
