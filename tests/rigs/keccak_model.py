"""Keccak-f[1600] as "The Keccak reference" 3.0 puts it, lane by lane."""

from __future__ import annotations

from collections.abc import Sequence

ALL = (1 << 64) - 1


def _turned(word: int, by: int) -> int:
    return (word << by | word >> 64 - by) & ALL


def _constants() -> list[int]:
    """What is added to lane (0, 0): bits of a shift register."""
    register, found = 1, list[int]()
    for _ in range(24):
        constant = 0
        for j in range(7):
            constant |= (register & 1) << (1 << j) - 1
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        found.append(constant)
    return found


def permutation(state: Sequence[int]) -> list[int]:
    """Of 25 lanes, that at (x, y) is number x + 5y."""
    a = {(at % 5, at // 5): lane for at, lane in enumerate(state)}
    for constant in _constants():
        c = [a[x, 0] ^ a[x, 1] ^ a[x, 2] ^ a[x, 3] ^ a[x, 4] for x in range(5)]
        d = [c[x - 1] ^ _turned(c[(x + 1) % 5], 1) for x in range(5)]
        b, x, y, by = {(0, 0): a[0, 0] ^ d[0]}, 1, 0, 0
        for t in range(24):
            by = (by + t + 1) % 64
            b[y, (2 * x + 3 * y) % 5] = _turned(a[x, y] ^ d[x], by)
            x, y = y, (2 * x + 3 * y) % 5
        a = {(x, y): b[x, y] ^ ~b[(x + 1) % 5, y] & b[(x + 2) % 5, y] for x, y in b}
        a[0, 0] ^= constant
    return [a[at % 5, at // 5] for at in range(25)]
