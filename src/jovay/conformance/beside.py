"""Transactions that are executed beside the blocks, against serial execution of the blocks that they end in.

Some of each block's senders have theirs executed beside it, over the state after it, to be included one to three blocks
later: as the result stands, or, if it does not, in another attempt. What asks for number or time stamp is told those of
its block in every other case, what asks for what nobody can know is executed in a block as others are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from jovay.chain.environment import BlockEnvironment
from jovay.kernel.evm.validity import SET_ASIDE
from jovay.kernel.protocol.forks import NEWEST
from jovay.native.library import Library
from jovay.sequencer.production.aside_run import DONE, AsideRun
from jovay.sequencer.production.producer import BlockProducer
from jovay.state.machine import NativeMachine

from .parallel import COINBASE, ENDLESS, Difference, Generator, Serial, Side, Transactions, differs

SENDERS = 300


@dataclass
class Waiting:
    """A transaction beside the blocks, due in block ``due``; ``machine`` has its result."""

    transactions: Transactions
    due: int
    machine: NativeMachine | None = None


@dataclass
class Totals:
    """What became of the results: included as they stood, void, left to a block."""

    included: int = 0
    void: int = 0
    left: int = 0


def environment_of(number: int, parent: bytes = bytes(32)) -> BlockEnvironment:
    """Base fees go up and down."""
    return BlockEnvironment(
        number, 1_000 + number, 10**12, 7 + number % 3, COINBASE, 1, NEWEST, parent, prevrandao=number**9
    )


class Beside:
    """Transactions of senders that have no others, up to ``most`` at a time."""

    def __init__(self, library: Library, side: Side, generator: Generator, most: int) -> None:
        self._library, self._side, self._generator = library, side, generator
        self._machines = [NativeMachine(library, side.world, shared=64) for _ in range(most)]
        self._free = [SENDERS + index for index in range(most)]
        self.waiting: list[Waiting] = []
        self.totals = Totals()

    def due(self, number: int) -> list[Waiting]:
        """Those that block ``number`` begins with: with a result first."""
        found = [one for one in self.waiting if one.due == number]
        self.waiting = [one for one in self.waiting if one.due != number]
        return sorted(found, key=lambda one: one.machine is None)

    def after(self, number: int, void: list[Waiting]) -> None:
        """Block ``number`` is made: attempts for later ones, of those that are ``void`` and of new ones."""
        dice, generator = self._generator.dice, self._generator
        for one in void:
            self._attempt(one, number)
        while self._free and dice.random() < 0.8:
            sender = self._free.pop()
            self._attempt(Waiting(generator.of(sender), 0), number)

    def _attempt(self, one: Waiting, number: int) -> None:
        dice = self._generator.dice
        one.due = number + dice.randrange(1, 4)
        told = one.due if dice.random() < 0.5 else number + 1
        machine = one.machine or self._machines.pop()
        run = AsideRun(
            self._library,
            self._side.world,
            machine,
            one.transactions.addresses[0],
            lambda: number,
            lambda: None,
        )
        how = run.attempt(replace(environment_of(told), prevrandao=0))
        one.machine = machine if how == DONE else None
        if how != DONE:
            self.totals.left += 1
            self._machines.append(machine)
        self.waiting.append(one)

    def included(self, one: Waiting) -> None:
        """Its sender may send another."""
        self.totals.included += one.machine is not None
        self._free.append(int.from_bytes(bytes(one.transactions.records[0]["sender"]), "big") - 0x5E00000)
        if one.machine is not None:
            self._machines.append(one.machine)


def compare_beside(
    library: Library, blocks: int, size: int, hot: float, workers: int, seed: int, most: int = 4
) -> tuple[Difference | None, Totals]:
    """Produce ``blocks`` blocks with others beside them, and serially; the first difference, or None."""
    parallel, serial = Side(library, SENDERS + most), Serial(library, SENDERS + most)
    producer = BlockProducer(library, parallel.world, workers, waits=ENDLESS)
    generator = Generator(library, seed, SENDERS, hot)
    beside = Beside(library, parallel, generator, most)
    try:
        for number in range(1, blocks + 1):
            due, environment = beside.due(number), environment_of(number)
            machines = [one.machine for one in due if one.machine is not None]
            transactions = generator.block(size)
            addresses = [*(one.transactions.addresses[0] for one in due), *transactions.addresses]
            array = np.array(addresses, np.uint64)
            produced = producer.execute(environment, array, beside=machines).finish()
            aside = produced.dropped.indexes[produced.dropped.statuses == SET_ASIDE].tolist()
            void = [due[index] for index in aside if index < len(machines)]
            if len(void) != len(produced.dropped):
                return Difference(number, "transactions dropped", produced.dropped, {}), beside.totals
            order = [addresses[i] for i in produced.order]
            if (difference := differs(number, produced, serial.execute(environment, order))) is not None:
                return difference, beside.totals
            beside.totals.void += len(void)
            for one in due:
                if one not in void:
                    beside.included(one)
            beside.after(number, void)
    finally:
        producer.close()
    return None, beside.totals
