"""The pairing check of BN254, by the kernel's precompile (EIP-197)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from jovay.kernel.curves.bn254 import precompiles
from jovay.native.arena import Buffer
from jovay.native.library import build

from .curve import Point

G2Point = tuple[int, int, int, int]
"""x₀, x₁, y₀, y₁ of x = x₀ + x₁·u, y = y₀ + y₁·u."""
G2_GENERATOR: G2Point = (
    0x1800DEEF121F1E76426A00665E5C4479674322D4F75EDADD46DEBD5CD992F6ED,
    0x198E9393920D483A7260BFB731FB5D25F1AA493335A9E71297E485B7AEF312C2,
    0x12C85EA5DB8C6DEB4AAB71808DCB408FE3D1E7690C43D37B4CE6CC0166FA7DAA,
    0x090689D0585FF075EC9E99AD690C3395BC4B313370B38EF355ACDADCD122975B,
)


@cache
def _check() -> Callable[..., Any]:
    return build([precompiles.bn254_pairing])[precompiles.bn254_pairing]


def encode_pair(point: Point, other: G2Point) -> bytes:
    """As the precompile takes it: the imaginary parts first."""
    x, y = (0, 0) if point is None else point
    x0, x1, y0, y1 = other
    return b"".join(value.to_bytes(32, "big") for value in (x, y, x1, x0, y1, y0))


def product_is_one(pairs: Sequence[tuple[Point, G2Point]]) -> bool:
    """Whether Π e(point, other) = 1. False too for what is no point of its group."""
    data = Buffer(b"".join(encode_pair(point, other) for point, other in pairs))
    out = Buffer(32)
    status = _check()(data, 192 * len(pairs), out, Buffer(precompiles.SCRATCH))
    return status == 0 and out.read(32)[-1] == 1
