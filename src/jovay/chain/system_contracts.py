"""Contracts that blocks call before their transactions, by their addresses."""

from __future__ import annotations

from jovay.kernel.block import system

BEACON_ROOTS = int(system.BEACON_ROOTS).to_bytes(20, "big")
"""EIP-4788."""
HISTORY_STORAGE = int(system.HISTORY_STORAGE).to_bytes(20, "big")
"""EIP-2935."""
