"""The pipeline. Read aloud: transactions are decoded and signed for (Portal), pooled in nonce order (TxPool), cut into
a block every tick, pre-executed, grouped, executed in parallel (BlockProducer), committed to the state root, persisted,
and only then seen.

Portal and pool run on the callers' threads, production and commitment on one thread, persistence on another, so that
different blocks are in different stages at the same time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from jovay.chain.reasons import ending
from jovay.chain.rules import ChainRules
from jovay.chain.types import Header
from jovay.kernel.evm import validity
from jovay.kernel.programs.chunk_records import CONTEXT
from jovay.kernel.protocol.gas import LOG
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.records import pointers_to
from jovay.state.machine import SHARED
from jovay.state.trie import StateTrie
from jovay.state.world import NativeWorld
from jovay.state.writes import WriteSet, merged
from jovay.storage.datadir import DataDirectory
from jovay.storage.headers import read_header
from jovay.storage.logs_index import LogsIndex
from jovay.storage.standing import read_standing

from .backpressure import Backpressure
from .errors import FollowsL1Error, RewindError, SequencerStoppedError
from .finality import L1Finality
from .inbox import Inbox, Message
from .persistence.housekeeping import Housekeeping
from .persistence.persistence import Persistence
from .persistence.recording import Recording
from .pool.limits import PoolLimits
from .pool.txpool import TxPool
from .portal import DecodedBatch, Portal
from .production.aside import Aside
from .production.block import Dropped
from .production.next_block import NextBlock
from .production.producer import BlockProducer
from .production.progress import Progress, Stall
from .production.sealing import SealedBlock, seal, seal_published
from .production.selection import PUBLISHED, Selection
from .production.touched import TouchedKeys
from .rewinding import Preparation, state_before
from .settings import SequencerSettings

log = logging.getLogger("jovay.sequencer")
#: Why transactions are not in a block that took them, without a word about it: their time will come.
MOST_GAS = (1 << 63) - 1
_NOT_TOLD = (validity.NONCE_TOO_HIGH, validity.SET_ASIDE, validity.LEFT_OUT)


class Sequencer:
    """The stages over one world, one trie and one data directory.

    ``executed`` is the newest block that is made, ``visible`` the newest one that is stored, and may be seen.
    """

    def __init__(
        self,
        library: Library,
        world: NativeWorld,
        trie: StateTrie,
        data: DataDirectory,
        logs_index: LogsIndex,
        rules: ChainRules,
        head: Header,
        settings: SequencerSettings,
        limits: PoolLimits | None = None,
    ) -> None:
        self.library, self.world, self.trie, self.data, self.rules = library, world, trie, data, rules
        if rules.settled is not None:
            settings = settings.settled(rules.settled)
        self.visible = head
        self._ready, self._stopping, self._making = threading.Event(), threading.Event(), threading.RLock()
        self.next_block = NextBlock(
            world, rules, settings, data.blocks, lambda number: self.aside.reserved(number), self._making
        )
        self.portal = Portal(library)
        message_gas = 0 if rules.settled is None else settings.gas_limit
        self.inbox = Inbox(self.portal, data.blocks, self.keccak, self._wake, message_gas)
        self.pool = TxPool(library, world, self.next_block.record, limits, self._wake)
        self.aside = Aside(
            library,
            world,
            self.next_block.environment,
            lambda: self.executed.number,
            self.pool.give_back,
            self._wake,
            settings.tick,
        )
        self.finality = L1Finality(
            data.kv, lambda batch: self.persistence.write(batch), lambda: self.visible.number
        )
        self.finality.listen(lambda step, confirmation: self._wake())
        self.backpressure = Backpressure(self.finality, data.blocks, settings.backlog, data.tracer.is_full)
        self._go_on_after(head)
        self._selection = Selection(self.pool, self.aside, self.inbox, settings)
        self._producer = self._new_producer()
        self.recording = Recording(data.tracer, rules.settled is not None) if settings.record else None
        self.persistence = Persistence(
            library, data, logs_index, self._publish, self.fail, settings.checkpoint_seconds
        )
        if rules.settled is not None:
            data.tracer.keep_after(lambda: self.finality.safe)
        self.housekeeping = Housekeeping(world, data.state, self.persistence, settings.history_blocks)
        world.tell_when_crowded(self._wake)
        self._listeners: list[Callable[[Sequence[SealedBlock]], None]] = []
        self._rewound: list[Preparation] = []
        self.failure: BaseException | None = None
        self.failed_at = 0.0
        self.progress = Progress()
        self.automine = not settings.follow
        self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)

    def _new_producer(self) -> BlockProducer:
        settings = self.settings
        return BlockProducer(
            self.library,
            self.world,
            settings.workers,
            settings.max_transactions,
            settings.record,
            gas=self.next_block.transaction_gas(settings.gas_limit),
            # One machine takes the logs of a whole block, however many shared them when it was made.
            shared=max(SHARED, settings.gas_limit // LOG) if settings.follow else SHARED,
            settled=self.rules.settled,
        )

    def _go_on_after(self, head: Header) -> None:
        standing = read_standing(self.data.blocks, head.number)
        self.inbox.start_over(standing)
        self.backpressure.made(head.number, standing)
        self.next_block.start_over(head, standing.milliseconds)

    @property
    def executed(self) -> Header:
        """The newest block that is made; it may not be visible yet."""
        return self.next_block.parent

    @property
    def settings(self) -> SequencerSettings:
        """Those in force."""
        return self.next_block.settings

    def keccak(self, data: bytes) -> bytes:
        """Keccak-256 by the kernel."""
        return keccak256(self.library, data)

    # ---- life ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start making blocks."""
        self.persistence.start()
        if self.recording is not None:
            self.recording.start()
        self._thread.start()

    def stop(self) -> None:
        """Finish the running block, store everything, stop."""
        self._stopping.set()
        self._ready.set()
        if self._thread.is_alive():
            self._thread.join()
        self.aside.close()
        self.persistence.stop()
        if self.recording is not None:
            self.recording.stop()
        self._producer.close()

    def fail(self, error: BaseException) -> None:
        """Make no blocks any more, because of ``error``; what was made is stored."""
        if self.failure is None:
            self.failure, self.failed_at = error, time.time()
        self._stopping.set()
        self._ready.set()

    def trouble(self) -> Stall | None:
        """Why no blocks come that are due; None while they do."""
        if self.failure is not None:
            return Stall(f"{type(self.failure).__name__}: {self.failure}", self.failed_at)
        return self.backpressure.stall() or self.progress.stall()

    def check_running(self) -> None:
        """Raises ``SequencerStoppedError`` once no block can be made any more."""
        if self.failure is not None:
            raise SequencerStoppedError(f"the sequencer has stopped: {self.failure}")

    def check_taking(self) -> None:
        """Raises ``SequencerError`` where nobody's transactions get into blocks."""
        self.check_running()
        if self.settings.follow:
            raise FollowsL1Error

    def halt(self, error: BaseException) -> None:
        """Make no more blocks, since a person must look at something first; all else goes on."""
        log.critical("no more blocks are made: %s", error)
        self.backpressure.halt(f"no more blocks are made: {error}")

    def _wake(self) -> None:
        self._ready.set()

    # ---- making blocks ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        settings = self.settings
        try:
            last = time.monotonic()
            while not self._stopping.is_set():
                rest = last + settings.heartbeat - time.monotonic()
                self._ready.wait(max(0.0, min(rest, self.aside.next_block_in())))
                rest = last + self.backpressure.tick(settings.tick) - time.monotonic()
                if rest > 0 and not self._stopping.wait(rest):
                    continue
                due = time.monotonic() - last >= settings.heartbeat
                self._ready.clear()
                wanted = self._selection.is_wanted() or due
                rests = not self.automine or self.backpressure.stall() is not None
                if rests or self._stopping.is_set() or not wanted:
                    last = max(last, time.monotonic() - settings.heartbeat)
                    self._make_room()
                    self._stopping.wait(settings.tick if rests else 0)
                    continue
                last = time.monotonic()
                self.make_block(only_if_ready=not due)
                if self._selection.is_wanted():
                    self._ready.set()
        except BaseException as error:
            log.critical("the sequencer stops: %s", error, exc_info=True)
            self.fail(error)

    def make_block(
        self, only_if_ready: bool = False, edit: Callable[[int], WriteSet] | None = None
    ) -> SealedBlock | None:
        """Cut, execute and commit one block and hand it to persistence.

        ``edit`` makes a block without transactions that changes the state instead (development only): it gives the
        changes, once the world is at the block's height.
        """
        with self.progress.making(), self._making:
            self._make_room()
            if not self.automine:  # then somebody waits for each block, and for all that is to be in it
                self._selection.withdraw()
            environment = self.next_block.environment()
            selected = self._selection.nothing() if edit else self._selection.choose(environment)
            if only_if_ready and not len(selected) and not self.aside.wants_block():
                return None
            self.next_block.begun()
            begun = time.perf_counter()
            executed = self._producer.execute(
                environment,
                selected.addresses,
                messages=len(selected.messages),
                beside=selected.machines,
                bounded=self.automine and selected.own is None,
            )
            now, writes = time.perf_counter(), executed.writes
            took = now - begun
            if edit is not None:
                writes = merged(writes, edit(environment.number))
                self.world.bring(writes, environment.number)
            touched = executed.touched if edit is None else None  # the edited keys are not among them
            root, proof = self._commit(writes, touched)
            executed.statistics.time("commitment", now)
            produced = executed.finish()
            self._selection.executed(selected, produced, writes.accounts, took)
            _tell_of_dropped(environment.number, produced.dropped)
            block = seal(produced, writes, root, selected.entries, self.keccak, len(selected.messages))
            self._go_on_with(block, selected.messages, len(selected))
            if self.recording is not None and edit is None:
                self.recording.put(block.header, touched, proof)
            return block

    def add_block(self, milliseconds: int, messages: int, transactions: DecodedBatch) -> SealedBlock:
        """Make the next block as it was published: with its time, so many L1 messages, which wait in the inbox, and
        then these transactions, in their order. What is not valid there is not in the block that is made.
        """
        with self.progress.making(), self._making:
            self.check_running()
            self._make_room()
            waiting = self.inbox.head(MOST_GAS, messages) if messages else []
            addresses = [message.address for message in waiting] + pointers_to(transactions.records).tolist()
            executed = self._producer.execute(
                self.next_block.environment(milliseconds),
                np.array(addresses, np.uint64),
                serial=True,
                messages=len(waiting),
            )
            writes, touched = executed.writes, executed.touched
            root, proof = self._commit(writes, touched)
            block = seal_published(executed.finish(), writes, root, self.pool, self.keccak, len(waiting))
            self._go_on_with(block, waiting, len(addresses))
            if self.recording is not None:
                self.recording.put(block.header, touched, proof)
            return block

    def _commit(self, writes: WriteSet, touched: TouchedKeys | None) -> tuple[bytes, bytes]:
        """The state root after a block, and the proof of what it touched, where that is recorded."""
        if touched is None:
            return self.trie.update(writes), b""
        return self.trie.update_proven(touched.now)

    def _go_on_with(self, block: SealedBlock, messages: Sequence[Message], given: int) -> None:
        """The next block comes after this one, which is made of so many ``given`` transactions, the first of which were
        ``messages``.
        """
        messages, produced = messages[: block.messages], block.produced
        signed = len(produced.body.transactions) - sum(len(message.raw) for message in messages)
        size = CONTEXT + signed + PUBLISHED * (len(produced.order) - len(messages))
        standing = self.inbox.executed(messages, produced.environment.milliseconds, size)
        block.standing = standing.encode() if self.rules.settled is not None else b""
        self.backpressure.made(block.header.number, standing)
        self.next_block.follow(block.header, standing.milliseconds)
        self.progress.made(block.header.number, given, len(produced.order))
        self.persistence.put(block)

    def _make_room(self) -> None:
        """Let records leave memory that blocks have not used for long, where the tables are crowded."""
        with self._making:
            if self.housekeeping.run(self._producer.stamp):
                self._producer.attach()  # else the space left behind would stay until the next block

    def set_automine(self, enabled: bool) -> None:
        """Make blocks by the clock, or only when ``make_block`` is called."""
        self.automine = enabled
        self._ready.set()

    def limit_gas(self, gas: int) -> None:
        """Let later blocks have so much gas, and their transactions no more. Raises ``ArenaFullError``."""
        with self._making:
            self._producer.hold(self.next_block.transaction_gas(gas))
            self.pool.limit(replace(self.pool.limits, transaction_gas=gas))
            self.next_block.change(gas_limit=gas)

    @contextmanager
    def still(self) -> Iterator[Header]:
        """Make no blocks within; gives the newest one, which may not be visible yet."""
        with self._making:
            yield self.executed

    @contextmanager
    def paused(self) -> Iterator[Header]:
        """Make no blocks within; gives the newest one, which is visible by then. Not for listeners."""
        with self._making:
            self.check_running()
            self.drain()
            yield self.executed

    def when_rewound(self, prepare: Preparation) -> None:
        """Let ``prepare`` know of blocks that are to leave the chain."""
        self._rewound.append(prepare)

    def rewind_to(self, target: int) -> None:
        """Let block ``target`` be the newest one: for development, and where L1 has led messages back.

        Not for listeners. Nothing stays in pool and inbox: whoever follows L1 offers from ``inbox.next`` on. Raises
        ``RewindError`` where the block is not stored.
        """
        with self.paused() as head:
            blocks = self.data.blocks
            if not blocks.oldest <= target <= head.number:
                raise RewindError(target, blocks.oldest, head.number)
            if target == head.number:
                return
            older = state_before(self.world, blocks, self.rules, self.keccak, target)
            told = [prepare(target, head.number) for prepare in self._rewound]
            self._rewind(read_header(blocks, target), older)
            for tell in told:
                tell()

    def _rewind(self, head: Header, older: WriteSet) -> None:
        """Cut the chain to ``head``; ``older`` leads the state back to it."""
        self.visible = head
        self.finality.rewind(head.number)
        self.persistence.rewind(head.number, older)
        self.world.bring(older, head.number)
        self.world.known_since(head.number)
        if self.trie.update(older) != head.state_root:
            raise AssertionError(f"the state of block {head.number} has another root")
        self.pool.clear()
        self.aside.withdraw()
        self._go_on_after(head)

    def block_time_ms(self, number: int) -> int:
        """Milliseconds of a stored block; on a chain that is not settled those of its seconds."""
        return read_standing(self.data.blocks, number).milliseconds

    # ---- what becomes visible --------------------------------------------------------------------------------

    def drain(self) -> None:
        """Return when every block made so far is stored."""
        self.persistence.drain()

    def listen(self, listener: Callable[[Sequence[SealedBlock]], None]) -> None:
        """Call ``listener`` with every group of blocks that became durable and visible, in order."""
        self._listeners.append(listener)

    def _publish(self, blocks: Sequence[SealedBlock]) -> None:
        self.visible = blocks[-1].header
        for block in blocks:
            self.progress.seen(block.header.number)
            self.pool.settle(block.entries)
        for listener in self._listeners:
            listener(blocks)


def _tell_of_dropped(number: int, dropped: Dropped) -> None:
    """One line about transactions that are not in their block, but for those that only wait for an earlier one."""
    counts = {ending(s): n for s, n in dropped.counts().items() if s not in _NOT_TOLD}
    if counts:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in counts.items())
        values = {"block": number, "count": sum(counts.values()), "reasons": reasons}
        log.info("transactions found no place in their block", extra=values)
