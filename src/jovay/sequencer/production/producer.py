"""One block, from transactions to receipts: preparation, pre-execution, groups, parallel execution, the serial rest.

The result equals serial execution of the block in its final order, whatever the number of workers: groups share no
key that one of them writes, and what leaves its predicted set runs serially after them, at the block's end.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from jovay.chain.environment import BlockEnvironment
from jovay.chain.settled import SettledConfig
from jovay.kernel.protocol.limits import TX_MAX_GAS_LIMIT
from jovay.native.library import Library
from jovay.state.machine import SHARED, NativeMachine
from jovay.state.world import NativeWorld

from .block import Draft, ExecutedBlock, ProducedBlock, U64Array
from .collection import Collection
from .execution import Execution
from .inclusion import Inclusion
from .machines import Machines
from .messages import L1Messages
from .preexecution import PreExecution
from .preparation import Preparation
from .runs import Runs
from .scheduler import Scheduler
from .serial_rest import SerialRest
from .touched import TouchedRecorder
from .wait_limits import Postponed, WaitLimits, needs_of


class BlockProducer:
    """Makes blocks one after another over one world. ``record`` keeps what a stateless execution will need, and on a
    ``settled`` chain, whose blocks may begin with L1 messages, what that of a chunk will.
    """

    def __init__(
        self,
        library: Library,
        world: NativeWorld,
        workers: int,
        max_transactions: int = 16_384,
        record: bool = False,
        waits: WaitLimits | None = None,
        gas: int = TX_MAX_GAS_LIMIT,
        shared: int = SHARED,
        settled: SettledConfig | None = None,
    ) -> None:
        self.stamp = 0
        self._waits = waits = waits or WaitLimits()
        touched = TouchedRecorder(library, world, settled) if record else None
        message_gas = 0 if settled is None else settled.gas_limit
        self.machines = machines = Machines(library, world, max(1, workers), gas, shared, message_gas)
        self._runs, postponed = Runs(library, max_transactions), Postponed()
        self._prepare = Preparation(machines, touched)
        self._execute_messages = L1Messages(machines, self._runs, touched)
        self._include = Inclusion(machines, self._runs)
        self._pre_execute = PreExecution(machines, self._runs, waits, postponed)
        self._schedule = Scheduler(machines, self._runs)
        self._execute = Execution(machines, self._runs)
        self._execute_rest = SerialRest(machines, self._runs, waits, postponed, touched)
        self._collect = Collection(machines, self._runs, touched)

    def hold(self, gas: int) -> None:
        """Have room for transactions of ``gas`` from the next block on. Raises ``ArenaFullError``."""
        if gas > self.machines.gas:
            self._collect.wait()
            self.machines.renew(gas)
            self._collect.renew()

    def attach(self) -> None:
        """Forget the last block, and execute over the tables that the world's records are in now."""
        self.machines.attach()

    def close(self) -> None:
        """Stop the worker threads."""
        self.machines.close()

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
        messages: int = 0,
    ) -> ExecutedBlock:
        """The same, as soon as the changes of the state are known.

        The first of ``transactions`` are L1 ``messages``, so many of which are executed as there is room for. The next
        were executed ``beside`` earlier blocks, in these machines; those that do not stand any more are dropped with
        ``SET_ASIDE``. So is every other that takes long, where that is ``bounded``; where it is not, all run one after
        the other, however long they take.
        """
        draft = self._begin(environment, transactions, messages, beside, serial, bounded)
        spent, statistics, now = self.machines.spent(), draft.statistics, time.perf_counter()
        self._prepare.run(draft)
        self._execute_messages.run(draft)
        self._include.run(draft)
        now = statistics.time("begin", now)
        if draft.in_order:
            self._runs.defer_new()
        else:
            self._pre_execute.run(draft)
            now = statistics.time("pre-execution", now)
            groups = self._schedule.run(draft)
            now = statistics.time("scheduler", now)
            self._execute.run(draft, groups)
        self._execute_rest.run(draft)
        statistics.time("execution", now)
        statistics.spent = self.machines.spent() - spent
        return self._collect.run(draft)

    def _begin(
        self,
        environment: BlockEnvironment,
        transactions: U64Array,
        messages: int,
        beside: Sequence[NativeMachine],
        serial: bool,
        bounded: bool,
    ) -> Draft:
        self._collect.wait()
        self._collect.begin()
        self._runs.begin(transactions)
        self.stamp = self.stamp % 0xFFFFFFF0 + 1
        in_order = serial or not bounded
        self.machines.stop_after(0 if in_order else self._waits.slice)
        needs = needs_of(self._runs.gas())
        return Draft(environment, transactions, messages, beside, bounded, in_order, self.stamp, needs)
