"""How the kernel language's operations become LLVM instructions.

Importing this package teaches Numba the language once per process.
"""

from __future__ import annotations

from . import conversions, layout, memory, operators, records, tables
from .records import register_record

__all__ = ["conversions", "layout", "memory", "operators", "records", "register_record", "tables"]
