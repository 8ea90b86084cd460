"""One block, from transactions to receipts: prediction, groups, parallel execution, commitment to memory.

The result equals serial execution of the block in its final order, whatever the number of workers: groups share no
key that one of them writes, and what leaves its predicted set runs serially after them, at the block's end.
"""

from __future__ import annotations

import ctypes
import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.compiler.arena import Arena
from jovay.compiler.native import Library
from jovay.execution.errors import ArenaFullError, WorldFullError
from jovay.execution.machine import NativeMachine
from jovay.execution.world import MEGABYTE, Misses, NativeWorld
from jovay.execution.writes import WriteSet
from jovay.kernel.block import body, changes, execute, predict, receipts, run, schedule, system
from jovay.kernel.block.body import Body
from jovay.kernel.block.changes import AccountChange, Changes, SlotChange
from jovay.kernel.block.receipts import BlockReceipts, Receipt, StoredLog
from jovay.kernel.block.run import DEFERRED, DROPPED, MISSING, RUN_STRIDE, Run
from jovay.kernel.block.schedule import Schedule
from jovay.kernel.evm.status import MISS
from jovay.kernel.state import commit, view
from jovay.kernel.state.world import Code
from jovay.records import View, array_at, dtype_of, new_record

from .environment import BlockEnvironment
from .touched import TouchedRecorder

U64Array = npt.NDArray[np.uint64]
MAX_LOGS, MAX_LOG_BYTES = 1 << 18, 256 * MEGABYTE
MAX_CHANGES = 1 << 22
#: Shares of the work per thread, and the least transactions of a share that are worth a hand-over.
SHARES, SHARE = 4, 64


@dataclass(frozen=True)
class Patience:
    """How long a block waits for keys that are not in memory.

    At first every transaction guesses that they are absent, so that one round finds many of them: ``rounds`` at least,
    more while they take no longer than ``guessing`` seconds. What misses keys after that is deferred, and waits for one
    key after the other; after ``waiting`` seconds what is left is postponed to a later block.
    """

    rounds: int = 4
    guessing: float = 0.02
    waiting: float = 0.05


@dataclass(slots=True)
class BlockStatistics:
    """What happened while a block was made; times in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)
    groups: int = 0
    grouped: int = 0
    largest_group: int = 0
    deferred: int = 0
    misses: int = 0
    rounds: int = 0

    def time(self, stage: str, since: float) -> float:
        """Add the time since ``since`` to ``stage``; answers now."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - since
        return now


@dataclass(frozen=True, slots=True)
class BlockBody:
    """The transactions of a block back to back, with their hashes (32), senders (20) and offsets (u32, n + 1)."""

    hashes: bytes
    senders: bytes
    offsets: bytes
    transactions: bytes


@dataclass(slots=True)
class ProducedBlock:
    """A block executed in memory. Arrays are copies, in block order; ``order`` indexes the given transactions."""

    environment: BlockEnvironment
    order: U64Array
    dropped: dict[int, int]  # index of a transaction that is not in the block → status
    receipts: npt.NDArray[Any]
    logs: bytes
    log_data: bytes
    gas_used: int
    blob_gas_used: int
    bloom: bytes
    receipts_root: bytes
    transactions_root: bytes
    body: BlockBody
    account_changes: npt.NDArray[Any]
    slot_changes: npt.NDArray[Any]
    codes: list[bytes]
    touched: (
        WriteSet | None
    )  # what the block read or wrote, with the values before it, where that is recorded
    statistics: BlockStatistics


