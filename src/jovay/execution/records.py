"""Moved: see ``jovay.records``."""

from jovay.records import View, array_at, dtype_of, int_of
from jovay.records import new_record as sizes_record

__all__ = ["View", "array_at", "dtype_of", "int_of", "sizes_record"]
