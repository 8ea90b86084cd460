"""Where things lie in memory, as compiled code is told it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from operator import index
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

#: What lies in memory, or an address.
Place: TypeAlias = SupportsIndex | npt.NDArray[Any] | bytes


def address(thing: Any) -> int:
    """The address of what lies in memory: an array, ``bytes``, or what says so by its ``__index__``: arenas, records.

    Numbers stay as they are. It is good for as long as somebody holds ``thing``. Raises ``ValueError`` for an array
    that has gaps, since compiled code takes it for rows that follow each other.
    """
    if isinstance(thing, bytes):
        return ctypes.c_uint64.from_buffer(ctypes.c_char_p(thing)).value
    if isinstance(thing, np.ndarray):
        if not thing.flags.c_contiguous:
            raise ValueError(f"an array with gaps: strides of {thing.strides} bytes")
        place: int = thing.ctypes.data
        return place
    if isinstance(thing, ctypes.Array):
        return ctypes.addressof(thing)
    return index(thing)


def addresses(things: Iterable[Any]) -> npt.NDArray[np.uint64]:
    """Their addresses, in an array for compiled code."""
    return np.array([address(thing) for thing in things], np.uint64)