class BlockProducer:
    """Makes blocks one after another over one world. ``record`` keeps what a stateless execution will need."""

    def __init__(
        self,
        library: Library,
        world: NativeWorld,
        workers: int,
        max_transactions: int = 16_384,
        record: bool = False,
        patience: Patience | None = None,
    ) -> None:
        self._patience = patience or Patience()
        self._touched = TouchedRecorder(library) if record else None
        self.library, self.world, self.workers = library, world, max(1, workers)
        self._machines = [NativeMachine(library, world) for _ in range(self.workers)]
        self._serial = NativeMachine(library, world)
        self._pool = ThreadPoolExecutor(max(1, self.workers - 1), "execution")
        self._capacity = max_transactions
        self._runs = Arena(max_transactions * RUN_STRIDE)
        self._order = np.zeros(max_transactions, np.uint64)
        self._groups = np.zeros(max_transactions, np.uint64)
        self._schedule = new_record(Schedule, {})
        self._receipts = Arena(max_transactions * Receipt.size)
        self._logs, self._log_data = Arena(MAX_LOGS * StoredLog.size), Arena(MAX_LOG_BYTES)
        self._scratch = Arena(1024 * MEGABYTE)
        self._account_changes = Arena(MAX_CHANGES * AccountChange.size)
        self._slot_changes = Arena(MAX_CHANGES * SlotChange.size)
        self.stamp = 0
        self._first_code = world.view.codes + world.view.codes_used

    def close(self) -> None:
        """Stop the worker threads."""
        self._pool.shutdown()

    def produce(
        self, environment: BlockEnvironment, transactions: U64Array, serial: bool = False
    ) -> ProducedBlock:
        """Execute ``transactions`` (addresses of records, all decoded) as block ``environment.number``.

        ``serial`` keeps their order: how a block that exists is executed again. The world is at the new block
        afterwards. Raises ``WorldFullError`` or ``ArenaFullError``.
        """
        count = len(transactions)
        if count > self._capacity:
            raise ArenaFullError(f"{count} transactions in a block, at most {self._capacity} fit")
        statistics = BlockStatistics()
        self.stamp = self.stamp % 0xFFFFFFF0 + 1
        self._first_code = self.world.view.codes + self.world.view.codes_used
        now = time.perf_counter()
        self._begin(environment, statistics)
        self.library[run.init_runs](self._runs.address, transactions.ctypes.data, count)
        now = statistics.time("begin", now)
        if serial:
            self._table(count)["state"] = DEFERRED
        else:
            self._predict(count, statistics)
            now = statistics.time("pre-execution", now)
            groups = self._group(count, statistics)
            now = statistics.time("scheduler", now)
            self._execute(groups)
            self._commit(count, environment)
        self._execute_deferred(count, statistics, may_postpone=not serial)
        now = statistics.time("execution", now)
        result = self._collect(environment, count, statistics)
        self._reset()
        statistics.time("receipts", now)
        return result

    def _begin(self, environment: BlockEnvironment, statistics: BlockStatistics) -> None:
        for machine in (*self._machines, self._serial):
            machine.attach()
            environment.write(machine.block)
        with self.world.lock.write():
            self.world.view.height = environment.number
        begin, parent = self.library[system.begin_block], int.from_bytes(environment.parent_hash, "big")
        while self._held(begin, self._serial.address, parent, 0) == MISS:
            self._load(self._serial, statistics)
        self._have_coinbase(environment.coinbase, statistics)
        self._commit_serial()
        if self._touched:
            self._touched.begin()
            self._touched.collect(self._serial, self.stamp, environment.number - 1)
        self._serial.reset()

    def _have_coinbase(self, coinbase: int, statistics: BlockStatistics) -> None:
        """The coinbase must be in memory before fees are added to it."""
        while not self._held(self.library[view.account], self._serial.address, coinbase):
            self._load(self._serial, statistics)

    def _held(self, call: Callable[..., Any], *arguments: int) -> Any:
        """Call the kernel while nobody else inserts records: others load keys for calls and for the pool."""
        with self.world.lock.read():
            return call(*arguments)

    def _in_shares(self, shares: int, task: Callable[[int, int], int]) -> int:
        """The sum of ``task(machine's address, share)`` over all shares, on this thread and the others.

        Each thread takes the next share when it is done with one, so a thread that gets no processor delays nobody.
        """
        with self.world.lock.read():
            following = itertools.count()

            def work(machine: NativeMachine) -> int:
                total = 0
                while (share := next(following)) < shares:
                    total += task(machine.address, share)
                return total

            helpers = [
                self._pool.submit(work, machine) for machine in self._machines[1 : min(self.workers, shares)]
            ]
            total = work(self._machines[0])
            return total + sum(helper.result() for helper in helpers if not helper.cancel())

    def _predict(self, count: int, statistics: BlockStatistics) -> None:
        """Rounds of prediction: what is missing is read from storage together and tried again."""
        call, runs = self.library[predict.predict_runs], self._runs.address
        size = max(SHARE, -(-count // (self.workers * SHARES)))

        def predict_share(machine: int, share: int) -> int:
            missing: int = call(machine, runs, share * size, min(count, (share + 1) * size))
            return missing

        begun = time.perf_counter()
        for done in itertools.count(1):
            statistics.rounds += 1
            if not self._in_shares(-(-count // size), predict_share):
                return
            found = [machine.take_misses() for machine in self._machines]
            misses = Misses.of_words(
                np.concatenate([one.account_words for one in found]),
                np.concatenate([one.slot_words for one in found]),
            )
            statistics.misses += len(misses)
            self.world.load(misses)
            if done >= self._patience.rounds and time.perf_counter() - begun > self._patience.guessing:
                states = self._table(count)["state"]
                states[states == MISSING] = DEFERRED
                return

    def _group(self, count: int, statistics: BlockStatistics) -> int:
        at = ctypes.addressof(self._schedule)
        self.library[schedule.group_runs](self._runs.address, count, self.stamp, at)
        groups: int = self.library[execute.collect_groups](
            self._runs.address, count, self._groups.ctypes.data
        )
        found = View(Schedule, at)
        statistics.groups, statistics.grouped = found.groups, found.runs_in_groups
        statistics.largest_group = found.largest
        return groups

    def _execute(self, groups: int) -> None:
        if not groups:
            return
        call, runs, at = self.library[execute.execute_groups], self._runs.address, self._groups.ctypes.data
        shares = min(groups, self.workers * SHARES)

        def execute_share(machine: int, share: int) -> int:
            call(machine, runs, at, share, shares, groups, self.stamp)
            return 0

        self._in_shares(shares, execute_share)

    def _commit(self, count: int, environment: BlockEnvironment) -> None:
        with self.world.lock.write():
            if self.library[execute.commit_runs](self.world.address, self._runs.address, count):
                raise WorldFullError("records", self.world.view.slot_capacity)
            fees = self.library[execute.credit_fees]
            if fees(self.world.address, self._runs.address, count, environment.coinbase):
                raise WorldFullError("accounts", self.world.view.account_capacity)

    def _execute_deferred(self, count: int, statistics: BlockStatistics, may_postpone: bool) -> None:
        """The serial rest. A run that still misses keys after a few guesses waits for them one by one."""
        machine, runs = self._serial, self._runs.address
        call, begun, at, tries = self.library[execute.execute_deferred], time.perf_counter(), 0, 0
        while (now := self._held(call, machine.address, runs, count, at)) < count:
            at, tries = now, tries + 1 if now == at else 0
            if may_postpone and time.perf_counter() - begun > self._patience.waiting:
                machine.take_misses()
                self._held(self.library[execute.postpone], machine.address, runs, at)
                continue
            self._load(machine, statistics)
            machine.view.patient = int(tries >= self._patience.rounds)
        machine.view.patient = 0
        self._commit_serial()

    def _commit_serial(self) -> None:
        with self.world.lock.write():
            if self.library[commit.commit_view](self._serial.address):
                raise WorldFullError("records", self.world.view.slot_capacity)

    def _load(self, machine: NativeMachine, statistics: BlockStatistics) -> None:
        misses = machine.take_misses()
        if not misses:
            raise ArenaFullError("a transaction misses keys that were not listed")
        statistics.misses += len(misses)
        statistics.rounds += 1
        self.world.load(misses)

    def _collect(
        self, environment: BlockEnvironment, count: int, statistics: BlockStatistics
    ) -> ProducedBlock:
        runs, order = self._runs.address, self._order
        included = self.library[execute.order_block](runs, count, order.ctypes.data)
        touched = self._touched_by(environment)
        out = self._receipts_of(included)
        account_changes, slot_changes = self._changes()
        dropped = self._dropped(count) if included < count else {}
        statistics.deferred = int(self._serial.view.transaction)
        return ProducedBlock(
            environment,
            order[:included].copy(),
            dropped,
            array_at(self._receipts.address, included, Receipt).copy(),
            ctypes.string_at(self._logs.address, out.log_count * StoredLog.size),
            ctypes.string_at(self._log_data.address, out.log_data_size),
            out.gas_used,
            out.blob_gas_used,
            out.bloom,
            out.receipts_root,
            out.transactions_root,
            self._body(included),
            account_changes,
            slot_changes,
            self._new_codes(),
            touched,
            statistics,
        )

    def _receipts_of(self, included: int) -> View:
        spec = new_record(
            BlockReceipts,
            {
                "receipts": self._receipts.address,
                "logs": self._logs.address,
                "log_data": self._log_data.address,
                "log_capacity": MAX_LOGS,
                "log_data_capacity": MAX_LOG_BYTES,
                "scratch": self._scratch.address,
                "scratch_size": self._scratch.size,
            },
        )
        self._spec = spec  # keeps the record alive behind the view
        at = ctypes.addressof(spec)
        if self.library[receipts.build_receipts](at, self._runs.address, self._order.ctypes.data, included):
            raise ArenaFullError("the block's receipts do not fit")
        return View(BlockReceipts, at)

    def _touched_by(self, environment: BlockEnvironment) -> WriteSet | None:
        if self._touched is None:
            return None
        for machine in (*self._machines, self._serial):
            self._touched.collect(machine, self.stamp, environment.number - 1)
        return self._touched.take()

    def _body(self, included: int) -> BlockBody:
        at = self._scratch.address
        places = {"hashes": at, "senders": at + 32 * included, "offsets": at + 52 * included + 64}
        places["offsets"] -= places["offsets"] % 64
        places["transactions"] = places["offsets"] + 4 * included + 64
        places["capacity"] = self._scratch.address + self._scratch.size - places["transactions"]
        spec = new_record(Body, places)
        if self.library[body.write_body](
            self._runs.address, self._order.ctypes.data, included, ctypes.addressof(spec)
        ):
            raise ArenaFullError("the block's transactions do not fit")
        size = View(Body, ctypes.addressof(spec)).size
        return BlockBody(
            ctypes.string_at(places["hashes"], 32 * included),
            ctypes.string_at(places["senders"], 20 * included),
            ctypes.string_at(places["offsets"], 4 * (included + 1)),
            ctypes.string_at(places["transactions"], size),
        )

    def _table(self, count: int) -> npt.NDArray[Any]:
        """State and status of the runs, in place."""
        whole = (ctypes.c_char * (count * RUN_STRIDE)).from_address(self._runs.address)
        fields = {name: Run.fields[name][1] for name in ("state", "status")}
        kind = np.dtype(
            {
                "names": list(fields),
                "formats": ["<u8", "<u8"],
                "offsets": list(fields.values()),
                "itemsize": RUN_STRIDE,
            }
        )
        return np.frombuffer(whole, kind)  # type: ignore[call-overload, no-any-return]

    def _dropped(self, count: int) -> dict[int, int]:
        table = self._table(count)
        return {int(i): int(table["status"][i]) for i in np.flatnonzero(table["state"] == DROPPED)}

    def _changes(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        spec = new_record(
            Changes, {"accounts": self._account_changes.address, "slots": self._slot_changes.address}
        )
        at = ctypes.addressof(spec)
        self.library[changes.collect_changes](self.world.address, self.stamp, at)
        found = View(Changes, at)
        return (
            array_at(self._account_changes.address, found.account_count, AccountChange).copy(),
            array_at(self._slot_changes.address, found.slot_count, SlotChange).copy(),
        )

    def _new_codes(self) -> list[bytes]:
        at, end = self._first_code, self.world.view.codes + self.world.view.codes_used
        codes = []
        while at < end:
            code = View(Code, at)
            codes.append(ctypes.string_at(code.bytes, code.size))
            at += (Code.size + code.size + 33 + (code.size >> 3) + 16) & ~7
        return codes

    def _reset(self) -> None:
        for machine in (*self._machines, self._serial):
            machine.reset()


assert dtype_of(Receipt).itemsize == Receipt.size
