"""Records that tests know by their address."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.kernel.lang import Record
from jovay.native.places import address
from jovay.native.records import dtype_of


def array_at(pointer: Any, count: int, record: type[Record]) -> npt.NDArray[Any]:
    """The ``count`` records at ``pointer`` as an array over the same memory, which must outlive it."""
    memory = (ctypes.c_char * (count * record.size)).from_address(address(pointer))
    return np.frombuffer(memoryview(memory), dtype_of(record))
