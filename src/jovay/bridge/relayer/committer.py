"""Batches to L1: made of the blocks that wait, sent, and kept the same as L1 has them.

L1 is asked first, each time. What it has wins: a batch of ours that it has lost for good is cut anew, and one that
somebody else committed is adopted. So all memory of this may be lost between any two lines.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jovay.bridge.l1.batches import GENESIS_BATCH
from jovay.bridge.l1.record import Kind
from jovay.bridge.relayer.backlog import Backlog
from jovay.bridge.relayer.blocks import Block
from jovay.bridge.relayer.errors import SendingError, WaitingError
from jovay.bridge.relayer.outbox import Outbox, commit_of
from jovay.bridge.relayer.rollup import RollupReader, RollupState
from jovay.bridge.relayer.sealing import VERSION, Limits, Sealed, cheaper_in_calldata, may_be_full, seal
from jovay.bridge.relayer.store import Batch, BatchStore, RawData, Tip
from jovay.bridge.wire import blobs
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.da import DaData

log = logging.getLogger("jovay.relayer")


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: ``age`` of the oldest block that carries something at which a batch is sealed although more would fit,
    ``unproven`` the same for each batch that waits for its ZK claim, so that provers catch up; ``idle`` the same of any
    block; ``margin`` before anything that L1 refuses after a time.
    """

    age: float = 60.0
    unproven: float = 30.0
    idle: float = 3_600.0
    margin: int = 600


Adopt = Callable[[int, Tip, RollupState], Batch]
"""Reads the batch with an index, which L1 has and the store has not."""


