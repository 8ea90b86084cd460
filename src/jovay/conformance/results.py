"""What came of one test, in the form of geth's ``evm statetest`` and ``evm blocktest``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TestResult:
    """One line of a report, with the field names of geth's ``--json``.

    Of tests of blocks: how many were valid, how many refused, and how many the parallel producer put in another order.
    """

    name: str
    passed: bool
    state_root: str
    fork: str
    error: str
    gas_used: int = 0
    cycles: int = 0
    valid_blocks: int = 0
    refused_blocks: int = 0
    reordered_blocks: int = 0

    __test__ = False  # pytest: no class of tests

    def as_json(self) -> dict[str, Any]:
        line = {"name": self.name, "pass": self.passed, "stateRoot": self.state_root, "fork": self.fork}
        return (
            line
            | ({"error": self.error} if self.error else {})
            | ({"cycles": self.cycles} if self.cycles else {})
        )
