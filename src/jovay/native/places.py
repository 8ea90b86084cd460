"""Where things lie in memory, as compiled code is told it."""

from __future__ import annotations

import ctypes
from operator import index
from typing import Any

import numpy as np


def address(thing: Any) -> int:
    """The address of what lies in memory: an array, ``bytes``, or whatever says so by its ``__index__``.

    Numbers stay as they are. It is good for as long as somebody holds ``thing``. Raises ``ValueError`` for an array
    that has gaps, since compiled code takes it for rows that follow each other.
    """
    if isinstance(thing, np.ndarray):
        if not thing.flags.c_contiguous:
            raise ValueError(f"an array with gaps: strides of {thing.strides} bytes")
        place: int = thing.ctypes.data
        return place
    if isinstance(thing, bytes):
        return ctypes.cast(ctypes.c_char_p(thing), ctypes.c_void_p).value or 0
    return index(thing)
