"""A program, its verification key, and proofs of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jovay.native.emulator import Emulator
from jovay.prover.zk import prover, verifier
from jovay.prover.zk.chip import Chip, Message
from jovay.prover.zk.errors import ZkError
from jovay.prover.zk.progress import Tell, within
from jovay.prover.zk.proof import Key, Statement
from jovay.prover.zk.setup import Setup
from jovay.prover.zk.tables import Table

from . import (
    access,
    add,
    bitwise,
    compare,
    cpu,
    divide,
    fixed,
    memory,
    multiply,
    renew,
    shift,
    system,
    word,
)
from .buses import EXIT, ORDER, OUTPUT, STATE, STOPPED
from .calls import Accelerator, Calls
from .run import Run
from .timeline import Timeline

CHIPS: tuple[Chip, ...] = (
    cpu.CPU,
    add.ADD,
    add.SUBTRACT,
    add.ADD_NARROW,
    add.JUMP,
    compare.EQUAL,
    compare.LESS,
    compare.COMPARE,
    bitwise.BITWISE,
    shift.SHIFT_FIXED,
    shift.SHIFT,
    multiply.MULTIPLY,
    multiply.MULTIPLY_NARROW,
    multiply.MULTIPLY_HIGH,
    divide.DIVIDE,
    word.LOAD,
    word.STORE,
    access.ACCESS,
    renew.RENEW_REGISTER,
    renew.RENEW_WORD,
    system.SYSTEM,
    fixed.PROGRAM_CHIP,
    fixed.REGISTER_CHIP,
    shift.POWER_TABLE,
    access.OFFSET_TABLE,
    memory.IMAGE_TABLE,
    memory.WINDOW_TABLE,
    memory.MEMORY_CHIP,
)
#: Those that all others ask; they come last.
ASKED: tuple[Chip, ...] = (bitwise.AND_TABLE, fixed.RANGE_CHIP)


_WORD = 32
#: Instructions of a run: time stamps, of which there are four to each, are below 2^32.
MOST_CYCLES = 1 << 30
#: Shares of a proof's time: until the run is over, and until its tables are made.
RUN_SHARE, TABLES_SHARE = 0.01, 0.1


def chips_with(accelerators: Sequence[Accelerator]) -> tuple[Chip, ...]:
    """A statement's, in order."""
    return *CHIPS, *(chip for each in accelerators for chip in each.CHIPS), *ASKED


@dataclass(frozen=True)
class RunProof:
    """That the program ends after so many ``cycles`` with a ``status`` and, in its output window, ``output``."""

    cycles: int
    status: int
    output: bytes
    proof: bytes

    def encode(self) -> bytes:
        """As a verifier takes it that knows status and output: ``cycles`` in a word, and the proof."""
        return self.cycles.to_bytes(_WORD, "big") + self.proof

    @classmethod
    def decode(cls, data: bytes, status: int, output: bytes) -> RunProof:
        """The inverse. Raises ``ZkError``."""
        cycles = int.from_bytes(data[:_WORD], "big")
        if len(data) < _WORD or cycles > MOST_CYCLES:
            raise ZkError(f"{len(data)} bytes of proof, of a run of {cycles} instructions")
        return cls(cycles, status, output, data[_WORD:])


