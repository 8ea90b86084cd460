"""A program, its verification key, and proofs of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jovay.native.emulator import Emulator
from jovay.prover.zk import prover, verifier
from jovay.prover.zk.chip import Chip, Message
from jovay.prover.zk.field import U64
from jovay.prover.zk.proof import Fixed, Statement, TableProof
from jovay.prover.zk.setup import Setup
from jovay.prover.zk.tables import Table

from . import add, bitwise, compare, cpu, divide, fixed, multiply, shift, system
from .buses import EXIT, RANGE, STATE, STOPPED
from .run import Run

CHIPS: tuple[Chip, ...] = (
    cpu.CPU,
    add.ADD,
    compare.EQUAL,
    compare.LESS,
    bitwise.BITWISE,
    shift.SHIFT,
    multiply.MULTIPLY,
    multiply.MULTIPLY_HIGH,
    divide.DIVIDE,
    system.SYSTEM,
    fixed.PROGRAM_CHIP,
    fixed.REGISTER_CHIP,
    bitwise.AND_TABLE,
    shift.POWER_TABLE,
    fixed.RANGE_CHIP,
)


@dataclass(frozen=True)
class RunProof:
    """That the program ends after so many ``cycles`` with a ``status``."""

    cycles: int
    status: int
    tables: list[TableProof]


class Program:
    """An executable, with what is fixed of its tables."""

    def __init__(self, elf: bytes, setup: Setup) -> None:
        self.emulator, self._setup = Emulator(elf), setup

    @cached_property
    def key(self) -> dict[str, Fixed]:
        """Commitments to what is fixed of the tables: the program first."""
        none = np.zeros(1, np.uint64)
        image, decoded = self.emulator.image, self.emulator.decoded
        known = [
            Table.of_words(fixed.PROGRAM_CHIP, [none], fixed.program_columns(image, decoded)),
            Table.of_words(fixed.REGISTER_CHIP, [none, none], [np.ones(fixed.REGISTERS, np.uint64)]),
            Table.of_words(bitwise.AND_TABLE, [none], bitwise.and_columns()),
            Table.of_words(shift.POWER_TABLE, [none], shift.power_columns()),
        ]
        return {each.chip.name: prover.fix(each, self._setup) for each in known}

    def statement(self, cycles: int, status: int) -> Statement:
        """That it begins where it should, and ends."""
        public = (
            Message(STATE, 1, (1, self.emulator.image.entry)),
            Message(STATE, -1, (cycles + 1, STOPPED)),
            Message(EXIT, -1, (status,)),
        )
        return Statement(CHIPS, public, self.key)

    def tables(self, run: Run) -> list[Table]:
        """The tables of a run, in the order of the chips."""
        accesses = cpu.Accesses(run)
        made = [
            cpu.table(run, accesses),
            add.table(run),
            compare.equal_table(run),
            compare.less_table(run),
            bitwise.table(run),
            shift.table(run),
            multiply.table(run),
            multiply.high_table(run),
            divide.table(run),
            system.table(run, accesses),
            fixed.program_table(self.emulator.image, self.emulator.decoded, run),
            fixed.register_table(accesses),
            bitwise.and_table(run),
            shift.power_table(run),
        ]
        return [*made, fixed.range_table(ranged_numbers(made))]

    def prove(self, data: bytes) -> RunProof:
        """Run it on an input, and prove that."""
        run = Run.of(self.emulator, data)
        status = int(cpu.Accesses(run).call[0])
        tables = self.tables(run)
        return RunProof(len(run), status, prover.prove(self.statement(len(run), status), tables, self._setup))

    def verify(self, proof: RunProof) -> None:
        """Raises ``ZkError`` unless the program ends so."""
        verifier.verify(self.statement(proof.cycles, proof.status), proof.tables, self._setup)


def ranged_numbers(tables: Sequence[Table]) -> list[U64]:
    """All numbers that tables send to be ranged."""
    found = list[U64]()
    for table in tables:
        rows = table.chip.row([column.rows()[:, 0] for column in table.columns])
        for message in table.chip.messages(rows):
            if message.bus == RANGE:
                found.append(np.repeat(message.values[0], message.multiplicity.astype(np.int64)))
    return found