class Committer:
    """Makes batches, one at a time."""

    def __init__(
        self,
        rollup: RollupReader,
        backlog: Backlog,
        store: BatchStore,
        outbox: Outbox,
        adopt: Adopt,
        limits: Limits,
        timing: Timing,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rollup, self._backlog, self._store, self._outbox = rollup, backlog, store, outbox
        self._adopt, self._limits, self._timing, self._clock = adopt, limits, timing, clock
        self._tried: tuple[int, bytes] = (0, b"")
        self._noted = 0

    def step(self) -> None:
        """Go on with what there is to do. Raises ``RelayerError`` where that is nothing, and what clients raise."""
        state = self._rollup.state()
        if state.exodus:
            raise WaitingError("the rollup has ended: exodus is open")
        self.agree(state)
        self._note_transactions(state.committed)
        batch = self._store.batch(state.committed + 1)
        if batch is not None and self._outbox.is_sent(what(batch)):
            self._settle(batch)
            return
        if state.paused:
            raise WaitingError("L1 takes no batches while it is paused")
        if batch is not None and not self._can_stand(batch, state):
            self._store.drop_from(batch.index)
            batch = None
        if batch is None:
            batch = self._make(state)
        if batch is not None:
            self._send(batch)

    def watch(self) -> None:
        """Adopt what another relayer commits, while its data are easy to come by."""
        self.agree(self._rollup.state())

    # ---- what L1 has

    def agree(self, state: RollupState) -> None:
        """Make the store hold the batches that L1 holds; what it holds beyond them follows them."""
        index = min(self._store.last_index, state.committed)
        while index and self._store.hash_of(index) != self._rollup.batch_hash(index, state):
            index -= 1
        if index < min(self._store.last_index, state.committed):
            log.warning("L1 has another batch: what was made is dropped", extra={"batch": index + 1})
            self._store.drop_from(index + 1)
        for missing in range(index + 1, state.committed + 1):
            batch = self._adopt(missing, self.tip(missing - 1), state)
            if batch.hash != self._rollup.batch_hash(missing, state):
                raise WaitingError(f"L1 changes while batch {missing} is read")
            self._store.add(batch)
            log.info("a batch is taken over from L1", extra=_fields(batch))

    def tip(self, index: int) -> Tip:
        """Behind the batch with an index."""
        return self._store.tip(index) or Tip(GENESIS_BATCH, 0, 0, self._rollup.genesis_hash)

    def _settle(self, batch: Batch) -> None:
        """A batch was sent, and L1 did not show it."""
        try:
            self._outbox.settle(
                what(batch), lambda state: self._rollup.batch_hash(batch.index, state) == batch.hash
            )
        except SendingError:
            self._store.drop_from(batch.index)
            raise

    def _note_transactions(self, committed: int) -> None:
        """Which of our transactions carried batches: it may change until they are final."""
        for index in range(self._noted + 1, committed + 1):
            batch_hash = self._store.hash_of(index)
            wish = commit_of(index, batch_hash)
            found = self._outbox.mined(wish)
            if found:
                self._store.carried(batch_hash, found.hash)
            done = found.final if found else not self._outbox.is_sent(wish)
            if done and self._noted == index - 1:
                self._noted = index

    # ---- the next batch

    def _can_stand(self, batch: Batch, state: RollupState) -> bool:
        """Whether a batch that was made, and maybe not sent, is still of this chain and all that L1 asks for."""
        if not self._backlog.has(batch.last_block, batch.last_block_hash):
            return False
        rolled = self._rollup.rolling_hash(batch.next_message, state)
        before = self.tip(batch.index - 1).next_message
        owed = self._rollup.owed(before, state.block.timestamp, state)
        return rolled == batch.raw.header.l1_msg_rolling_hash and owed <= batch.next_message

    def _make(self, state: RollupState) -> Batch | None:
        """The next batch, if it is time for one; in the store when this returns."""
        tip = self.tip(state.committed)
        blocks = self._publishable(self._backlog.behind(tip.block, tip.block_hash), state)
        if not blocks:
            return None
        least, due = self._due(blocks, tip, state)
        tried = (len(blocks), blocks[-1].hash)
        if not due and (tried == self._tried or not may_be_full(blocks, self._limits)):
            return None
        sealed = seal(blocks, self._limits, least)
        if not due and not sealed.full:
            self._tried = tried
            return None
        batch = self._batch(sealed, blocks[sealed.count - 1], tip, state)
        self._store.add(batch)
        return batch

    def _publishable(self, blocks: Sequence[Block], state: RollupState) -> Sequence[Block]:
        """Those that are not ahead of L1's time by more than a claim may be."""
        most = 1000 * (state.block.timestamp + self._rollup.bounds.ahead)
        return [block for block in blocks if block.context.timestamp <= most]

    def _due(self, blocks: Sequence[Block], tip: Tip, state: RollupState) -> tuple[int, bool]:
        """How many blocks L1 asks for, and whether it is time to seal."""
        bounds, margin = self._rollup.bounds, self._timing.margin
        soon = state.block.timestamp + min(margin, bounds.inclusion // 2)
        owed = self._rollup.owed(tip.next_message, soon, state)
        if owed > blocks[-1].next_l1_message:
            now = self._rollup.owed(tip.next_message, state.block.timestamp, state)
            if now > blocks[-1].next_l1_message:
                raise WaitingError(f"L1 message {now - 1} is overdue, and L2 has not executed it")
            owed = now
        least = next(n for n, block in enumerate(blocks, 1) if block.next_l1_message >= owed) if owed else 0
        oldest = 1000 * (state.block.timestamp - bounds.behind + min(margin, bounds.behind // 2))
        late = next((n for n, block in enumerate(blocks, 1) if block.context.timestamp >= oldest), None)
        if late is None:
            raise WaitingError(f"block {blocks[-1].number}, the newest, is older than L1 admits")
        due = owed > tip.next_message or self._has_waited(blocks, state)
        return max(least, late if late > 1 else 0), due

    def _has_waited(self, blocks: Sequence[Block], state: RollupState) -> bool:
        """Long enough, by this machine's clock or L1's: an idle chain's empty blocks are worth less of a batch."""
        now, timing = max(self._clock(), state.block.timestamp), self._timing
        proves = Kind.ZK in self._rollup.kinds(state.committed, state)
        waiting = state.committed - state.claimed[Kind.ZK] if proves else 0
        age = max(timing.age, waiting * timing.unproven)
        carrying = next((block for block in blocks if block.context.transactions), None)
        if carrying is not None and now - carrying.context.timestamp / 1000 >= age:
            return True
        return now - blocks[0].context.timestamp / 1000 >= timing.idle

    def _batch(self, sealed: Sealed, last: Block, tip: Tip, state: RollupState) -> Batch:
        rolled = self._rollup.rolling_hash(last.next_l1_message, state)
        if rolled != last.rolling_hash:
            raise WaitingError(f"L1 does not have the {last.next_l1_message} messages that L2 has executed")
        da = sealed.da
        hashes: tuple[bytes, ...] = ()
        if not self._goes_as_calldata(da, state):
            hashes = tuple(blobs.versioned_hash(blobs.commitment_of(blob)) for blob in blobs.to_blobs(da))
        data_hash = blobs.data_hash(hashes) if hashes else da.digest
        header = BatchHeader(VERSION, state.committed + 1, rolled, data_hash, tip.header.hash)
        return Batch(
            RawData(header, da, hashes),
            sealed.chunks,
            last.next_l1_message,
            last.hash,
            last.context.timestamp,
        )

    def _goes_as_calldata(self, da: DaData, state: RollupState) -> bool:
        """Where that is cheaper; from an account without code only, for the contract takes it from no other."""
        client = self._rollup.client
        if not cheaper_in_calldata(da, state.block.base_fee, client.blob_base_fee()):
            return False
        return not client.code(self._outbox.address)

    def _send(self, batch: Batch) -> None:
        rollup, raw = self._rollup.rollup, batch.raw
        if raw.versioned_hashes:
            data = rollup.encode("commitBatch", raw.header.version, batch.index, batch.next_message)
            self._outbox.send(what(batch), rollup.address, data, blobs.to_blobs(raw.da))
        else:
            arguments = raw.header.encode(), batch.next_message, raw.da.calldata
            data = rollup.encode("commitBatchWithDaProof", *arguments)
            self._outbox.send(what(batch), rollup.address, data)
        log.info("a batch is sent", extra=_fields(batch))


def _fields(batch: Batch) -> dict[str, int]:
    """For log lines; calldata are 0 blobs."""
    return {
        "batch": batch.index,
        "first": batch.first_block,
        "last": batch.last_block,
        "bytes": len(batch.raw.da.data),
        "blobs": len(batch.raw.versioned_hashes),
    }


def what(batch: Batch) -> str:
    """The wish for a batch to be committed."""
    return commit_of(batch.index, batch.hash)
