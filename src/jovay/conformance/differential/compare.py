"""Running many cases on the kernel and on an oracle, and telling what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from .cases import Case, Outcome
from .generate import make_case
from .minimise import minimise
from .native import NativeRunner

ORACLES = {"revm": ("Cancun",), "specs": ("Cancun", "Prague", "Osaka")}


class Oracle(Protocol):
    """An independent implementation."""

    def prepare(self, case: Case) -> Case:
        """The case without what this implementation cannot be told."""

    def run(self, case: Case, expected: Outcome) -> Outcome:
        """What comes of the case here; ``expected`` is the kernel's outcome, for those who need a hint."""


def load_oracle(name: str) -> Oracle:
    """The oracle of that name; ``ImportError`` where its package is not installed."""
    if name == "revm":
        from .revm import RevmRunner

        return RevmRunner()
    from .specs import SpecsRunner

    return SpecsRunner()


@dataclass
class Difference:
    """A minimised case on which the two do not agree, and how they differ."""

    seed: int
    case: Case
    what: list[str]


@dataclass
class Summary:
    """Counts of a run."""

    oracle: str
    fork: str
    cases: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    gas: int = 0
    logs: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def transactions(self) -> int:
        return sum(self.endings.values())

    def count(self, outcome: Outcome) -> None:
        self.cases += 1
        for ran in outcome.ran:
            kind = "success" if ran.success else ran.why.partition(",")[0] if ran.valid else "invalid"
            self.endings[kind] += 1
            self.gas += ran.gas_used
            self.logs += len(ran.logs)

    def lines(self) -> list[str]:
        """The summary in words."""
        head = (
            f"{self.fork} against {self.oracle}: {self.cases} cases, {self.transactions} transactions, "
            f"{self.gas} gas, {self.logs} logs, {len(self.differences)} differences"
        )
        return [head, *(f"  {count:>8} {what}" for what, count in self.endings.most_common())]


def differences(case: Case, kernel: NativeRunner, oracle: Oracle) -> tuple[Outcome, list[str]]:
    """The kernel's outcome, and where the oracle's is another."""
    outcome = kernel.run(case)
    return outcome, outcome.difference(oracle.run(case, outcome))


def compare(
    kernel: NativeRunner,
    oracle_name: str,
    fork: str,
    seeds: Iterable[int],
    progress: Callable[[Summary], None] = lambda _: None,
    most: int = 10,
    attempts: int = 3000,
) -> Summary:
    """Run the cases of ``seeds``; stop after ``most`` differences, minimised in at most ``attempts`` runs each."""
    oracle = load_oracle(oracle_name)
    summary = Summary(oracle_name, fork)
    for seed in seeds:
        case = oracle.prepare(make_case(fork, seed))
        outcome, what = differences(case, kernel, oracle)
        summary.count(outcome)
        if what:
            smallest = minimise(case, lambda c: bool(differences(c, kernel, oracle)[1]), attempts)
            summary.differences.append(Difference(seed, smallest, differences(smallest, kernel, oracle)[1]))
            if len(summary.differences) >= most:
                break
        progress(summary)
    return summary
