"""The set-up of polynomial commitments: powers of a secret τ in both groups, which everybody must have forgotten."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from eth_utils.crypto import keccak

from jovay.compiler.cache import cache_directory, write_atomically

from .curve import GENERATOR, P, Points, multiples
from .field import R, Vector, powers
from .pairing import G2_GENERATOR, G2Point

#: Highest power of τ in the second group that an opening takes.
G2_POWERS = 4


@dataclass(frozen=True)
class Setup:
    """``first[i]`` = τⁱ·G₁, ``second[i]`` = τⁱ·G₂. ``development``: whoever made it may know τ, and forge. ``more`` has
    as many powers of the same τ as it is asked for.
    """

    first: Points
    second: tuple[G2Point, ...]
    development: bool
    more: Callable[[int], Setup] | None = field(default=None, compare=False)

    def holding(self, count: int) -> Setup:
        """One that has so many powers; the same where there are no more."""
        return self if len(self.first) >= count or self.more is None else self.more(count)

    @property
    def first_and_second(self) -> G2Point:
        """(τ + τ²)·G₂."""
        return add_g2(self.second[1], self.second[2])


#: A secret that everybody knows: keys that are made with it are the same everywhere, and proofs can be forged.
DEVELOPMENT_TAU = int.from_bytes(keccak(text="Jovay: powers of a tau that is no secret"), "big") % R


def stored_development_setup(count: int) -> Setup:
    """That of ``DEVELOPMENT_TAU``, kept among what is compiled; ``count`` is a power of two."""
    path = cache_directory() / "zk" / f"powers-{DEVELOPMENT_TAU % (1 << 64):016x}-{count}.npy"
    if not path.exists():
        buffer = io.BytesIO()
        np.save(buffer, development_setup(count, DEVELOPMENT_TAU).first.words)
        write_atomically(path, buffer.getvalue())
    first = Points(np.load(path, mmap_mode="r"))
    if len(first) != count:
        raise ValueError(f"{path} has {len(first)} powers")
    return Setup(first, _second_powers(DEVELOPMENT_TAU), development=True, more=stored_development_setup)


def development_setup(count: int, tau: int | None = None) -> Setup:
    """``count`` powers of a τ that this process has drawn (or was given): for development chains alone."""
    secret = tau if tau is not None else 1 + secrets.randbelow(R - 1)
    assert GENERATOR is not None
    first = multiples(GENERATOR, Vector.of(powers(secret, count)))
    return Setup(first, _second_powers(secret), development=True)


def _second_powers(secret: int) -> tuple[G2Point, ...]:
    return tuple(multiply_g2(G2_GENERATOR, pow(secret, i, R)) for i in range(G2_POWERS))


# ---- the second group, one point at a time --------------------------------------------------------------------------

_Pair = tuple[int, int]


def _times(a: _Pair, b: _Pair) -> _Pair:
    """Product of a₀ + a₁·u and b₀ + b₁·u, where u² = −1."""
    return (a[0] * b[0] - a[1] * b[1]) % P, (a[0] * b[1] + a[1] * b[0]) % P


def _over(a: _Pair, b: _Pair) -> _Pair:
    norm = pow(b[0] * b[0] + b[1] * b[1], -1, P)
    return _times(a, (b[0] * norm % P, -b[1] * norm % P))


def _line(a: G2Point, b: G2Point, slope: _Pair) -> G2Point:
    square = _times(slope, slope)
    x = (square[0] - a[0] - b[0]) % P, (square[1] - a[1] - b[1]) % P
    y = _times(slope, ((a[0] - x[0]) % P, (a[1] - x[1]) % P))
    return (*x, (y[0] - a[2]) % P, (y[1] - a[3]) % P)


#: 3/(9 + u): y² = x³ + this is the curve of the second group.
_TWIST = _over((3, 0), (9, 1))


def is_on_twist(point: G2Point) -> bool:
    """Whether it lies on the curve of which the second group is part, and in the group."""
    x, y = point[:2], point[2:]
    cube = _times(_times(x, x), x)
    right = (cube[0] + _TWIST[0]) % P, (cube[1] + _TWIST[1]) % P
    return (
        all(0 <= c < P for c in point)
        and _times(y, y) == right
        and multiply_g2(point, R - 1) == negate_g2(point)
    )


def negate_g2(point: G2Point) -> G2Point:
    """−point."""
    x0, x1, y0, y1 = point
    return x0, x1, -y0 % P, -y1 % P


def add_g2(a: G2Point, b: G2Point) -> G2Point:
    """a + b for points that are not opposite."""
    if a == b:
        square = _times(a[:2], a[:2])
        return _line(a, a, _over((3 * square[0] % P, 3 * square[1] % P), (2 * a[2] % P, 2 * a[3] % P)))
    rise, run = ((b[2] - a[2]) % P, (b[3] - a[3]) % P), ((b[0] - a[0]) % P, (b[1] - a[1]) % P)
    return _line(a, b, _over(rise, run))


def multiply_g2(point: G2Point, scalar: int) -> G2Point:
    """scalar·point, 0 < scalar < R."""
    if not 0 < scalar < R:
        raise ValueError(f"{scalar} must be positive and below the group's order")
    result = point
    for bit in bin(scalar)[3:]:
        result = add_g2(result, result)
        if bit == "1":
            result = add_g2(result, point)
    return result
