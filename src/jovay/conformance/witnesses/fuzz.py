"""Many hostile witnesses, in a process of their own: one that crashes or hangs costs that process and is named."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from random import Random

from jovay.compiler.checked import is_chosen
from jovay.kernel.accelerated import ACCELERATORS
from jovay.native.guarded import Guarded
from jovay.native.library import Library
from jovay.tracer.errors import GuestError
from jovay.tracer.guest import GUEST_ARENA, GuestExecutor
from jovay.tracer.witness import StatelessExecutor, StatelessResult

from .judge import Unsound, judge
from .makeup import Inventor
from .mutate import Mutator
from .proofs import Roots
from .source import Source

#: Seconds for one case, natively: far more than any takes, so that only what never ends exceeds it.
DEADLINE = 60.0
#: Seconds until the first case: blocks are made, the kernel may have to be compiled.
BEGINNING = 1200.0
#: Cycles for one case in the emulator, likewise.
CYCLES = 4 * 10**9
SOURCES = 48
#: Share of changed witnesses; the others are made up.
CHANGED = 0.75


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case: what it was, what came of it, and why that is a fault, if it is one."""

    seed: int
    what: str
    verdict: str
    fault: str = ""
    cycles: int = 0


class Fuzzer:
    """Cases by seed; the same seed and number of sources give the same witness.

    The checked build looks at memory alone: making a producer for each block takes it too long.
    """

    def __init__(self, library: Library, sources: int = SOURCES, riscv: bool = False) -> None:
        self.executor = StatelessExecutor(library, GUEST_ARENA, huge_pages=False)
        self.guest = GuestExecutor(ACCELERATORS) if riscv else None
        self.sources = [Source(library, seed) for seed in range(sources)]
        self.honest = [self.executor.execute(source.witness) for source in self.sources]
        self.roots, self.memory = Roots(library), Guarded()

    def case(self, seed: int) -> tuple[str, Source, bytes]:
        """(what it is, the source that it comes from, the witness)."""
        dice = Random(f"witness {seed}")
        if dice.random() >= CHANGED:
            return Inventor(dice, self.sources, self.roots).invent()
        source = dice.choice(self.sources)
        mutator = Mutator(dice, [other.witness for other in self.sources], self.roots)
        what, data = mutator.mutate(source.witness)
        return what, source, data

    def execute(self, data: bytes) -> StatelessResult:
        """Natively, with nothing behind the input that could be read."""
        if is_chosen():
            return self.executor.execute(data)
        return self.executor.execute_at(self.memory.place(data), len(data))

    def run(self, seed: int) -> Outcome:
        """Execute and judge a case; in the emulator too if there is one."""
        what, source, data = self.case(seed)
        result = self.execute(data)
        try:
            verdict = judge(source, data, self.honest[source.seed], result, again=not is_chosen())
        except Unsound as fault:
            return Outcome(seed, what, "unsound", str(fault))
        if self.guest is None:
            return Outcome(seed, what, verdict)
        try:
            found, cycles = self.guest.execute(data, CYCLES)
        except GuestError as fault:
            return Outcome(seed, what, "trapped", str(fault))
        if found != result:
            return Outcome(seed, what, "differs", f"native {result}, emulated {found}")
        return Outcome(seed, what, verdict, cycles=cycles)


@dataclass
class Summary:
    """Counts of a campaign."""

    cases: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    faults: list[Outcome] = field(default_factory=list)
    most_cycles: int = 0

    def add(self, outcome: Outcome) -> None:
        self.cases += 1
        self.verdicts[outcome.verdict] += 1
        self.changes.update(set(outcome.what.split("+")))
        self.most_cycles = max(self.most_cycles, outcome.cycles)
        if outcome.fault:
            self.faults.append(outcome)

    def lines(self) -> list[str]:
        """For people."""
        verdicts = [f"  {count:8}  {what}" for what, count in self.verdicts.most_common()]
        faults = [f"  seed {f.seed} ({f.what}): {f.verdict}: {f.fault}" for f in self.faults]
        cycles = f", at most {self.most_cycles:,} cycles" if self.most_cycles else ""
        return [f"{self.cases} witnesses, {len(self.faults)} faults{cycles}", *verdicts, *faults]


def campaign(
    first: int,
    cases: int,
    riscv: bool = False,
    sources: int = SOURCES,
    progress: Callable[[Summary], None] = lambda summary: None,
    fuzzer: type[Fuzzer] = Fuzzer,
) -> Summary:
    """Run the cases from seed ``first`` on."""
    summary, seed = Summary(), first
    while seed < first + cases:
        for outcome in _in_child(fuzzer, seed, first + cases, riscv, sources):
            summary.add(outcome)
            seed = outcome.seed + 1
            progress(summary)
    return summary


def _in_child(fuzzer: type[Fuzzer], first: int, end: int, riscv: bool, sources: int) -> Iterator[Outcome]:
    """Outcomes of a child process until all cases are done, or one of them has brought it down."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(there, fuzzer, first, end, riscv, sources))
    child.start()
    there.close()
    try:
        seed, patience = first, BEGINNING
        while seed < end:
            if not here.poll(patience):
                yield Outcome(seed, "?", "hung", f"not at an end after {patience:.0f} s")
                return
            try:
                outcome: Outcome = here.recv()
            except EOFError:
                child.join()
                if patience == BEGINNING:
                    raise RuntimeError(f"the fuzzer did not start: exit status {child.exitcode}") from None
                yield Outcome(seed, "?", "crashed", f"exit status {child.exitcode}")
                return
            patience = DEADLINE
            if outcome.seed >= 0:
                yield outcome
                seed = outcome.seed + 1
    finally:
        child.kill()
        child.join()


def _work(out: Connection, fuzzer: type[Fuzzer], first: int, end: int, riscv: bool, sources: int) -> None:
    from jovay.native import kernel

    made = fuzzer(kernel.load(), sources, riscv)
    out.send(Outcome(-1, "", "ready"))
    for seed in range(first, end):
        out.send(made.run(seed))
