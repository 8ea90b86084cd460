"""Whether an executing chip can give but one answer: two rows of one instruction that differ, as a question to z3.

Numbers are integers below R; a constraint is R times an integer. What is ranged or looked up is so bounded. Column by
column, z3 is asked for two rows in which it differs; one that cannot differ is the same in both from then on.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk.chip import Chip, Message
from jovay.prover.zk.field import R
from jovay.prover.zk.machine.buses import BYTES, EXECUTE, MEMORY, OFFSET, POWER, RANGE

WORD = 1 << 64
#: How many values of a message on a bus are asked; the others are the answer, each with a bound.
LOOKUPS = {BYTES: (2, (256,)), POWER: (2, (WORD + 1, WORD)), OFFSET: (2, (1 << 57, 2, WORD + 1))}
#: What bounds the questions of a bus.
ASKED = {BYTES: (256, 256), POWER: (4, 64), OFFSET: (9, 8)}
_INPUTS = 6  # of EXECUTE: operation, clock, pc, a, b, immediate; then the result and the next pc


@dataclass(frozen=True)
class Formula:
    """A polynomial in columns: factors by monomials, sorted names."""

    terms: Mapping[tuple[str, ...], int]

    @classmethod
    def of(cls, value: Any) -> Formula:
        return value if isinstance(value, cls) else cls({(): value} if value else {})

    def __add__(self, other: Any) -> Formula:
        found = dict(self.terms)
        for monomial, factor in Formula.of(other).terms.items():
            found[monomial] = found.get(monomial, 0) + factor
        return Formula({monomial: factor for monomial, factor in found.items() if factor % R})

    def __mul__(self, other: Any) -> Formula:
        products = itertools.product(self.terms.items(), Formula.of(other).terms.items())
        total = Formula({})
        for (one, a), (two, b) in products:
            total = total + Formula({tuple(sorted((*one, *two))): a * b})
        return total

    def __neg__(self) -> Formula:
        return self * -1

    def __sub__(self, other: Any) -> Formula:
        return self + -Formula.of(other)

    def __rsub__(self, other: Any) -> Formula:
        return Formula.of(other) + -self

    __radd__, __rmul__ = __add__, __mul__

    @property
    def names(self) -> set[str]:
        return {name for monomial in self.terms for name in monomial}


def _is_boolean(constraint: Formula) -> bool:
    """Whether it says of a column that it is 0 or 1."""
    names = constraint.names
    return len(names) == 1 and set(constraint.terms) == {(n := next(iter(names)),), (n, n)}


class Twins:
    """Two rows of a chip that carry out one instruction, whose operands are the same."""

    def __init__(self, chip: Chip, instruction: str, seconds: float = 5) -> None:
        self._z3: Any = importlib.import_module("z3")
        self._milliseconds = int(1000 * seconds)
        flags = {name: int(name == instruction) for name in chip.columns if name in CODE}
        self.columns = [name for name in chip.columns if name not in flags]
        row = chip.row([Formula.of(flags[n]) if n in flags else Formula({(n,): 1}) for n in chip.names])
        self._constraints = [Formula.of(each) for each in chip.constraints(row)]
        self._messages = [
            Message(m.bus, Formula.of(m.multiplicity), tuple(map(Formula.of, m.values)))
            for m in chip.messages(row)
        ]
        self.shared = set[str]()
        self._booleans = {next(iter(each.names)) for each in self._constraints if _is_boolean(each)}

    def undetermined(self, may_differ: Container[str] = ()) -> set[str]:
        """Columns that z3 does not show to be the same, after all others are; not asked of those that may differ."""
        pending = [name for name in self.columns if name not in may_differ]
        while True:
            left = [name for name in pending if not self._determined(name)]
            if len(left) == len(pending):
                return set(left)
            pending = left

    def answers(self) -> list[Formula]:
        """The result and the next pc; what goes to memory, and where."""
        (execute,) = (m for m in self._messages if m.bus == EXECUTE)
        sent = [m for m in self._messages if m.bus == MEMORY and m.multiplicity.terms.get((), 0) != -1]
        return [*execute.values[_INPUTS:], *(value for m in sent for value in (m.multiplicity, *m.values))]

    def _determined(self, name: str) -> bool:
        solver = self._z3.Solver()
        solver.set("timeout", self._milliseconds)
        values = [self._values(solver, number) for number in range(2)]
        # An answer of a table is the same for the same question; so is what memory holds.
        self._equal_answers(solver, values)
        solver.add(values[0][name] != values[1][name])
        if solver.check() != self._z3.unsat:
            return False
        self.shared.add(name)
        return True

    def _values(self, solver: Any, number: int) -> dict[str, Any]:
        """A row's columns, with all that is demanded of it."""
        values = {
            name: self._z3.Int(name if name in self.shared else f"{name}'{number}") for name in self.columns
        }
        for name, value in values.items():
            most = 2 if name in self._booleans else R
            solver.add(value >= 0, value < most)
        for constraint in self._constraints:
            if constraint.names and not _is_boolean(constraint):
                self._modulo(solver, self._expression(solver, constraint, values), 0)
        for message in self._messages:
            self._demand(solver, message, values)
        return values

    def _demand(self, solver: Any, message: Message, values: Mapping[str, Any]) -> None:
        terms = [self._expression(solver, value, values) for value in message.values]
        if message.bus == EXECUTE:
            for place, term in enumerate(terms[1:_INPUTS]):
                known = self._z3.Int(f"operand{place}")
                solver.add(known >= 0, known < WORD)
                self._modulo(solver, term, known)
            # The next row fetches what lies there: no instruction of a program lies elsewhere.
            place = self._z3.FreshInt("place")
            solver.add(place >= 0, place < 1 << 46)
            self._modulo(solver, terms[-1], 4 * place)
        bounds: Sequence[int] = {RANGE: (1 << 16,)}.get(message.bus, ())
        if message.bus in LOOKUPS:
            bounds = (*ASKED[message.bus], *LOOKUPS[message.bus][1])
        if message.bus == MEMORY and message.multiplicity.terms.get((), 0) == -1:
            bounds = (1 << 61, 2, WORD)
        if not bounds:
            return
        times = self._expression(solver, message.multiplicity, values)
        for term, bound in zip(terms, bounds, strict=False):
            below = self._z3.FreshInt("below")
            solver.add(below >= 0, below < bound)
            self._modulo(solver, term, below, times)

    def _modulo(self, solver: Any, left: Any, right: Any, times: Any = None) -> None:
        """Both are the same modulo R; if ``times`` is given, where that is not 0."""
        wraps = self._z3.FreshInt("wraps")
        equal = left - right == R * wraps
        solver.add(equal if times is None else self._z3.Implies(times != 0, equal))

    def _expression(self, solver: Any, formula: Formula, values: Mapping[str, Any]) -> Any:
        parts = []
        for monomial, factor in formula.terms.items():
            switches = [name for name in monomial if name in self._booleans]
            others = [name for name in monomial if name not in self._booleans]
            term = self._product(solver, others, values) * factor if others else self._z3.IntVal(factor)
            for name in switches:
                term = self._z3.If(values[name] == 1, term, 0)
            parts.append(term)
        return self._z3.Sum(parts) if parts else self._z3.IntVal(0)

    def _product(self, solver: Any, names: Sequence[str], values: Mapping[str, Any]) -> Any:
        """Products of what is the same in both rows are so, too; of words, they are below 2^128."""
        if len(names) == 1:
            return values[names[0]]
        if len(names) == 2 and self.shared.issuperset(names):
            product = self._z3.Int("*".join(names))
            solver.add(product >= 0, product <= WORD * WORD)
            return product
        found = values[names[0]]
        for name in names[1:]:
            found = found * values[name]
        return found

    def _equal_answers(self, solver: Any, values: Sequence[Mapping[str, Any]]) -> None:
        for message in self._messages:
            taken = message.bus == MEMORY and message.multiplicity.terms.get((), 0) == -1
            if message.bus not in LOOKUPS and not taken:
                continue
            asked = 1 if taken else LOOKUPS[message.bus][0]
            said = [
                [self._expression(solver, v, row) for v in message.values[: 3 if taken else None]]
                for row in values
            ]
            pairs = list(zip(*said, strict=True))
            same = self._z3.And([a == b for a, b in pairs[:asked]])
            solver.add(self._z3.Implies(same, self._z3.And([a == b for a, b in pairs[asked:]])))


def names_of(formulas: Iterable[Formula]) -> set[str]:
    """The columns in them."""
    return {name for formula in formulas for name in formula.names}
