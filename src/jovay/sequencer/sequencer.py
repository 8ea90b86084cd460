"""The pipeline. Read aloud: transactions are decoded and signed for (Portal), pooled in nonce order (TxPool), cut into
a block every tick, pre-executed, grouped, executed in parallel (BlockProducer), committed to the state root, persisted,
and only then seen.

Portal and pool run on the callers' threads, production and commitment on one thread, persistence on another, so that
different blocks are in different stages at the same time.
"""

from __future__ import annotations

import ctypes
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from jovay.chain.environment import BlockEnvironment
from jovay.chain.header import header_of, sealed
from jovay.chain.rules import ChainRules, base_fee_after
from jovay.chain.types import Header
from jovay.kernel.evm import validity
from jovay.kernel.machine.environment import Block
from jovay.kernel.machine.status import ARENA_FULL, MESSAGES
from jovay.kernel.protocol.forks import LONDON, OSAKA, PARIS
from jovay.kernel.protocol.gas import TX_GAS_LIMIT_CAP
from jovay.native.arena import Arena
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.records import View, new_record
from jovay.state.trie import StateTrie
from jovay.state.world import NativeWorld
from jovay.state.writes import WriteSet, merged
from jovay.storage.datadir import DataDirectory
from jovay.storage.logs_index import LogsIndex

from .clock import Clock
from .errors import SequencerStoppedError
from .persistence.housekeeping import Housekeeping
from .persistence.persistence import Persistence, SealedBlock
from .pool.pooled import Taken
from .pool.txpool import PoolLimits, Refusal, TxPool
from .portal import DecodedBatch, Portal
from .production.aside import Aside, Heavy
from .production.block import Dropped, ProducedBlock
from .production.producer import BlockProducer
from .production.progress import Progress, Stall
from .production.room import Room

log = logging.getLogger("jovay.sequencer")
#: Why transactions are not in a block that took them, without a word about it: their time will come.
_NOT_TOLD = (validity.NONCE_TOO_HIGH, validity.SET_ASIDE, validity.LEFT_OUT)


@dataclass(frozen=True)
class SequencerSettings:
    """How blocks are made. Seconds, wei, gas. ``base_fee`` None: EIP-1559 decides."""

    workers: int = 2
    tick: float = 0.010
    heartbeat: float = 1.0
    gas_limit: int = 1_000_000_000
    base_fee: int | None = 1_000_000_000
    coinbase: int = 0x7100000000000000000000000000000000000000
    max_transactions: int = 8192
    checkpoint_seconds: float = 5.0
    l1_fee_per_byte: int = 0
    history_blocks: int = 8192


