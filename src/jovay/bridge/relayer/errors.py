"""Errors of the relayer."""

from __future__ import annotations

from jovay.bridge.errors import BridgeError


class RelayerError(BridgeError):
    """Base of what the relayer raises on purpose. Its loop says so and tries again."""


class BlocksError(RelayerError):
    """L2 blocks from the node that are not one chain."""

    def __init__(self, number: int, reason: str) -> None:
        self.number, self.reason = number, reason
        super().__init__(f"block {number}: {reason}")


class SealingError(RelayerError):
    """Limits or blocks of which no batch can be made."""


class StoreError(RelayerError):
    """A store that is another chain's, or is asked for what does not fit."""
