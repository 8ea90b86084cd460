"""Reading L1: everything that mailbox and rollup tell, in order, into an ``L1Record``; back and forth with L1.

Of two servers' views, or of one that reorganises while it is asked, nothing half is written down: a range of blocks
counts when its newest block is the same before and after its logs were read, and each log is of a block of the chain.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from eth_utils.crypto import keccak

from jovay.bridge.errors import L1AnswerError
from jovay.bridge.wire.l1_message import rolling_hash
from jovay.chain import rlp
from jovay.chain.settlement import Settlement
from jovay.chain.types import L1_MESSAGE_TYPE

from .batches import CommittedBatch, Output, calldata_of, compose_header
from .client import L1Client
from .contracts import Contract, Event
from .following_errors import (
    BrokenQueueError,
    ClaimDifferenceError,
    L1DivergedError,
    UnknownHeaderError,
    WrongContractsError,
)
from .record import Claim, Kind, L1Record, Point
from .records import L1Block, L1Log

log = logging.getLogger("jovay.l1")
FINALIZED = None
#: Blocks that are read at once, and of which every hash is kept if they are the newest.
STEP, DENSE = 2_000, 128
_MAILBOX_EVENTS = ("SentMsg", "AppendMsg")
_ROLLUP_EVENTS = (
    *("RulesScheduled", "BlobDataHash", "CommitBatch", "VerifyBatch", "FinalizeBatch"),
    *("ClaimsVoided", "BatchesReverted", "ExodusOpened"),
)


class L1Reader:
    """Follows one L1 from the block that has ``Rollup``'s deployment.

    ``confirmations``: blocks that must follow one before it is read, at the least 0; ``FINALIZED``: until L1 calls
    it finalised. ``genesis``: state root and hash of block 0, which L1 must know before anything is read of it.
    """

    def __init__(
        self,
        client: L1Client,
        settlement: Settlement,
        record: L1Record,
        confirmations: int | None,
        genesis: tuple[bytes, bytes] | None = None,
    ) -> None:
        self.client, self.settlement, self.record = client, settlement, record
        self._confirmations, self._unchecked = confirmations, genesis
        self.rollup = Contract("Rollup", settlement.rollup)
        self.mailbox = Contract("L1Mailbox", settlement.l1_mailbox)
        self._topics = [self.mailbox.topic(name) for name in _MAILBOX_EVENTS]
        self._topics += [self.rollup.topic(name) for name in _ROLLUP_EVENTS]
        self._expected: tuple[int, bytes] = (0, b"")
        self.finalized = 0
        """The newest block that L1 has called finalised."""
        self.retreats = 0
        """How often L1 has taken back blocks that were read."""

    def check(self, state_root: bytes, block_hash: bytes) -> None:
        """Compare chain id, addresses and the genesis output with those on L1. Raises ``WrongContractsError``."""
        chain_id = self.client.chain_id()
        if chain_id != self.settlement.l1_chain_id:
            raise WrongContractsError("chain id", self.settlement.l1_chain_id, chain_id)
        mailbox = self.rollup.read(self.client, "l1_mail_box")
        output = self.rollup.read(self.client, "claim", int(Kind.TEE), 0)[1]
        for what, expected, found in (
            ("mailbox of Rollup", self.settlement.l1_mailbox, mailbox),
            ("L2 chain id", self.settlement.config.chain_id, self.rollup.read(self.client, "layer2ChainId")),
            ("genesis state root", state_root, output[0]),
            ("genesis block hash", block_hash, output[2]),
        ):
            if expected != found:
                raise WrongContractsError(what, expected, found)

    def check_claim(self, claim: Claim, here: Output) -> None:
        """Compare a claim with what its batch leads to here. Raises ``ClaimDifferenceError``.

        The block hash is told by the contract alone, while the claim stands.
        """
        kind = Kind.TEE if claim.kind is Kind.FINAL else claim.kind
        output = self.rollup.read(self.client, "claim", int(kind), claim.batch)[1]
        last_block_hash = output[2] if output[0] == claim.state_root else here.last_block_hash
        for what, found, on_l1 in (
            ("state root", here.state_root, claim.state_root),
            ("message root", here.l2_msg_root or claim.l2_msg_root, claim.l2_msg_root),
            ("last block hash", here.last_block_hash, last_block_hash),
        ):
            if found != on_l1:
                raise ClaimDifferenceError(claim.batch, claim.kind.name, what, found, on_l1)

    # ---- one step --------------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Read on; False when everything that counts is read.

        Raises ``L1Error`` when L1 does not answer well, after which nothing that is missing here is missing on L1;
        ``FollowingError`` when it is not what the genesis says.
        """
        if self._unchecked is not None:
            self.check(*self._unchecked)
            self._unchecked = None
        self._retreat()
        newest, end = self.record.newest(), self._end()
        first = self.settlement.deployed_at if newest is None else newest.number + 1
        if end is None or (newest is None and end.number < first):
            raise L1AnswerError("the newest block that counts", end and end.number)
        if end.number < first:
            return False
        last = min(first + STEP - 1, end.number)
        self._read(first, last, end.number)
        return last < end.number

    def _end(self) -> L1Block | None:
        """The newest block that counts."""
        finalized = self.client.block("finalized")
        self.finalized = finalized.number if finalized else 0
        if self._confirmations is FINALIZED:
            return finalized
        newest = self.client.block("latest")
        if newest is None or not self._confirmations:
            return newest
        return self.client.block(max(newest.number - self._confirmations, 0))

    def _retreat(self) -> None:
        """Go back to the newest block that L1 still has. Raises ``L1DivergedError`` if none of those is known,
        ``L1AnswerError`` where L1 has the same blocks as before, but for the newest: its server is behind.
        """
        newest = self.record.newest()
        if newest is None or self._stands(newest):
            return
        points, tip = self.record.points(), self.client.block("latest")
        there = [point for point in points if tip is not None and point.number <= tip.number]
        common = next((point for point in there if self._stands(point)), None)
        if tip is None or (len(there) < len(points) and there and common == there[0]):
            raise L1AnswerError(f"the newest block, after {newest.number} was there,", tip and tip.number)
        if common is None and points[-1].number > self.settlement.deployed_at:
            raise L1DivergedError(points[-1].number)
        back_to = common.number if common else self.settlement.deployed_at - 1
        log.warning("L1 took back blocks", extra={"from_block": back_to + 1, "to_block": newest.number})
        self.record.undo(back_to)
        self.retreats += 1

    def _stands(self, point: Point) -> bool:
        found = self.client.block(point.number)
        return found is not None and found.hash == point.hash

    def _read(self, first: int, last: int, end: int) -> None:
        """Take what the blocks ``first`` to ``last`` tell. Raises ``L1AnswerError`` if L1 changed meanwhile."""
        tip = self.client.block(last)
        addresses = [self.settlement.rollup, self.settlement.l1_mailbox]
        logs = list(self.client.logs(addresses, [self._topics], first, last))
        numbers = {one.block_number for one in logs} | {last}
        numbers.update(range(max(first, end - DENSE), last + 1))
        blocks = {number: self.client.block(number) for number in sorted(numbers)}
        if tip is None or not _are_of_one_chain(blocks, logs) or blocks[last] != tip:
            raise L1AnswerError("blocks while they were read", "others than before")
        times = {number: block.timestamp for number, block in blocks.items() if block}
        with self.record.writing():
            self._take(self._events(logs), times)
            self.record.read_to([Point(block.number, block.hash) for block in blocks.values() if block])

    def _events(self, logs: Iterable[L1Log]) -> Iterator[Event]:
        for one in sorted(logs, key=lambda one: (one.block_number, one.index)):
            event = self.rollup.event(one) or self.mailbox.event(one)
            if event is not None:
                yield event

    # ---- what events say -------------------------------------------------------------------------------------

    def _take(self, events: Iterable[Event], times: dict[int, int]) -> None:
        data_hash = b""
        for event in events:
            args, place = event.args, event.log
            block, time, transaction = place.block_number, times[place.block_number], place.transaction_hash
            match event.name:
                case "AppendMsg":
                    self._append(args["index"], args["messageHash"], block)
                case "SentMsg":
                    self._check_message(args, block)
                case "RulesScheduled":
                    self.record.put_rules(args["fromBatch"], args["rules"][0], block, place.index)
                case "BlobDataHash":
                    data_hash = args["batchDataHash"]
                case "CommitBatch":
                    self._commit(event, data_hash, time)
                case "VerifyBatch" | "FinalizeBatch":
                    kind = Kind(args["proveType"]) if event.name == "VerifyBatch" else Kind.FINAL
                    roots = args["stateRoot"], args["l2MsgRoot"]
                    claim = Claim(kind, args["batchIndex"], *roots, block, time, transaction)
                    self.record.put_claim(claim, place.index)
                case "ClaimsVoided":
                    self.record.take_back_claims(Kind(args["proveType"]), args["fromBatch"], block)
                case "BatchesReverted":
                    self.record.take_back_batches(args["newLastBatchIndex"], block)
                case "ExodusOpened":
                    self.record.put_exodus(block)

    def _append(self, count: int, rolled: bytes, block: int) -> None:
        """The mailbox names the rolling hash of a message before the message itself."""
        self._expected = (count, rolled)

    def _check_message(self, args: dict[str, Any], block: int) -> None:
        """Put a message down, if its log has the hashes of the queue. Raises ``BrokenQueueError``."""
        number = args["nonce"]
        raw = bytes((L1_MESSAGE_TYPE,)) + rlp.encode([number, args["gasLimit"], args["msg"]])
        rolled = rolling_hash([args["hash"]], self.record.rolling_hash(self.record.message_count))
        for what, expected, found in (
            ("number", self.record.message_count, number),
            ("hash", keccak(raw), args["hash"]),
            ("rolling hash", (number + 1, rolled), self._expected),
        ):
            if expected != found:
                raise BrokenQueueError(number, what, expected, found)
        self.record.put_message(number, block, raw, rolled)

    def _commit(self, event: Event, data_hash: bytes, time: int) -> None:
        index, place = event.args["batchIndex"], event.log
        parent = self.record.batch(index - 1)
        transaction = self.client.transaction(place.transaction_hash)
        if parent is None:
            raise UnknownHeaderError(index, event.args["batchHash"])
        if transaction is None:
            raise L1AnswerError("the transaction of a log", None)
        rolling_hashes = self.record.rolling_hashes(parent.l1_messages)
        header, more = compose_header(parent.header, event.args["batchHash"], data_hash, rolling_hashes)
        calldata = calldata_of(transaction.to, transaction.input, self.settlement.rollup)
        batch = CommittedBatch(
            header,
            parent.l1_messages + more,
            place.block_number,
            time,
            place.transaction_hash,
            () if calldata else transaction.versioned_hashes,
            calldata,
        )
        self.record.put_batch(batch, place.index)


def _are_of_one_chain(blocks: dict[int, L1Block | None], logs: Iterable[L1Log]) -> bool:
    """Whether logs are of these blocks, and neighbours among the blocks follow each other."""
    for number, block in blocks.items():
        if block is None:
            return False
        before = blocks.get(number - 1)
        if before is not None and before.hash != block.parent_hash:
            return False
    return all(blocks[one.block_number].hash == one.block_hash for one in logs)  # type: ignore[union-attr]
