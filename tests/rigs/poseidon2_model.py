"""Poseidon2 of sixteen KoalaBear elements, written out with Python integers."""

from __future__ import annotations

from jovay.kernel.hashes.poseidon2_constants import DIAGONAL, EXTERNAL_FINAL, EXTERNAL_INITIAL, INTERNAL, P

M4 = [[2, 3, 1, 1], [1, 2, 3, 1], [1, 1, 2, 3], [3, 1, 1, 2]]


def external(s: list[int]) -> list[int]:
    """The circulant matrix, entry by entry."""
    entry = [[(2 if i // 4 == j // 4 else 1) * M4[i % 4][j % 4] for j in range(16)] for i in range(16)]
    return [sum(e * x for e, x in zip(row, s, strict=True)) % P for row in entry]


def permutation(s: list[int]) -> list[int]:
    """The permutation of reduced elements."""
    s = external(s)
    for constants in EXTERNAL_INITIAL:
        s = external([pow(x + c, 3, P) for x, c in zip(s, constants, strict=True)])
    for c in INTERNAL:
        s = [pow(s[0] + c, 3, P), *s[1:]]
        s = [(sum(s) + d * x) % P for d, x in zip(DIAGONAL, s, strict=True)]
    for constants in EXTERNAL_FINAL:
        s = external([pow(x + c, 3, P) for x, c in zip(s, constants, strict=True)])
    return s