class Sequencer:
    """The stages over one world, one trie and one data directory."""

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
        self.settings, self.clock = settings, Clock()
        self.executed = self.visible = head
        self.producer = BlockProducer(
            library, world, settings.workers, settings.max_transactions, gas=self._transaction_gas(head)
        )
        self.room = Room(settings.max_transactions, settings.gas_limit)
        self.portal = Portal(library)
        self._next_block = new_record(Block, {})
        self.pool = TxPool(library, world, lambda: self._next_block_address, limits, self._wake)
        self.persistence = Persistence(
            library, data, logs_index, self._publish, self._fail, settings.checkpoint_seconds
        )
        self.housekeeping = Housekeeping(world, data.state, self.persistence, settings.history_blocks)
        self.aside = Aside(
            library,
            world,
            self._environment,
            lambda: self.executed.number,
            self.pool.give_back,
            self._wake,
            settings.tick,
        )
        world.on_crowded = self._wake
        self._hashes, self._hashes_filled = Arena(256 * 32, name="hashes"), False
        self._ready, self._stopping = threading.Event(), threading.Event()
        self._making = threading.RLock()
        self._listeners: list[Callable[[Sequence[SealedBlock]], None]] = []
        self.failure: BaseException | None = None
        self._failed_at = 0.0
        self.progress = Progress()
        self.automine = True
        self.next_base_fee: int | None = None
        self.next_prevrandao: int | None = None
        self.latencies: deque[float] = deque(maxlen=4096)
        self._remember_hashes(head)
        self._prepare_next()
        self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)

    def keccak(self, data: bytes) -> bytes:
        """Keccak-256 by the kernel."""
        return keccak256(self.library, data)

    # ---- life ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start making blocks."""
        self.persistence.start()
        self._thread.start()

    def stop(self) -> None:
        """Finish the running block, store everything, stop."""
        self._stopping.set()
        self._ready.set()
        if self._thread.is_alive():
            self._thread.join()
        self.aside.close()
        self.persistence.stop()
        self.producer.close()

    def _fail(self, error: BaseException) -> None:
        if self.failure is None:
            self.failure, self._failed_at = error, time.time()
        self._stopping.set()
        self._ready.set()

    def trouble(self) -> Stall | None:
        """Why no blocks come that are due; None while they do."""
        if self.failure is not None:
            return Stall(f"{type(self.failure).__name__}: {self.failure}", self._failed_at)
        return self.progress.stall()

    def _wake(self) -> None:
        self._ready.set()

    def listen(self, listener: Callable[[Sequence[SealedBlock]], None]) -> None:
        """Call ``listener`` with every group of blocks that became durable and visible, in order."""
        self._listeners.append(listener)

    def submit(
        self, data: bytes, ends: Sequence[int], ready_only: bool = False
    ) -> tuple[DecodedBatch, dict[int, Refusal]]:
        """Portal and pool for raw transactions back to back; and the refused."""
        batch = self.portal.decode(data, ends)
        return batch, self.pool.add(batch, ready_only)

    # ---- the tick --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            last = time.monotonic()
            while not self._stopping.is_set():
                rest = last + self.settings.heartbeat - time.monotonic()
                self._ready.wait(max(0.0, min(rest, self.aside.next_block_in())))
                rest = last + self.settings.tick - time.monotonic()
                if rest > 0 and not self._stopping.wait(rest):
                    continue
                due = time.monotonic() - last >= self.settings.heartbeat
                self._ready.clear()
                wanted = len(self.pool) or self.aside.wants_block() or due
                if not self.automine or self._stopping.is_set() or not wanted:
                    last = max(last, time.monotonic() - self.settings.heartbeat)
                    self.make_room()
                    continue
                last = time.monotonic()
                self.make_block(only_if_ready=not due)
                if len(self.pool) or self.aside.wants_block():
                    self._ready.set()
        except BaseException as error:
            log.critical("the sequencer stops: %s", error, exc_info=True)
            self._fail(error)

    def make_block(
        self, only_if_ready: bool = False, edit: Callable[[int], WriteSet] | None = None
    ) -> SealedBlock | None:
        """Cut, execute and commit one block and hand it to persistence.

        ``edit`` makes a block without transactions that changes the state instead (development only): it gives the
        changes, once the world is at the block's height.
        """
        with self.progress.making(), self._making:
            self.make_room()
            if not self.automine:  # then somebody waits for each block, and for all that is to be in it
                for entry in reversed(self.aside.withdraw()):
                    self.pool.give_back(entry)
            environment = self._environment()
            beside, own, entries = self._choose(environment, is_edit=edit is not None)
            if only_if_ready and not entries and not self.aside.wants_block():
                return None
            self.clock.next = self.next_base_fee = self.next_prevrandao = None
            started = time.perf_counter()
            executed = self.producer.execute(
                environment,
                entries.addresses,
                beside=[heavy.machine for heavy in beside if heavy.machine is not None],
                bounded=self.automine and own is None,
            )
            begun, writes = time.perf_counter(), executed.writes
            if edit is not None:
                writes = merged(writes, edit(environment.number))
                self.world.bring(writes, environment.number)
            root = self.trie.update(writes)
            executed.statistics.time("commitment", begun)
            produced = executed.finish()
            crowded = bool((produced.dropped.statuses == ARENA_FULL).any())
            self.pool.executed(entries, produced.dropped, writes.accounts)
            _tell_of_dropped(environment.number, produced.dropped)
            if own is None:
                self.room.made(begun - started, len(produced.order), crowded, environment.gas_limit)
            else:
                self.aside.own_block_took(begun - started)
            self._set_aside(produced.dropped, beside, entries)
            block = self._seal(environment, produced, writes, root, entries)
            self.executed = block.header
            self._remember_hashes(block.header)
            self._prepare_next()
            self.progress.made(block.header.number, len(entries), len(block.entries))
            self.persistence.put(block)
            return block

    def make_room(self) -> None:
        """Let records leave memory that blocks have not used for long, where the tables are crowded."""
        with self._making:
            if self.housekeeping.run(self.producer.stamp):
                self.producer.attach()  # else the space left behind would stay until the next block

    def _choose(
        self, environment: BlockEnvironment, is_edit: bool
    ) -> tuple[list[Heavy], Heavy | None, Taken]:
        """What a block is made of: results from beside the blocks, or one that has it for itself; all its entries."""
        if is_edit:
            return [], None, self.pool.take(0, 0)
        beside = self.aside.due(environment, self.pool.retake)
        own = None if beside else self.aside.own_block(self.pool.retake)
        if own is not None:
            return [], own, Taken.of(self.pool, [own.entry])
        entries = self._take(sum(heavy.gas for heavy in beside), len(beside))
        if beside:
            entries = Taken.of(self.pool, [heavy.entry for heavy in beside]).followed_by(entries)
        return beside, None, entries

    def _take(self, gas: int = 0, count: int = 0) -> Taken:
        """Transactions for a block beside ``count`` with ``gas``: one at least, if there is one and room for it."""
        most, limit = self.settings.max_transactions - count, self.settings.gas_limit - gas
        room = self.room
        return self.pool.take(min(room.transactions, most), min(room.gas, limit)) or self.pool.take(1, limit)

    def _set_aside(self, dropped: Dropped, beside: Sequence[Heavy], entries: Taken) -> None:
        """What takes long, or does not stand, is executed beside the next blocks."""
        indexes = dropped.indexes[dropped.statuses == validity.SET_ASIDE].tolist()
        void = {index for index in indexes if index < len(beside)}
        self.aside.release([heavy for index, heavy in enumerate(beside) if index not in void])
        self.aside.again([beside[index] for index in sorted(void) if self.pool.is_aside(beside[index].entry)])
        fresh = [entries[index] for index in indexes if index not in void]
        if fresh := [entry for entry in fresh if self.pool.is_aside(entry)]:
            self.aside.add(fresh)

    def rewound(self, head: Header) -> None:
        """The chain was cut to ``head`` (development only; called while paused, world, trie and store are there)."""
        self.aside.withdraw()
        self.executed = self.visible = head
        self._hashes_filled = False
        self._remember_hashes(head)
        self._prepare_next()

    def _transaction_gas(self, head: Header) -> int:
        """The most gas that a transaction of the next blocks can have."""
        fork, limit = self.rules.fork(head.number + 1, head.timestamp), self.settings.gas_limit
        return min(limit, TX_GAS_LIMIT_CAP) if fork >= OSAKA else limit

    def _environment(self) -> BlockEnvironment:
        parent = self.executed
        number, timestamp = parent.number + 1, self.clock.timestamp(parent.timestamp)
        blobs = self.rules.blobs(number, timestamp)
        fork = self.rules.fork(number, timestamp)
        reserved = self.aside.reserved(number)
        if reserved is not None and self.clock.is_free and reserved.timestamp >= parent.timestamp:
            timestamp = reserved.timestamp
        randao = self.next_prevrandao
        if randao is None:
            randao = int.from_bytes(self.keccak(parent.hash + number.to_bytes(8, "big")), "big")
        base_fee = self.base_fee_after(parent) if self.next_base_fee is None else self.next_base_fee
        return BlockEnvironment(
            number=number,
            timestamp=timestamp,
            gas_limit=self.settings.gas_limit,
            base_fee=base_fee if fork >= LONDON else 0,
            coinbase=self.settings.coinbase,
            chain_id=self.rules.chain_id,
            fork=fork,
            parent_hash=parent.hash,
            prevrandao=randao if fork >= PARIS else 0,
            blob_base_fee=self.rules.blob_base_fee(0, number, timestamp),
            max_blobs=blobs.maximum,
            l1_fee_per_byte=self.settings.l1_fee_per_byte,
            hashes=self._hashes.address,
            hashes_known=min(256, number),
        )

    def base_fee_after(self, parent: Header) -> int:
        """Base fee of the block after ``parent``, in wei: fixed, or by EIP-1559."""
        return base_fee_after(parent) if self.settings.base_fee is None else self.settings.base_fee

    def _seal(
        self,
        env: BlockEnvironment,
        produced: ProducedBlock,
        writes: WriteSet,
        root: bytes,
        entries: Taken,
    ) -> SealedBlock:
        header = header_of(
            env,
            state_root=root,
            transactions_root=produced.transactions_root,
            receipts_root=produced.receipts_root,
            logs_bloom=produced.bloom,
            gas_used=produced.gas_used,
            blob_gas_used=produced.blob_gas_used,
        )
        offsets = np.frombuffer(produced.body.offsets, np.uint32)
        encoded, header = sealed(header, self.keccak, offsets, produced.body.transactions)
        return SealedBlock(header, encoded, produced, writes, entries.chosen(produced.order))

    def _remember_hashes(self, head: Header) -> None:
        """Keep the hash of ``head`` where BLOCKHASH looks; at the start also its ancestors'."""
        if head.number and not self._hashes_filled:
            for number in range(max(0, head.number - 255), head.number):
                ctypes.memmove(self._hashes.address + number % 256 * 32, self.data.blocks.hash_of(number), 32)
        self._hashes_filled = True
        ctypes.memmove(self._hashes.address + head.number % 256 * 32, head.hash, 32)

    def _prepare_next(self) -> None:
        """The environment that the pool judges new transactions by: the next block's."""
        self._next_block_address = ctypes.addressof(self._next_block)
        self.next_environment = self._environment()
        self.next_environment.write(View(Block, self._next_block_address))

    def set_automine(self, enabled: bool) -> None:
        """Make blocks by the clock, or only when ``make_block`` is called."""
        self.automine = enabled
        self._ready.set()

    def drain(self) -> None:
        """Return when every block made so far is stored."""
        self.persistence.drain()

    @contextmanager
    def still(self) -> Iterator[Header]:
        """Make no blocks within; gives the newest one, which may not be visible yet."""
        with self._making:
            yield self.executed

    @contextmanager
    def paused(self) -> Iterator[Header]:
        """Make no blocks within; gives the newest one, which is visible by then. Not for listeners."""
        with self._making:
            if self.failure is not None:
                raise SequencerStoppedError(f"the sequencer has stopped: {self.failure}")
            self.persistence.drain()
            yield self.executed

    def change(self, **settings: object) -> None:
        """Change settings, from the next block on."""
        with self._making:
            self.settings = replace(self.settings, **settings)  # type: ignore[arg-type]
            self.producer.hold(self._transaction_gas(self.executed))
            self._prepare_next()

    # ---- what became visible ---------------------------------------------------------------------------------

    def _publish(self, blocks: Sequence[SealedBlock]) -> None:
        self.visible = blocks[-1].header
        now = time.monotonic()
        for block in blocks:
            self.progress.seen(block.header.number)
            self.pool.settle(block.entries)
            sample = block.entries.arrived[:: max(1, len(block.entries) // 16)]
            self.latencies.extend((now - sample).tolist())
        for listener in self._listeners:
            listener(blocks)

    def wait_visible(self, number: int, timeout: float = 10.0) -> bool:
        """Wait until block ``number`` is durable."""
        until = time.monotonic() + timeout
        while self.visible.number < number and time.monotonic() < until and self.failure is None:
            time.sleep(0.001)
        return self.visible.number >= number


def _tell_of_dropped(number: int, dropped: Dropped) -> None:
    """One line about transactions that are not in their block, but for those that only wait for an earlier one."""
    counts = {reason_of(s): n for s, n in dropped.counts().items() if s not in _NOT_TOLD}
    if counts:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in counts.items())
        values = {"block": number, "count": sum(counts.values()), "reasons": reasons}
        log.info("transactions found no place in their block", extra=values)


def reason_of(status: int) -> str:
    """Why a transaction is not in a block that took it, in words."""
    return MESSAGES.get(status) or validity.MESSAGES.get(status) or str(status)
