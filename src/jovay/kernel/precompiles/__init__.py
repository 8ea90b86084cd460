"""Precompiled contracts 0x01–0x11 and 0x100: gas here, mathematics in ``curves``, ``hashes`` and ``modexp``."""

from .table import PRECOMPILE, is_precompile, is_slow, precompile_at
from .work import most_work

__all__ = ["PRECOMPILE", "is_precompile", "is_slow", "most_work", "precompile_at"]
