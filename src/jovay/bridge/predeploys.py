"""Where genesis puts the contracts of a settled chain on L2 (docs/settlement.md)."""

from __future__ import annotations

from jovay.chain.transactions import L2_MAILBOX

__all__ = [
    "L1_BLOCK_INFO",
    "L1_GAS_ORACLE",
    "L2_COIN_BASE",
    "L2_ERC20_BRIDGE",
    "L2_ETH_BRIDGE",
    "L2_MAILBOX",
]

L2_COIN_BASE = b"\x71" + bytes(19)
L1_GAS_ORACLE = b"\x81" + bytes(19)
L1_BLOCK_INFO = b"\x91" + bytes(19)
L2_ETH_BRIDGE = b"\xa1" + bytes(19)
L2_ERC20_BRIDGE = b"\xb1" + bytes(19)