class Program:
    """An executable, with what is fixed of its tables."""

    def __init__(self, elf: bytes, setup: Setup, accelerators: Sequence[Accelerator] = ()) -> None:
        """``accelerators`` answer the system calls that it may make."""
        self.emulator, self.setup, self.accelerators = Emulator(elf), setup, accelerators
        self.layout = memory.Layout.of(self.emulator.image)

    @cached_property
    def key(self) -> Key:
        """Commitments to what is fixed of the tables."""
        return prover.fix(self.fixed(), self.setup)

    def fixed(self) -> list[Table]:
        """The tables with fixed columns, in the order of the chips."""
        none = np.zeros(1, np.uint64)
        image, decoded = self.emulator.image, self.emulator.decoded
        known = [
            Table.of_words(fixed.PROGRAM_CHIP, [none], fixed.program_columns(image, decoded)),
            Table.of_words(fixed.REGISTER_CHIP, [none, none], fixed.register_columns()),
            Table.of_words(shift.POWER_TABLE, [none], shift.power_columns()),
            Table.of_words(access.OFFSET_TABLE, [none], access.offset_columns()),
            Table.of_words(memory.IMAGE_TABLE, [none], self.layout.image_columns()),
            Table.of_words(memory.WINDOW_TABLE, [none], self.layout.window_columns()),
        ]
        known += [table for each in self.accelerators for table in each.fixed()]
        known.append(Table.of_words(bitwise.AND_TABLE, [none], bitwise.and_columns()))
        return [*known, Table.of_words(fixed.RANGE_CHIP, [none], fixed.range_columns())]

    @property
    def digest(self) -> bytes:
        """What a verifier knows it by: the chips, and all that is fixed of their tables."""
        return self.statement(0, 0).digest()

    @property
    def chips(self) -> tuple[Chip, ...]:
        """In order."""
        return chips_with(self.accelerators)

    def statement(self, cycles: int, status: int, output: bytes = b"") -> Statement:
        """That it begins where it should, and ends, with ``output`` (length word and all) in its window."""
        public = [
            Message(STATE, 1, (1, self.emulator.image.entry)),
            Message(STATE, -1, (cycles + 1, STOPPED)),
            Message(EXIT, -1, (status,)),
            Message(ORDER, 1, (0, -1)),
        ]
        for number, value in zip(shown_words(output), words_of(output), strict=True):
            public.append(Message(OUTPUT, -1, (number, value)))
        return Statement(self.chips, tuple(public), self.key)

    def tables(self, run: Run, output: bytes = b"") -> list[Table]:
        """The tables of a run, in the order of the chips. Raises ``ZkError`` for a call that no accelerator answers."""
        accesses, timeline, writable = cpu.Accesses(run), Timeline(run), self.layout.writable
        made = [
            cpu.table(run, accesses),
            add.table(run),
            add.subtract_table(run),
            add.narrow_table(run),
            add.jump_table(run),
            compare.equal_table(run),
            compare.less_table(run),
            compare.compare_table(run),
            bitwise.table(run),
            shift.fixed_table(run),
            shift.table(run),
            multiply.table(run),
            multiply.narrow_table(run),
            multiply.high_table(run),
            divide.table(run),
            word.load_table(timeline, writable),
            word.store_table(timeline),
            access.table(timeline, writable),
            renew.register_table(accesses),
            renew.word_table(timeline, writable),
            system.table(run, accesses),
            fixed.program_table(self.emulator.image, self.emulator.decoded, run),
            fixed.register_table(accesses),
            shift.power_table(run),
            access.offset_table(timeline),
            *memory.tables(self.layout, timeline, shown_words(output)),
            *self._answers(timeline),
        ]
        return [*made, bitwise.and_table(made), fixed.range_table(made)]

    def _answers(self, timeline: Timeline) -> list[Table]:
        """The tables of accelerators."""
        numbers = [number for each in self.accelerators for number in each.CALLS]
        if strange := timeline.calls.keys() - numbers:
            raise ZkError(f"nobody answers system calls {sorted(strange)}")
        return [
            table
            for each in self.accelerators
            for table in each.tables(
                *(timeline.calls.get(number, Calls.none(words)) for number, words in each.CALLS.items())
            )
        ]

    def prove(self, data: bytes, tell: Tell = lambda *_: None) -> RunProof:
        """Run it on an input, and prove that. Raises ``ProofTooLargeError`` where memory or the set-up is too small."""
        tell("run", 0.0)
        run = Run.of(self.emulator, data)
        output, status = shown(run.output), int(cpu.Accesses(run).read[0, -1])
        tell("tables", RUN_SHARE)
        cycles, tables = len(run), self.tables(run, output)
        del run
        statement = self.statement(cycles, status, output)
        told = within(tell, TABLES_SHARE, 1.0)
        return RunProof(cycles, status, output, prover.prove(statement, tables, self.setup, told))

    def verify(self, proof: RunProof) -> None:
        """Raises ``ZkError`` unless the program ends so."""
        verifier.verify(self.statement(proof.cycles, proof.status, proof.output), proof.proof, self.setup)


def shown(output: bytes) -> bytes:
    """An output as it lies in its window: behind its length. Nothing is shown of one that is empty."""
    return len(output).to_bytes(8, "little") + output if output else b""


def shown_words(output: bytes) -> range:
    """The numbers of the words that an output takes."""
    return range(memory.OUTPUT_WORD, memory.OUTPUT_WORD + -(-len(output) // 8))


def words_of(data: bytes) -> list[int]:
    """Its words, the last filled up with zeros."""
    return [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)]
