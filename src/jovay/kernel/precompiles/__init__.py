"""Precompiled contracts: table, prices and input here, mathematics in ``curves``, ``hashes`` and ``words.modexp``."""

from .dispatch import call_precompile, is_precompile, is_slow, most_work, precompile_at

__all__ = ["call_precompile", "is_precompile", "is_slow", "most_work", "precompile_at"]
