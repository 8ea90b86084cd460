"""The zkTrie's definition (docs/zktrie.md) again, slow, short: Poseidon2 by matrices, tries by recursion."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from jovay.kernel.hashes.poseidon2_constants import DIAGONAL, EXTERNAL_FINAL, EXTERNAL_INITIAL, INTERNAL, P

_M4 = ((2, 3, 1, 1), (1, 2, 3, 1), (1, 1, 2, 3), (3, 1, 1, 2))
BITS = 248


def _external(s: list[int]) -> list[int]:
    x = [sum(_M4[i % 4][j] * s[i // 4 * 4 + j] for j in range(4)) for i in range(16)]
    return [(x[i] + sum(x[i % 4 :: 4])) % P for i in range(16)]


def permutation(s: list[int]) -> list[int]:
    """Poseidon2 over KoalaBear, width 16."""
    s = _external(s)
    for row in EXTERNAL_INITIAL:
        s = _external([pow(x + c, 3, P) for x, c in zip(s, row, strict=True)])
    for c in INTERNAL:
        s[0] = pow(s[0] + c, 3, P)
        total = sum(s)
        s = [(total + d * x) % P for x, d in zip(s, DIAGONAL, strict=True)]
    for row in EXTERNAL_FINAL:
        s = _external([pow(x + c, 3, P) for x, c in zip(s, row, strict=True)])
    return s


def words(data: bytes) -> list[int]:
    """Little-endian 32-bit words."""
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]


def pack(elements: list[int]) -> bytes:
    """Inverse of ``words``."""
    return b"".join(e.to_bytes(4, "little") for e in elements)


@cache
def compress(left: bytes, right: bytes) -> bytes:
    """The 2-to-1 compression of two digests."""
    elements = words(left + right)
    return pack([(a + b) % P for a, b in zip(permutation(elements)[:8], elements[:8], strict=True)])


def _offset(digest: bytes, amount: int) -> bytes:
    first, *rest = words(digest)
    return pack([(first + amount) % P, *rest])


def leaf_digest(key: bytes, value: bytes) -> bytes:
    """Digest of a leaf."""
    limbs = pack([int.from_bytes(value[i : i + 2], "little") for i in range(0, 32, 2)])
    return _offset(compress(key, compress(limbs[:32], limbs[32:])), 1 << 16)


def branch_digest(left: bytes, right: bytes, depth: int) -> bytes:
    """Digest of a branch that decides bit ``depth``."""
    return _offset(compress(left, right), (1 << 16) + 1 + depth)


def path(key: bytes) -> str:
    """The 248 bits of a key as text."""
    return "".join(f"{element:031b}" for element in words(key))


def root(mapping: Mapping[bytes, bytes]) -> bytes:
    """Root of the trie of ``mapping`` (values that are zero are absent)."""
    leaves = sorted((path(k), k, v) for k, v in mapping.items() if any(v))
    return _subtree(leaves) if leaves else bytes(32)


def _subtree(leaves: list[tuple[str, bytes, bytes]]) -> bytes:
    first, last = leaves[0], leaves[-1]
    if len(leaves) == 1:
        return leaf_digest(*first[1:])
    depth = next(i for i in range(BITS) if first[0][i] != last[0][i])
    middle = next(i for i, leaf in enumerate(leaves) if leaf[0][depth] == "1")
    return branch_digest(_subtree(leaves[:middle]), _subtree(leaves[middle:]), depth)
