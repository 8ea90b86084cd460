"""Affine arithmetic on secp256k1 in Python; None is infinity."""

from __future__ import annotations

from jovay.kernel.curves.jacobian import affine_sum
from jovay.kernel.curves.secp256k1 import MODULUS as P

Point = tuple[int, int]


def times(k: int, point: Point) -> Point | None:
    """Multiple of a point."""
    result: Point | None = None
    for bit in f"{k:b}" if k else "":
        if result is not None:
            result = affine_sum(P, 0, result, result)
        if bit == "1":
            result = point if result is None else add(result, point)
    return result


def add(first: Point | None, second: Point | None) -> Point | None:
    """Sum of two points."""
    if first is None or second is None:
        return first or second
    if first[0] == second[0] and first[1] != second[1]:
        return None
    return affine_sum(P, 0, first, second)
