"""One block, from transactions to receipts: prediction, groups, parallel execution, commitment to memory.

The result equals serial execution of the block in its final order, whatever the number of workers: groups share no
key that one of them writes, and what leaves its predicted set runs serially after them, at the block's end.
"""

from __future__ import annotations

import ctypes
import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.chain.environment import BlockEnvironment
from jovay.kernel.block import aside, changes, execute, run, schedule, system
from jovay.kernel.block.changes import AccountChange, Changes, SlotChange
from jovay.kernel.block.receipts import Receipt, StoredLog
from jovay.kernel.block.run import DEFERRED, DOUBTFUL, DROPPED, MISSING, NEW, RUN_STRIDE, SUSPENDED, Run
from jovay.kernel.block.schedule import Schedule
from jovay.kernel.evm.status import ARENA_FULL, MISS, PAUSED
from jovay.kernel.evm.status import MESSAGES as STATUS_MESSAGES
from jovay.kernel.evm.validity import LEFT_OUT, SET_ASIDE
from jovay.kernel.protocol.gas import TX_GAS_LIMIT_CAP
from jovay.kernel.state import commit, view
from jovay.kernel.state.code import code_footprint
from jovay.kernel.state.world import Code
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.records import View, array_at, dtype_of, new_record
from jovay.state.errors import ArenaFullError, WorldFullError
from jovay.state.machine import SHARED, NativeMachine
from jovay.state.misses import Misses
from jovay.state.world import NativeWorld
from jovay.state.writes import WriteSet

from .block import BlockStatistics, Dropped, ExecutedBlock, ProducedBlock, U64Array
from .patience import Patience, Postponed, needs_of
from .results import Results
from .touched import TouchedRecorder
from .watch import Watch

