"""The scalar field of BN254: elements are Python integers below ``R``, long vectors lie in native memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from jovay.compiler.native import compile_modules
from jovay.compiler.simd import bn254_fr
from jovay.compiler.simd.build import host_features
from jovay.compiler.simd.limbs import LIMB_BITS, LIMBS
from jovay.compiler.simd.montgomery import RADIX
from jovay.native.library import ObjectCode
from jovay.native.memory import memory

R = bn254_fr.R
ELEMENT, LANES, WORDS = 32, 8, 4
_INVERSE_RADIX = pow(RADIX, -1, R)
U64 = npt.NDArray[np.uint64]


def portable() -> bool:
    """Whether this CPU lacks what the fast kernels take."""
    return "avx512ifma" not in host_features()


@cache
def _code() -> ObjectCode:
    names = (*_BINARY, "scale", "add_scaled", "fold", "enter", "leave")
    return ObjectCode(
        compile_modules([bn254_fr.module_text(portable())], {f"bn254_fr_{name}" for name in names})
    )


_BINARY = ("product", "sum", "difference")


@cache
def _function(name: str, arguments: int) -> Callable[..., int]:
    return _code().function(f"bn254_fr_{name}", arguments)


def element(value: int) -> U64:
    """One element as the kernels take it."""
    return np.frombuffer((value * RADIX % R).to_bytes(ELEMENT, "little"), np.uint64)


class Vector:
    """``len`` elements, a multiple of eight, in blocks of eight (``compiler.simd.bn254_fr``)."""

    __slots__ = ("words",)

    def __init__(self, words: U64) -> None:
        """``words`` (blocks, 4, 8) at a multiple of 64."""
        self.words = words

    def __len__(self) -> int:
        return LANES * len(self.words)

    @classmethod
    def empty(cls, count: int) -> Vector:
        """Room for elements, to be written to."""
        if count % LANES or count <= 0:
            raise ValueError(f"{count} elements: a vector has a multiple of {LANES}")
        return cls(memory().words(count * WORDS).reshape(-1, WORDS, LANES))

    @classmethod
    def zeros(cls, count: int) -> Vector:
        """So many."""
        vector = cls.empty(count)
        vector.words[:] = 0
        return vector

    @classmethod
    def of(cls, values: Sequence[int]) -> Vector:
        """Elements below ``R``."""
        vector = cls.empty(len(values))
        rows = b"".join(value.to_bytes(ELEMENT, "little") for value in values)
        vector.words[:] = np.frombuffer(rows, np.uint64).reshape(-1, LANES, WORDS).transpose(0, 2, 1)
        return vector._into("enter")

    @classmethod
    def of_words(cls, values: U64) -> Vector:
        """Elements of 64 bits; or of several words, lowest first, shape (words, count)."""
        rows = np.atleast_2d(values)
        vector = cls.empty(rows.shape[1])
        for place, words in enumerate(rows):
            vector.words[:, place, :] = words.reshape(-1, LANES)
        vector.words[:, len(rows) :, :] = 0
        return vector._into("enter")

    def _into(self, name: str) -> Vector:
        _function(name, 3)(len(self.words), self.words, self.words)
        return self

    def put(self, index: int, value: int) -> None:
        """Set one element."""
        self.words[index // LANES, :, index % LANES] = element(value % R)

    def plain(self) -> Vector:
        """The elements, not in Montgomery form."""
        found = Vector.empty(len(self))
        _function("leave", 3)(len(self.words), self.words, found.words)
        return found

    def rows(self) -> U64:
        """The elements as rows of four words, lowest first, not in Montgomery form."""
        return np.ascontiguousarray(self.plain().words.transpose(0, 2, 1)).reshape(-1, WORDS)

    def lowest(self) -> U64:
        """The elements' lowest 64 bits."""
        return self.plain().words[:, 0, :].reshape(-1)

    def values(self) -> list[int]:
        """The elements."""
        rows = self.rows().tobytes()
        return [int.from_bytes(rows[at : at + ELEMENT], "little") for at in range(0, len(rows), ELEMENT)]

    def _combined(self, name: str, other: Vector) -> Vector:
        if len(self) != len(other):
            raise ValueError(f"vectors of {len(self)} and {len(other)} elements")
        out = Vector.empty(len(self))
        _function(name, 4)(len(self.words), self.words, other.words, out.words)
        return out

    def __add__(self, other: Vector) -> Vector:
        return self._combined("sum", other)

    def __sub__(self, other: Vector) -> Vector:
        return self._combined("difference", other)

    def __mul__(self, other: Vector) -> Vector:
        return self._combined("product", other)

    def scaled(self, factor: int, out: Vector | None = None) -> Vector:
        """All elements times ``factor``, where ``out`` lies if it is given."""
        out = out or Vector.empty(len(self))
        _function("scale", 4)(len(self.words), self.words, element(factor), out.words)
        return out

    def plus(self, other: Vector, factor: int, out: Vector | None = None) -> Vector:
        """self + factor·other, where ``out`` lies if it is given."""
        out = out or Vector.empty(len(self))
        _function("add_scaled", 5)(len(self.words), self.words, other.words, element(factor), out.words)
        return out

    def less(self, other: Vector) -> None:
        """Subtract another, in place."""
        _function("difference", 4)(len(self.words), self.words, other.words, self.words)

    def part(self, start: int, count: int) -> Vector:
        """Some of the elements, in place; both numbers are multiples of eight."""
        return Vector(self.words[start // LANES : (start + count) // LANES])

    def halves(self) -> tuple[Vector, Vector]:
        """The lower and the upper half, in place."""
        middle = len(self.words) // 2
        return Vector(self.words[:middle]), Vector(self.words[middle:])

    def pairs(self) -> tuple[Vector, Vector]:
        """The elements of even and of odd index."""
        sides = Vector.empty(len(self) // 2), Vector.empty(len(self) // 2)
        for parity, side in enumerate(sides):
            side.words[:, :, :4] = self.words[0::2, :, parity::2]
            side.words[:, :, 4:] = self.words[1::2, :, parity::2]
        return sides

    def paired(self, odd: Vector) -> Vector:
        """The vector of which this and ``odd`` are the elements of even and of odd index."""
        out = Vector.empty(2 * len(self))
        for parity, side in enumerate((self, odd)):
            out.words[0::2, :, parity::2] = side.words[:, :, :4]
            out.words[1::2, :, parity::2] = side.words[:, :, 4:]
        return out

    def between(self, high: Vector, r: int, out: Vector | None = None) -> Vector:
        """self + r·(high − self), where ``out`` lies if it is given."""
        out = out or Vector.empty(len(self))
        _function("fold", 5)(len(out.words), self.words, high.words, element(r), out.words)
        return out

    def folded(self, r: int) -> Vector:
        """The first variable, the index's top bit, becomes ``r``."""
        low, high = self.halves()
        return low.between(high, r)

    def fold(self, r: int) -> Vector:
        """The same in place: this vector is no more, its lower half is what is left."""
        low, high = self.halves()
        return low.between(high, r, low)

    def inverted(self) -> Vector:
        """1/x of all elements, none of which may be 0: one inverse, of their product."""
        if len(self) == LANES:
            return Vector.of([inverse(value) for value in self.values()])
        low, high = self.halves()
        products, out = (low * high).inverted(), Vector.empty(len(self))
        for half, other in zip(out.halves(), (high, low), strict=True):
            half.words[:] = (products * other).words
        return out


def encode_elements(elements: Iterable[int]) -> bytes:
    """Words of 32 bytes, big-endian."""
    return b"".join(element.to_bytes(ELEMENT, "big") for element in elements)


def slot_total(slot: U64) -> int:
    """The sum of the eight unreduced numbers (limbs, lanes) that a kernel has added up in Montgomery form."""
    limbs = (sum(map(int, row)) << (LIMB_BITS * i) for i, row in enumerate(slot.reshape(LIMBS, LANES)))
    return sum(limbs) * _INVERSE_RADIX % R


def inverse(value: int) -> int:
    """1/value; ``ZeroDivisionError`` for 0."""
    if value % R == 0:
        raise ZeroDivisionError("0 has no inverse")
    return pow(value, -1, R)


def powers(base: int, count: int) -> list[int]:
    """base⁰ … base^(count−1)."""
    found = [1] * count
    for i in range(1, count):
        found[i] = found[i - 1] * base % R
    return found


def dot(left: Iterable[int], right: Iterable[int]) -> int:
    """Σ left·right."""
    return sum(a * b for a, b in zip(left, right, strict=True)) % R
