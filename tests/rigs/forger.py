"""A machine that lies once, and goes on as if nothing had happened: its run is written down as an honest one is.

From the lie on all is consistent with it, so of the tables made of the run only that row can be wrong, as with a prover
who knows what he does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from jovay.compiler.riscv.layout import OUTPUT_BASE
from jovay.kernel.riscv.calls import MULMOD, WORDS
from jovay.kernel.riscv.decode import BRANCHES, CODE, LOADS, STORES
from jovay.kernel.riscv.machine import SYSCALL_EXIT
from jovay.native.emulator import Calls
from jovay.prover.zk.machine.program import Program
from jovay.prover.zk.machine.run import Run, unpacked

from .rv64 import COMPARE, DATA_SIZE, MODEL, WRAP, signed

_NAMES = {code: name for name, code in CODE.items()}
_WIDTHS = {"b": 1, "h": 2, "w": 4, "d": 8}
_MOST = 400


@dataclass
class Step:
    """What one instruction reads, does, and leaves; a lie changes it before it takes effect."""

    name: str
    pc: int
    rd: int
    rs1: int
    rs2: int
    imm: int
    a: int
    b: int
    c: int = 0
    next: int = 0
    words: list[int] = field(default_factory=list)  # of memory, by number
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)


class Liar:
    """Runs a program's instructions by the ISA's model. ``lie`` is told the machine and each step, by its clock."""

    def __init__(self, program: Program, lie: Callable[[Liar, int, Step], None]) -> None:
        self.program, self._lie = program, lie
        layout = program.layout
        self.memory: dict[int, int] = dict(zip(layout.words.tolist(), layout.values.tolist(), strict=True))
        self.registers, self.status = [0] * 33, 0
        #: What registers and words held before they were written last.
        self.older_registers, self.older_words = [0] * 33, dict[int, int]()

    def word(self, number: int) -> int:
        return self.memory.get(number, 0)

    def _is_there(self, number: int) -> bool:
        first, last, _ = self.program.layout.windows.tolist()
        return number in self.memory or any(a <= number <= b for a, b in zip(first, last, strict=True))

    def run(self) -> Run:
        """From the entry to the end."""
        text, decoded = self.program.emulator.image.text.address, self.program.emulator.decoded
        parts = np.stack(unpacked(decoded), 1).tolist()
        pc, steps, calls = self.program.emulator.image.entry, list[Step](), list[tuple[int, Step]]()
        while len(steps) < _MOST:
            operation, rd, rs1, rs2, imm = parts[(pc - text) // 4]
            step = Step(
                _NAMES[operation],
                pc,
                rd,
                rs1,
                rs2,
                imm,
                self.registers[rs1],
                self.registers[rs2],
                next=pc + 4,
            )
            ends = self._carry_out(step)
            self._lie(self, len(steps) + 1, step)
            steps.append(step)
            self._write(step)
            if step.name == "ecall" and not ends:
                calls.append((len(steps), step))
            if ends:
                break
            pc = step.next
        return self._written_down(steps, calls)

    def _carry_out(self, s: Step) -> bool:
        """Whether it is the end."""
        second = (s.b + s.imm) % WRAP
        if s.name in MODEL:
            s.c = int(MODEL[s.name](s.a, second)) % WRAP
        elif s.name in BRANCHES:
            s.next = (s.pc + s.imm) % WRAP if COMPARE[s.name](s.a, s.b) else s.pc + 4
        elif s.name == "auipc":
            s.c = (s.pc + s.imm) % WRAP
        elif s.name in ("jal", "jalr"):
            s.c, s.next = s.pc + 4, ((s.a if s.name == "jalr" else s.pc) + s.imm) % WRAP & ~1
        elif s.name in LOADS or s.name in STORES:
            self._access(s)
        elif s.name == "ecall":
            self.status = self.registers[10]
            if self.registers[17] == SYSCALL_EXIT:
                return True
            assert self.registers[17] == MULMOD
            self._take(s, self.registers[10] // 8, WORDS[MULMOD])
            a, b, m = (_number(s.before[at : at + 4]) for at in (0, 4, 8))
            s.after = [*_split(a * b % m), *s.before[4:]]
        return False

    def _take(self, s: Step, first: int, count: int) -> None:
        s.words = list(range(first, first + count))
        assert all(self._is_there(number) for number in s.words)
        s.before = [self.word(number) for number in s.words]
        s.after = list(s.before)

    def _access(self, s: Step) -> None:
        width, (index, offset) = _WIDTHS[s.name[1]], divmod((s.a + s.imm) % WRAP, 8)
        self._take(s, index, 2 if offset + width > 8 else 1)
        whole, mask = _number(s.before), (1 << 8 * width) - 1
        if s.name in STORES:
            whole = whole & ~(mask << 8 * offset) | (s.b & mask) << 8 * offset
            s.after = [whole >> 64 * k & WRAP - 1 for k in range(len(s.words))]
        else:
            value = whole >> 8 * offset & mask
            s.c = value if s.name.endswith("u") else signed(value, 8 * width) % WRAP

    def _write(self, s: Step) -> None:
        if s.name not in (*BRANCHES, *STORES, "ecall"):
            self.older_registers[s.rd], self.registers[s.rd] = self.registers[s.rd], s.c
        for number, value in zip(s.words, s.after, strict=True):
            if self.word(number) != value:
                self.older_words[number], self.memory[number] = self.word(number), value

    def _written_down(self, steps: list[Step], calls: list[tuple[int, Step]]) -> Run:
        columns = {name: [getattr(s, name) for s in steps] for name in "pc rd rs1 rs2 imm a b c next".split()}
        columns["next"][-1] = 1
        columns["operation"] = [CODE[s.name] for s in steps]
        columns["clock"] = list(range(1, len(steps) + 1))
        for k in (0, 1):
            for name, kept in (("word", "before"), ("new", "after")):
                columns[f"{name}{k}"] = [
                    getattr(s, kept)[k] if k < len(s.words) and s.name != "ecall" else 0 for s in steps
                ]
        arrays = {name: np.array(values, np.uint64) for name, values in columns.items()}
        clock = np.array([clock for clock, _ in calls], np.uint64)
        address = np.array([8 * s.words[0] for _, s in calls], np.uint64)
        held = [np.array([getattr(s, name) for _, s in calls], np.uint64) for name in ("before", "after")]
        found = (
            {MULMOD: Calls(clock, address, *(block.reshape(len(calls), -1) for block in held))}
            if calls
            else {}
        )
        size = self.word(OUTPUT_BASE // 8)
        assert size <= DATA_SIZE
        words = (self.word(OUTPUT_BASE // 8 + 1 + k) for k in range(-(-size // 8)))
        return Run(**arrays, output=b"".join(w.to_bytes(8, "little") for w in words)[:size], calls=found)


def _number(words: list[int]) -> int:
    return sum(word << 64 * k for k, word in enumerate(words))


def _split(value: int) -> list[int]:
    return [value >> 64 * k & WRAP - 1 for k in range(4)]


# ---- lies: what they make of a step; False if there is nothing to lie about --------------------------------------

Lie = Callable[[Liar, Step], bool]


def writes(s: Step) -> bool:
    return s.name not in (*BRANCHES, *STORES, "ecall")


def _result(change: int) -> Lie:
    def lie(_: Liar, s: Step) -> bool:
        s.c ^= change
        return writes(s)

    return lie


def skip(machine: Liar, s: Step) -> bool:
    """It does nothing."""
    if s.name == "ecall":
        return False
    done = s.c, s.next, s.after
    s.c, s.next, s.after = machine.registers[s.rd] if writes(s) else 0, s.pc + 4, list(s.before)
    return done != (s.c, s.next, s.after)


def other_way(_: Liar, s: Step) -> bool:
    s.next = s.pc + 4 if s.next != s.pc + 4 else (s.pc + s.imm) % WRAP
    return s.name in BRANCHES


def jump_over(_: Liar, s: Step) -> bool:
    s.next += 4
    return s.name != "ecall" and s.next == s.pc + 8


def stale_register(machine: Liar, s: Step) -> bool:
    """It reads what was in its register before."""
    old = machine.older_registers[s.rs1]
    if s.name not in MODEL or old == s.a:
        return False
    s.a = old
    s.c = int(MODEL[s.name](s.a, (s.b + s.imm) % WRAP)) % WRAP
    return True


def stale_word(machine: Liar, s: Step) -> bool:
    """It loads what was there before, or what never was."""
    if s.name != "ld" or not s.words:
        return False
    s.before = [machine.older_words.get(s.words[0], s.before[0] ^ 1), *s.before[1:]]
    s.after = list(s.before)
    changed, s.c = s.c != s.before[0] and len(s.words) == 1, s.before[0]
    return changed


def lost_store(_: Liar, s: Step) -> bool:
    stored, s.after = s.after, list(s.before)
    return s.name in STORES and stored != s.after


def more_than_stored(_: Liar, s: Step) -> bool:
    """The word beside, or a byte beside."""
    s.after = [s.after[0] ^ 1 << 63, *s.after[1:]] if s.after else []
    return s.name in STORES


def forged_call(_: Liar, s: Step) -> bool:
    s.after = [s.after[0] ^ 1, *s.after[1:]] if s.after else []
    return s.name == "ecall" and bool(s.words)


def zero_register(machine: Liar, s: Step) -> bool:
    """What goes nowhere is said to go to x0, and stays there."""
    if not writes(s) or s.rd != 32 or s.c == 0:
        return False
    s.rd = 0
    return True


LIES: dict[str, Lie] = {
    "a bit": _result(1),
    "the sign": _result(1 << 63),
    "skip": skip,
    "other way": other_way,
    "jump over": jump_over,
    "stale register": stale_register,
    "stale word": stale_word,
    "lost store": lost_store,
    "more than stored": more_than_stored,
    "forged call": forged_call,
    "x0": zero_register,
}


def lies(program: Program, most: int) -> Iterator[tuple[str, int, Run, int]]:
    """All runs with one lie in one of the first ``most`` steps: what, when, the run, and the status it ends with."""
    for name, lie in LIES.items():
        for when in range(1, most + 1):
            told = list[bool]()

            def at(machine: Liar, clock: int, step: Step, lie: Lie = lie, when: int = when) -> None:
                if clock == when:
                    kept = Step(**vars(step))
                    if not lie(machine, step):
                        vars(step).update(vars(kept))
                    else:
                        told.append(True)  # noqa: B023

            machine = Liar(program, at)
            try:
                run = machine.run()
            except (AssertionError, IndexError, KeyError, ZeroDivisionError):
                continue  # it led nowhere
            if told and len(run) < _MOST:
                yield name, when, run, machine.status
