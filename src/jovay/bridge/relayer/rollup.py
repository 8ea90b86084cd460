"""What L1's contracts say, each time all of it as of one block of L1."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract
from jovay.bridge.l1.record import Kind
from jovay.bridge.l1.records import L1Block
from jovay.bridge.relayer.errors import RelayerError
from jovay.chain.settlement import Settlement

#: Answers of the contracts that are kept.
REMEMBERED = 1_024


@dataclass(frozen=True, slots=True)
class RollupState:
    """How far batches are, as of ``block``: ``claimed`` by prover."""

    block: L1Block
    committed: int
    claimed: dict[Kind, int]
    finalized: int
    paused: bool
    exodus: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """Constants of ``Rollup``. ``inclusion``: age at which a message is overdue; ``ahead``, ``behind``: how far the
    time of a batch's last block may lie after and before that of its commit. All in seconds; ``forced_messages`` and
    ``forced_gas``: what a batch owes at most.
    """

    inclusion: int
    ahead: int
    behind: int
    forced_messages: int
    forced_gas: int


@dataclass(frozen=True, slots=True)
class Output:
    """What a claim says that a batch leads to."""

    state_root: bytes
    l2_msg_root: bytes
    last_block_hash: bytes
    last_timestamp: int


class RollupReader:
    """Reads ``Rollup`` and ``L1Mailbox``; what they say at one block of L1 is asked once. Threads may share it.

    Raises what the client raises.
    """

    def __init__(self, client: L1Client, settlement: Settlement) -> None:
        self.client, self.settlement = client, settlement
        self.rollup = Contract("Rollup", settlement.rollup)
        self.mailbox = Contract("L1Mailbox", settlement.l1_mailbox)
        self._at = lru_cache(REMEMBERED)(self._read)

    def state(self) -> RollupState:
        """As of the newest block."""
        block = self.client.block("latest")
        if block is None:
            raise RelayerError("L1 has no newest block")

        def number(function: str) -> int:
            return int(self._at(block.hash, self.rollup, function))

        claimed = {Kind.ZK: number("lastZkVerifiedBatch"), Kind.TEE: number("lastTeeVerifiedBatch")}
        paused, exodus = bool(number("paused")), bool(number("exodus"))
        return RollupState(
            block, number("lastCommittedBatch"), claimed, number("lastFinalizedBatch"), paused, exodus
        )

    def _read(self, block_hash: bytes, contract: Contract, function: str, *arguments: int) -> Any:
        return contract.read(self.client, function, *arguments, block=block_hash)

    def batch_hash(self, index: int, state: RollupState) -> bytes:
        """Zeros where none is committed."""
        return bytes(self._at(state.block.hash, self.rollup, "committedBatches", index))

    def message_count(self, index: int, state: RollupState) -> int:
        """Messages that the batches up to this one execute."""
        return int(self._at(state.block.hash, self.rollup, "l1MsgCount", index))

    def rolling_hash(self, count: int, state: RollupState) -> bytes | None:
        """Over the first ``count`` messages; None where there are not so many."""
        if count > self._queue_length(state):
            return None
        return bytes(self._at(state.block.hash, self.mailbox, "getMsg", count))

    def kinds(self, index: int, state: RollupState) -> tuple[Kind, ...]:
        """The provers whose claims a batch needs, by its rules: without a ZK verifier the TEE's alone."""
        return _kinds(self._at(state.block.hash, self.rollup, "rulesFor", index))

    def kinds_now(self, index: int) -> tuple[Kind, ...]:
        """The same as of now."""
        return _kinds(self.rollup.read(self.client, "rulesFor", index))

    def output(self, kind: Kind, index: int, state: RollupState) -> Output:
        """Of a claim that stands; of genesis for batch 0."""
        _, output = self._at(state.block.hash, self.rollup, "claim", kind, index)
        return Output(*output)

    @cached_property
    def genesis_hash(self) -> bytes:
        """Hash of L2's block 0, which ``Rollup`` was deployed with."""
        _, output = self.rollup.read(self.client, "claim", Kind.TEE, 0)
        return Output(*output).last_block_hash

    @cached_property
    def bounds(self) -> Bounds:
        clocks = self.rollup.read(self.client, "clocks")
        inclusion, _, _, _, _, ahead, behind = clocks
        messages = int(self.rollup.read(self.client, "forcedMessages"))
        return Bounds(inclusion, ahead, behind, messages, int(self.rollup.read(self.client, "forcedGas")))

    def owed(self, before: int, time: int, state: RollupState) -> int:
        """How many messages a batch must reach that is committed at ``time`` (seconds) behind batches that execute
        ``before``: the least number that ``ForcedInclusion`` admits.
        """
        length, bounds = self._queue_length(state), self.bounds
        gas_before = self._queued(before - 1, state)[1] if before else 0
        total = before
        while total < min(length, before + bounds.forced_messages):
            sent_at, gas_up_to = self._queued(total, state)
            if time < sent_at + bounds.inclusion or gas_up_to - gas_before > bounds.forced_gas:
                break
            total += 1
        return total

    def _queue_length(self, state: RollupState) -> int:
        return int(self._at(state.block.hash, self.mailbox, "nextMsgIndex"))

    def _queued(self, index: int, state: RollupState) -> tuple[int, int]:
        """Seconds at which a message was sent, and gas of all up to it."""
        sent_at, gas_up_to = self._at(state.block.hash, self.mailbox, "queued", index)
        return sent_at, gas_up_to


def _kinds(rules: tuple[tuple[bytes, bytes, bytes, bytes], int]) -> tuple[Kind, ...]:
    (_, _, zk_verifier, _), _ = rules
    return (Kind.TEE, Kind.ZK) if any(zk_verifier) else (Kind.TEE,)
