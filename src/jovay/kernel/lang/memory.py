"""Loads, stores and copies at raw addresses. Unaligned access is allowed; multi-byte values are little-endian.

The names ending in ``be`` read and write big-endian, the byte order of Ethereum's words.
"""

from __future__ import annotations

import ctypes

from .words import U64, U128, U256, U384


def _loader(name, word, size, order):
    def load(pointer):
        return word(int.from_bytes(ctypes.string_at(int(pointer), size), order))

    load.__name__ = load.__qualname__ = name
    load.__doc__ = f"{word.__name__} from {size} bytes at ``pointer``, {order}-endian."
    load.memory = ("load", word, size * 8, order)
    return load


def _storer(name, word, size, order):
    def store(pointer, value):
        ctypes.memmove(int(pointer), (int(value) & ((1 << 8 * size) - 1)).to_bytes(size, order), size)

    store.__name__ = store.__qualname__ = name
    store.__doc__ = f"Low {size} bytes of ``value`` to ``pointer``, {order}-endian."
    store.memory = ("store", word, size * 8, order)
    return store


load8 = _loader("load8", U64, 1, "little")
load16 = _loader("load16", U64, 2, "little")
load32 = _loader("load32", U64, 4, "little")
load64 = _loader("load64", U64, 8, "little")
load64be = _loader("load64be", U64, 8, "big")
load128 = _loader("load128", U128, 16, "little")
load256 = _loader("load256", U256, 32, "little")
load256be = _loader("load256be", U256, 32, "big")
load384 = _loader("load384", U384, 48, "little")
store8 = _storer("store8", U64, 1, "little")
store16 = _storer("store16", U64, 2, "little")
store32 = _storer("store32", U64, 4, "little")
store64 = _storer("store64", U64, 8, "little")
store64be = _storer("store64be", U64, 8, "big")
store128 = _storer("store128", U128, 16, "little")
store256 = _storer("store256", U256, 32, "little")
store256be = _storer("store256be", U256, 32, "big")
store384 = _storer("store384", U384, 48, "little")


def copy(target, source, size):
    """Copy ``size`` bytes; the ranges may overlap."""
    ctypes.memmove(int(target), int(source), int(size))


def fill(target, byte, size):
    """Set ``size`` bytes to ``byte``."""
    ctypes.memset(int(target), int(byte) & 0xFF, int(size))


def address_of(thing):
    """Address of a ``Record`` or of a ``Table``'s data."""
    return U64(thing._pointer)  # not «address», which a record may have as a field
