"""Errors of following L1."""

from __future__ import annotations

from jovay.bridge.errors import BridgeError
from jovay.chain.hexadecimal import shown

_NOBODY = "no beacon API, archive or raw data is named to ask"


class FollowingError(BridgeError):
    """Base of what stops whoever follows L1: a person has to look."""


class WrongContractsError(FollowingError):
    """The contracts on L1 are not those of the genesis: ``what`` is compared."""

    def __init__(self, what: str, expected: object, found: object) -> None:
        super().__init__(f"{what} on L1 is {shown(found)}, the genesis says {shown(expected)}")
        self.what, self.expected, self.found = what, expected, found


class L1DivergedError(FollowingError):
    """L1 took back a block that counted as confirmed, and nothing is known of what came before."""

    def __init__(self, block: int) -> None:
        super().__init__(f"L1 took back block {block}, deeper than what is remembered of it")
        self.block = block


class UnknownHeaderError(FollowingError):
    """No header has the hash that L1 tells of a batch."""

    def __init__(self, index: int, batch_hash: bytes) -> None:
        super().__init__(f"no header of batch {index} has the hash {batch_hash.hex()}")
        self.index, self.batch_hash = index, batch_hash


class BrokenQueueError(FollowingError):
    """The log of an L1 message is not what the queue's hashes are made of."""

    def __init__(self, number: int, what: str, expected: object, found: object) -> None:
        super().__init__(
            f"L1 message {number}: {what} is {shown(found)} in its log, expected {shown(expected)}"
        )
        self.number, self.what = number, what


class ExecutedMessageError(FollowingError):
    """L1 took back messages, from number ``first`` on, that L2 has executed already."""

    def __init__(self, first: int) -> None:
        super().__init__(f"L1 took back messages from number {first} on, which L2 has executed")
        self.first = first


class BatchDifferenceError(FollowingError):
    """A batch on L1 is not of this chain: ``what`` differs."""

    def __init__(self, batch: int, what: str, here: object, on_l1: object) -> None:
        super().__init__(f"batch {batch}: {what} is {shown(on_l1)} on L1, {shown(here)} here")
        self.batch, self.what, self.here, self.on_l1 = batch, what, here, on_l1


class ForeignChainError(FollowingError):
    """Enclaves attest a batch on L1 that is not of this chain, for ``reason``: it is this one that is wrong."""

    def __init__(self, batch: int, reason: str) -> None:
        super().__init__(f"batch {batch} is attested on L1 and not of this chain: {reason}")
        self.batch, self.reason = batch, reason


class ExodusError(FollowingError):
    """Exodus is open since a block of L1: nothing that is made here is settled any more."""

    def __init__(self, block: int) -> None:
        super().__init__(f"exodus is open since block {block} of L1: nothing is settled any more")
        self.block = block


class UnreadableBatchError(FollowingError):
    """What a batch published is no batch: nobody can prove it, and it waits to be reverted."""

    def __init__(self, batch: int, reason: str) -> None:
        super().__init__(f"batch {batch} cannot be read: {reason}")
        self.batch, self.reason = batch, reason


class ClaimDifferenceError(FollowingError):
    """L1 was told something else of a batch than what its blocks lead to here."""

    def __init__(self, batch: int, kind: str, what: str, here: object, on_l1: object) -> None:
        super().__init__(f"{kind} claim of batch {batch}: {what} is {shown(on_l1)} on L1, {shown(here)} here")
        self.batch, self.kind, self.what, self.here, self.on_l1 = batch, kind, what, here, on_l1


class UnknownRulesError(FollowingError):
    """A batch is proven by another configuration than the genesis file has: a newer file is needed."""

    def __init__(self, index: int, config_hash: bytes | None) -> None:
        super().__init__(
            f"batch {index} is proven by configuration {shown(config_hash)}, which is not in the genesis file"
        )
        self.index, self.config_hash = index, config_hash


class NoExitError(BridgeError):
    """Nothing leaves this way, and why."""


class DataUnavailableError(BridgeError):
    """Nobody gave the data of a batch, for ``reasons``; somebody may later."""

    def __init__(self, index: int, reasons: list[str]) -> None:
        super().__init__(f"nobody gives the data of batch {index}: {'; '.join(reasons) or _NOBODY}")
        self.index, self.reasons = index, reasons