MAX_CHANGES = 1 << 22
#: Machines beside the blocks: one executes, the others hold results that wait for their blocks.
BESIDE = 3
#: How often the serial rest of a block runs on trust, at most.
TRUSTING = 2
#: Shares of the work per thread, and the gas (limit) of a share that is worth a hand-over.
SHARES, SHARE_GAS = 4, 4_000_000


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
        gas: int = TX_GAS_LIMIT_CAP,
        shared: int = SHARED,
    ) -> None:
        self._patience = patience or Patience()
        capacities = world.view.account_capacity, world.view.slot_capacity
        self._touched = TouchedRecorder(library, *capacities) if record else None
        self.library, self.world, self.workers = library, world, max(1, workers)
        self._shared = shared
        self._pool = ThreadPoolExecutor(max(1, self.workers - 1), "execution")
        self._needs = (0, 0, 0, 0)
        self._postponed = Postponed()
        self._capacity = max_transactions
        self._runs = Arena(max_transactions * RUN_STRIDE, name="runs")
        self._order = np.zeros(max_transactions, np.uint64)
        self._groups = np.zeros(max_transactions, np.uint64)
        self._schedule = new_record(Schedule, {})
        self._new_machines(gas)
        self._gathering: Future[ProducedBlock] | None = None
        self._account_changes = Arena(MAX_CHANGES * AccountChange.size, name="changes.accounts")
        self._slot_changes = Arena(MAX_CHANGES * SlotChange.size, name="changes.slots")
        self.stamp = 0
        self._first_code = world.view.codes + world.view.codes_used

    def _new_machines(self, gas: int) -> None:
        machines = [
            NativeMachine(self.library, self.world, gas, self._shared) for _ in range(self.workers + 1)
        ]
        self._machines, self._serial = machines[:-1], machines[-1]
        # Room for all that the machines have room for, so that a block that could be executed can be stored.
        one = self._serial.view
        parts = len(machines) + BESIDE
        logs, log_bytes = parts * one.log_capacity, parts * one.log_data_capacity
        self._results = Results(self.library, self._capacity, logs, log_bytes)

    def hold(self, gas: int) -> None:
        """Have room for transactions of ``gas`` from the next block on. Raises ``ArenaFullError``."""
        if gas > self._serial.gas:
            if self._gathering is not None:
                wait([self._gathering])
            self._new_machines(gas)

    def attach(self) -> None:
        """Forget the last block, and execute over the space that the world's records are in now."""
        for machine in (*self._machines, self._serial):
            machine.reset()  # until then the last block's results stood there
            machine.attach()

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
        return self.execute(environment, transactions, serial).finish()

    def execute(
        self,
        environment: BlockEnvironment,
        transactions: U64Array,
        serial: bool = False,
        beside: Sequence[NativeMachine] = (),
        bounded: bool = True,
    ) -> ExecutedBlock:
        """The same, as soon as the changes of the state are known.

        The first of ``transactions`` were executed ``beside`` earlier blocks, in these machines; those that do not
        stand any more are dropped with ``SET_ASIDE``. So is every other that takes long, where that is ``bounded``;
        where it is not, all run one after the other, however long they take.
        """
        count = len(transactions)
        if count > self._capacity:
            raise ArenaFullError(f"{count} transactions in a block, at most {self._capacity} fit")
        if self._gathering is not None:
            wait([self._gathering])
        statistics = BlockStatistics()
        spent = sum(machine.view.spent for machine in (*self._machines, self._serial))
        self.stamp = self.stamp % 0xFFFFFFF0 + 1
        self._first_code = self.world.view.codes + self.world.view.codes_used
        now = time.perf_counter()
        self._begin(environment, statistics)
        self.library[run.init_runs](self._runs.address, transactions.ctypes.data, count)
        self._needs = needs_of(self.library[run.gas_of_runs](self._runs.address, count))
        self._limit(self._patience.slice if bounded and not serial else 0)
        self._include(beside, environment)
        now = statistics.time("begin", now)
        if serial or not bounded:
            states = self._table(count)["state"]
            states[states == NEW] = DEFERRED
        else:
            self._pass_over_postponed(transactions)
            self._predict(count, statistics)
            now = statistics.time("pre-execution", now)
            groups = self._group(count, statistics)
            now = statistics.time("scheduler", now)
            self._execute(groups)
            self._commit(count, environment)
        self._execute_deferred(count, statistics, bounded and not serial, patient=not bounded)
        statistics.spent = sum(machine.view.spent for machine in (*self._machines, self._serial)) - spent
        now = statistics.time("execution", now)
        return self._collect(environment, count, statistics, beside)

    def _limit(self, slice_: int) -> None:
        """Let runs stop after so much gas; 0: never."""
        for machine in (*self._machines, self._serial):
            machine.view.slice = slice_

    def _include(self, beside: Sequence[NativeMachine], environment: BlockEnvironment) -> None:
        """Commit what was executed beside earlier blocks, as far as it stands."""
        call, block = self.library[aside.include_aside], self._serial.block
        for index, machine in enumerate(beside):
            with self.world.lock.write():
                if machine.space is not self.world.space:  # its records are not those that blocks change
                    self._table(len(beside))[index] = (DROPPED, SET_ASIDE)
                    continue
                arguments = machine.address, self._runs.address, index, machine.result.pointer
                if call(*arguments, block.pointer, self.stamp) == commit.WORLD_FULL:
                    raise WorldFullError("records", self.world.view.slot_capacity)

    def _begin(self, environment: BlockEnvironment, statistics: BlockStatistics) -> None:
        self.attach()
        for machine in (*self._machines, self._serial):
            environment.write(machine.block)
        with self.world.lock.write():
            self.world.view.height = environment.number
        begin, parent = self.library[system.begin_block], int.from_bytes(environment.parent_hash, "big")
        beacon_root = int.from_bytes(environment.parent_beacon_block_root, "big")
        while (how := self._held(begin, self._serial.address, parent, beacon_root)) == MISS:
            self._load(self._serial, statistics)
        if how:
            raise ArenaFullError(f"the block's system calls: {STATUS_MESSAGES[how]}")
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

    def _in_shares(self, shares: int, task: Callable[[NativeMachine, int], None]) -> None:
        """Do ``task(machine, share)`` for all shares, on this thread and the others.

        Each thread takes the next share when it is done with one, so a thread that gets no processor delays nobody.
        """
        with self.world.lock.read():
            following = itertools.count()

            def work(machine: NativeMachine) -> None:
                while (share := next(following)) < shares:
                    task(machine, share)

            helpers = [
                self._pool.submit(work, machine) for machine in self._machines[1 : min(self.workers, shares)]
            ]
            work(self._machines[0])
            for helper in helpers:
                if not helper.cancel():
                    helper.result()

    def _predict(self, count: int, statistics: BlockStatistics) -> None:
        """Rounds of prediction: what is missing is read from storage together and tried again."""
        runs, states = self._runs.address, self._table(count)["state"]
        gas = max(1, self.library[run.gas_of_runs](runs, count))
        size = max(1, count * SHARE_GAS // gas, -(-count // (self.workers * SHARES)))
        watch = Watch(self.library, runs, self._patience)
        doubtful = self.library[run.mark_doubtful](runs, count, self._patience.doubtful)
        if doubtful == count:
            states[:], doubtful = NEW, 0

        def predict_share(machine: NativeMachine, share: int) -> None:
            watch.predict(machine, share * size, min(count, (share + 1) * size))

        begun = time.perf_counter()
        for done in itertools.count(1):
            statistics.rounds += 1
            self._in_shares(-(-count // size), predict_share)
            if doubtful and done == 1:  # what may take long comes last, so that it cannot keep the others out
                states[states == DOUBTFUL] = NEW
                self._in_shares(-(-count // size), predict_share)
            self._leave_out(count)
            watch.forget()
            if not np.any(states == MISSING):
                return
            found = [machine.take_misses() for machine in self._machines]
            misses = Misses.of_words(
                np.concatenate([one.account_words for one in found]),
                np.concatenate([one.slot_words for one in found]),
            )
            long = done >= self._patience.rounds and time.perf_counter() - begun > self._patience.guessing
            if not self._has_loaded(misses, statistics, self._needs) or long:
                states[states == MISSING] = DEFERRED
                return

    def _leave_out(self, count: int) -> None:
        """What nobody had time to look at is the next block's."""
        table = self._table(count)
        rest = table["state"] == NEW
        table["status"][rest], table["state"][rest] = LEFT_OUT, DROPPED

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

        def execute_share(machine: NativeMachine, share: int) -> None:
            call(machine.address, runs, at, share, shares, groups, self.stamp)

        self._in_shares(shares, execute_share)

    def _commit(self, count: int, environment: BlockEnvironment) -> None:
        with self.world.lock.write():
            if self.library[execute.commit_runs](self.world.address, self._runs.address, count):
                raise WorldFullError("records", self.world.view.slot_capacity)
            fees = self.library[execute.credit_fees]
            if fees(self.world.address, self._runs.address, count, environment.coinbase):
                raise WorldFullError("accounts", self.world.view.account_capacity)

    def _execute_deferred(
        self, count: int, statistics: BlockStatistics, may_postpone: bool, patient: bool
    ) -> None:
        """The serial rest. A run that still misses keys after a few guesses waits for them one by one.

        If it is ``patient``, it does so from the start.
        """
        machine, runs, states = self._serial, self._runs.address, self._table(count)["state"]
        if not patient and self._executed_on_trust(count, statistics):
            self._commit_serial()
            return
        call, waited, at, tries = self.library[execute.execute_deferred], 0.0, 0, 0
        has_room = not patient  # for what guesses lead to
        machine.view.patient = int(patient)
        watch = Watch(self.library, runs, self._patience)
        go_on = partial(self._held, call, machine.address, runs, count)
        while (now := watch.timed(go_on, at)) < count:
            if self._table(count)["status"][now] == PAUSED:
                if watch.is_long(machine, now):
                    self._held(self.library[execute.leave_suspended], machine.address, runs, now)
                continue
            if self._table(count)["status"][now] == ARENA_FULL:
                self._make_room(statistics)
                continue
            at, tries = now, tries + 1 if now == at else 0
            begun, guessed = time.perf_counter(), not machine.view.patient
            if not may_postpone:
                self._load(machine, statistics)
            elif waited > self._patience.waiting:
                self._postpone(at)
                continue
            elif guessed and self._postponed.is_patient(self._address(at)):
                machine.take_misses()
                machine.view.patient = 1
                continue
            elif not self._load(machine, statistics, self._needs if guessed else (0, 0, *self._needs[2:])):
                if not guessed or not self._postponed.has_been(self._address(at)):
                    self._postpone(at)
                    continue
                has_room = False
            waited += time.perf_counter() - begun
            # A run that waits in its midst goes on waiting: guesses would begin it anew.
            waits = bool(states[at] == SUSPENDED) or tries >= self._patience.rounds or not has_room
            machine.view.patient = int(waits)
        machine.view.patient = 0
        self._commit_serial()

    def _executed_on_trust(self, count: int, statistics: BlockStatistics) -> bool:
        """Execute the serial rest as if all keys that it misses were absent, and see then whether they are.

        Where each transaction writes the slot that a counter tells, that is one look-up for all of them. If some are
        there after all, it runs once more with them in memory. Answers whether it is done; if not, nothing is.
        """
        machine, runs = self._serial, self._runs.address
        for _ in range(0 if self._postponed.some_are_patient() else TRUSTING):
            machine.view.trusting = 1
            end = self._held(self.library[execute.execute_deferred], machine.address, runs, count, 0)
            machine.view.trusting = 0
            misses = machine.take_misses()
            if end == count and not misses:
                return True
            has_loaded = self._has_loaded(misses, statistics, self._needs)
            if (
                has_loaded
                and end == count
                and self._held(self.library[view.confirm_guesses], machine.address)
            ):
                return True
            is_full = end < count and self._table(count)["status"][end] == ARENA_FULL
            machine.reset()
            self.library[execute.defer_again](runs, count)
            if is_full or not has_loaded:
                break
        return False

    def _pass_over_postponed(self, transactions: U64Array) -> None:
        """Those that shall guess no more wait for their keys: guesses would bring in what nobody asked for."""
        if patient := self._postponed.begin(transactions):
            known = np.array(patient, np.uint64)
            self._table(len(transactions))["state"][np.isin(transactions, known)] = DEFERRED

    def _postpone(self, index: int) -> None:
        """Take a deferred run that misses keys out of the block."""
        self._serial.take_misses()
        call, at = self.library[execute.postpone], self._runs.address
        self._held(call, self._serial.address, at, index, self.stamp)
        self._postponed.add(self._address(index), found_room=not self.world.is_short)

    def _address(self, index: int) -> int:
        """Of a run's transaction record."""
        return int(View(Run, self._runs.address + index * RUN_STRIDE).transaction)

    def _make_room(self, statistics: BlockStatistics) -> None:
        """Bring what the serial rest changed so far into the world, so that its records make room for others'."""
        statistics.renewals += 1
        if self._touched:
            self._touched.collect(self._serial, self.stamp, self.world.view.height - 1)
        self._commit_serial()
        self.library[view.forget_records](self._serial.address)

    def _commit_serial(self) -> None:
        with self.world.lock.write():
            if self.library[commit.commit_view](self._serial.address):
                raise WorldFullError("records", self.world.view.slot_capacity)

    def _load(
        self, machine: NativeMachine, statistics: BlockStatistics, reserve: Sequence[int] | None = None
    ) -> bool:
        """Load what ``machine`` misses; false if that would leave less than ``reserve`` of the tables."""
        misses = machine.take_misses()
        if not misses:
            raise ArenaFullError("a transaction misses keys that were not listed")
        statistics.rounds += 1
        return self._has_loaded(misses, statistics, reserve)

    def _has_loaded(self, misses: Misses, statistics: BlockStatistics, reserve: Sequence[int] | None) -> bool:
        statistics.misses += len(misses)
        try:
            self.world.load(misses, reserve)
        except WorldFullError:
            if reserve is None:
                raise
            return False
        return True

    def _collect(
        self,
        environment: BlockEnvironment,
        count: int,
        statistics: BlockStatistics,
        beside: Sequence[NativeMachine],
    ) -> ExecutedBlock:
        order = self._order
        included = self.library[execute.order_block](self._runs.address, count, order.ctypes.data)
        statistics.deferred = int(self._serial.view.transaction)
        touched = self._touched_by(environment, beside)
        writes = WriteSet(*self._changes(), self._new_codes())

        def gather() -> ProducedBlock:
            now = time.perf_counter()
            block = self._gather(environment, count, included, writes, touched, statistics)
            statistics.time("receipts", now)
            return block

        self._gathering = self._pool.submit(gather)
        return ExecutedBlock(writes, statistics, self._gathering)

    def _gather(
        self,
        environment: BlockEnvironment,
        count: int,
        included: int,
        writes: WriteSet,
        touched: WriteSet | None,
        statistics: BlockStatistics,
    ) -> ProducedBlock:
        runs, order, results = self._runs.address, self._order, self._results
        out = results.write_receipts(runs, order.ctypes.data, included)
        return ProducedBlock(
            environment,
            order[:included].copy(),
            self._dropped(count),
            array_at(results.receipts.address, included, Receipt).copy(),
            ctypes.string_at(results.logs.address, out.log_count * StoredLog.size),
            ctypes.string_at(results.log_data.address, out.log_data_size),
            out.gas_used,
            out.blob_gas_used,
            out.bloom,
            out.receipts_root,
            out.transactions_root,
            results.body(runs, order.ctypes.data, included),
            writes,
            touched,
            statistics,
        )

    def _touched_by(self, environment: BlockEnvironment, beside: Sequence[NativeMachine]) -> WriteSet | None:
        if self._touched is None:
            return None
        for machine in (*self._machines, self._serial, *beside):
            self._touched.collect(machine, self.stamp, environment.number - 1)
        return self._touched.take()

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

    def _dropped(self, count: int) -> Dropped:
        table = self._table(count)
        indexes = np.flatnonzero(table["state"] == DROPPED)
        return Dropped(indexes.astype(np.uint64), table["status"][indexes].copy())

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
            at += int(code_footprint(code.size))
        return codes


assert dtype_of(Receipt).itemsize == Receipt.size
