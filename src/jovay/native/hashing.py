"""Hashes and roots by the native kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from jovay.kernel.hashes import keccak
from jovay.kernel.trie import mpt

from .arena import Buffer
from .library import Library
from .places import address

#: Scratch of ``mpt.ordered_root``: a fixed part, per value, and the values' bytes once more.
_FIXED, _PER_VALUE = 1 << 20, 4096


def keccak256(library: Library, data: bytes) -> bytes:
    """Keccak-256 of ``data``."""
    out = ctypes.create_string_buffer(32)
    library[keccak.keccak256](data, len(data), ctypes.addressof(out))
    return out.raw


def ordered_root(library: Library, values: Sequence[bytes]) -> bytes:
    """Merkle-Patricia root of a list under the keys rlp(0), rlp(1), …"""
    pairs = np.array([(address(value), len(value)) for value in values], np.uint64)
    out, scratch = Buffer(32), Buffer(_FIXED + _PER_VALUE * len(values) + sum(map(len, values)))
    status = library[mpt.ordered_root](len(values), pairs, out, scratch)
    assert status == 0
    return bytes(out)
