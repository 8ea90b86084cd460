"""Hashes and roots by the native kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from jovay.kernel.hashes import keccak
from jovay.kernel.trie import mpt

from .library import Library

#: Scratch of ``mpt.ordered_root``: a fixed part, per value, and the values' bytes once more.
_FIXED, _PER_VALUE = 1 << 20, 4096


def keccak256(library: Library, data: bytes) -> bytes:
    """Keccak-256 of ``data``."""
    out = ctypes.create_string_buffer(32)
    source = ctypes.create_string_buffer(data, max(1, len(data)))
    library[keccak.keccak256](ctypes.addressof(source), len(data), ctypes.addressof(out))
    return out.raw


def ordered_root(library: Library, values: Sequence[bytes]) -> bytes:
    """Merkle-Patricia root of a list under the keys rlp(0), rlp(1), …"""
    joined = b"".join(values)
    data = ctypes.create_string_buffer(joined, len(joined) + 1)
    pairs = (ctypes.c_uint64 * (2 * len(values)))()
    at = ctypes.addressof(data)
    for k, value in enumerate(values):
        pairs[2 * k], pairs[2 * k + 1] = at, len(value)
        at += len(value)
    out = ctypes.create_string_buffer(32)
    scratch = ctypes.create_string_buffer(_FIXED + _PER_VALUE * len(values) + len(joined))
    status = library[mpt.ordered_root](
        len(values), ctypes.addressof(pairs), ctypes.addressof(out), ctypes.addressof(scratch)
    )
    assert status == 0
    return out.raw
