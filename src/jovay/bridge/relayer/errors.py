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


class WaitingError(RelayerError):
    """Nothing can be done until somebody else has done something; the message says what."""


class SendingError(RelayerError):
    """What did not get to L1, or does not stand there any more, and is begun anew."""

    def __init__(self, what: str, reason: str) -> None:
        self.what, self.reason = what, reason
        super().__init__(f"{what}: {reason}")


class ForeignBatchError(RelayerError):
    """A batch on L1 that is not made of this chain's blocks. Nothing can be committed until L1 reverts it."""

    def __init__(self, index: int, reason: str) -> None:
        self.index, self.reason = index, reason
        super().__init__(f"batch {index} on L1 is not of this chain: {reason}")


class ProofFormatError(RelayerError):
    """A proof that cannot be read."""


class BadProofError(RelayerError):
    """A proof that does not state what is so of its batch."""

    def __init__(self, index: int, reason: str) -> None:
        self.index, self.reason = index, reason
        super().__init__(f"the proof of batch {index} is refused: {reason}")
