"""Set-ups made by many: files ``.ptau`` of the powers-of-tau ceremonies for BN254 (snarkjs' format).

A file is "ptau", version 1 and sections (type u32, size u64, little-endian). Section 1: bytes of a coordinate (32), P,
the power p of two; section 2: τⁱ·G₁ for i < 2^(p+1) − 1; section 3: τⁱ·G₂ for i < 2^p. A coordinate is in Montgomery
form with radix 2²⁵⁶, little-endian. Nothing of a file is believed but that somebody has forgotten τ: that the points
are powers of one τ is checked by pairings.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterator, Sequence
from functools import partial
from os import SEEK_CUR, SEEK_END
from pathlib import Path
from typing import BinaryIO

from .curve import GENERATOR, P, Point, Points, is_on_curve, negate, sum_of
from .errors import ZkError
from .field import Vector
from .pairing import G2_GENERATOR, G2Point, product_is_one
from .setup import G2_POWERS, Setup, is_on_twist

_MAGIC, _VERSION, _COORDINATE = b"ptau", 1, 32
_HEADER, _FIRST, _SECOND = 1, 2, 3
_FROM_FILE = pow(1 << 256, -1, P)
#: Bytes of the header's numbers, and the largest power of two of any ceremony for this curve.
_HEADER_BYTES, _MOST_POWER = struct.calcsize(f"<I{_COORDINATE}sI"), 28
#: Bits of the random factors: a point that is wrong goes unnoticed once in 2^128.
_FACTOR_BITS = 128


class CeremonyError(ZkError):
    """A file that is no set-up for BN254, or too small."""


def read(path: Path, count: int) -> Setup:
    """The first ``count`` powers (a power of two) of a file, and more when they are needed.

    Raises CeremonyError, OSError.
    """
    with path.open("rb") as file:
        sections = _sections(path, file)
        power = _power(path, _part(path, file, sections, _HEADER))
        room = 2 * (1 << power) - 1
        if count > room or 1 << power < G2_POWERS:
            raise CeremonyError(f"{path}: {room} powers of τ, and {count} are needed")
        for kind, points, coordinates in ((_FIRST, room, 2), (_SECOND, 1 << power, 4)):
            if sections.get(kind, (0, 0))[1] != points * coordinates * _COORDINATE:
                raise CeremonyError(f"{path}: section {kind} is not {points} points")
        first = _part(path, file, sections, _FIRST, 2 * _COORDINATE * count)
        second = _part(path, file, sections, _SECOND, 4 * _COORDINATE * G2_POWERS)
    more = partial(read, path)
    made = Setup(Points.of(_pairs(first)), tuple(_second(second)), development=False, more=more)
    check(made)
    return made


def check(setup: Setup) -> None:
    """Raises CeremonyError unless the points are powers of one τ, that of no small order."""
    first, second = setup.first, setup.second
    points = [first.point(i) for i in range(len(first))]
    if points[0] != GENERATOR or second[0] != G2_GENERATOR:
        raise CeremonyError("the set-up does not begin with the generators")
    if not all(map(is_on_curve, points)) or not all(map(is_on_twist, second)):
        raise CeremonyError("a point lies on no curve")
    # e(Σ rᵢ·τⁱ·G₁, τ·G₂) = e(Σ rᵢ·τⁱ⁺¹·G₁, G₂) for random rᵢ
    factors = [secrets.randbits(_FACTOR_BITS) for _ in range(len(points) - 1)]
    low = sum_of(first, Vector.of([*factors, 0]))
    high = sum_of(first, Vector.of([0, *factors]))
    pairs: list[list[tuple[Point, G2Point]]] = [[(low, second[1]), (negate(high), second[0])]]
    # e(τ·G₁, τⁱ·G₂) = e(G₁, τⁱ⁺¹·G₂)
    pairs += [[(points[1], second[i]), (negate(GENERATOR), second[i + 1])] for i in range(len(second) - 1)]
    if points[1] == GENERATOR or not all(map(product_is_one, pairs)):
        raise CeremonyError("the points are no powers of one τ")


Sections = dict[int, tuple[int, int]]
"""Where each begins, and its size."""


def _sections(path: Path, file: BinaryIO) -> Sections:
    end = file.seek(0, SEEK_END)
    file.seek(0)
    try:
        magic, version, count = struct.unpack("<4sII", file.read(12))
        if (magic, version) != (_MAGIC, _VERSION):
            raise CeremonyError(
                f"{path} begins with {magic!r} and version {version}, not {_MAGIC!r} and {_VERSION}"
            )
        found = Sections()
        for _ in range(count):
            kind, size = struct.unpack("<IQ", file.read(12))
            if size > end - file.tell():
                raise CeremonyError(f"{path}: section {kind} of {size} bytes goes beyond the end")
            found[kind] = file.tell(), size
            file.seek(size, SEEK_CUR)
    except struct.error as error:
        raise CeremonyError(f"{path} is cut off: {error}") from error
    return found


def _part(path: Path, file: BinaryIO, sections: Sections, kind: int, size: int | None = None) -> bytes:
    if kind not in sections:
        raise CeremonyError(f"{path} has no section {kind}")
    start, whole = sections[kind]
    file.seek(start)
    return file.read(min(size or _HEADER_BYTES, whole))


def _power(path: Path, header: bytes) -> int:
    form = f"<I{_COORDINATE}sI"
    if len(header) < struct.calcsize(form):
        raise CeremonyError(f"{path} has no header")
    size, prime, power = struct.unpack_from(form, header)
    if (size, int.from_bytes(prime, "little")) != (_COORDINATE, P):
        raise CeremonyError(f"{path} is for another curve, over a field of {size} bytes")
    if power > _MOST_POWER:
        raise CeremonyError(f"{path}: the power {power}")
    return int(power)


def _coordinates(data: bytes) -> Iterator[int]:
    for at in range(0, len(data), _COORDINATE):
        value = int.from_bytes(data[at : at + _COORDINATE], "little")
        if value >= P:
            raise CeremonyError(f"a coordinate is {value:#x}, beyond the field")
        yield value * _FROM_FILE % P


def _pairs(data: bytes) -> list[tuple[int, int]]:
    values = _coordinates(data)
    return list(zip(values, values, strict=True))


def _second(data: bytes) -> Sequence[G2Point]:
    values = _coordinates(data)
    return list(zip(values, values, values, values, strict=True))
