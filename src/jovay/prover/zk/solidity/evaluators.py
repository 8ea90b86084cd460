"""Contracts that work chips' formulas out for the verifier on L1 (``contracts/src/l1/zk/Tables.sol``).

Each takes the same arguments, words one after another:

    R, γ, the sum so far, γ·α, γ·β₁ … γ·β_w, the computed columns, the messages' weights, all other columns' values,

the last three for all chips in their order, and gives two words: the sum so far, times γ for each of its constraints,
with these added up by Horner's rule from the last to the first; and what its messages come to,
Σ weight·(multiplicity + γ·denominator).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jovay.prover.zk.chip import Chip
from jovay.prover.zk.field import ELEMENT

from .formulas import Expression, Graph
from .printer import MODULUS, Printer

#: Words before γ·β₁.
HEADER = 4
_GAMMA, _SUM, _ALPHA = (f"calldataload({ELEMENT * word})" for word in (1, 2, 3))

_CONTRACT = """\
/// Chips: {chips}.
contract {name} {{
    fallback() external {{
        assembly {{
            let constraints := {sum}
            let messages := 0
{body}
            mstore(0, constraints)
            mstore(32, messages)
            return(0, 64)
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Arguments:
    """Where the evaluators' arguments lie, for chips in their order and ``width`` βs."""

    chips: tuple[Chip, ...]
    width: int

    @property
    def computed(self) -> int:
        """The first word of the computed columns."""
        return HEADER + self.width

    @property
    def weights(self) -> int:
        """The first word of the messages' weights."""
        return self.computed + sum(len(chip.computed) for chip in self.chips)

    @property
    def values(self) -> int:
        """The first word of the columns' values."""
        return self.weights + sum(chip.shape.messages for chip in self.chips)

    def columns(self, graph: Graph, at: int) -> list[Expression]:
        """Those of a chip, by its number, in its order: own, fixed, computed."""
        before = self.chips[:at]
        shown = self.values + sum(len(chip.columns) + len(chip.fixed) for chip in before)
        computed = self.computed + sum(len(chip.computed) for chip in before)
        chip = self.chips[at]
        words = [*range(shown, shown + len(chip.columns) + len(chip.fixed))]
        words += range(computed, computed + len(chip.computed))
        return [graph.input(ELEMENT * word) for word in words]

    def weight(self, at: int, message: int) -> str:
        """Of a chip's message, as text."""
        word = self.weights + sum(chip.shape.messages for chip in self.chips[:at]) + message
        return f"calldataload({ELEMENT * word})"


_SOURCE = """\
// SPDX-License-Identifier: Apache-2.0
// Printed by prover/zk/solidity/evaluators.py from the chips' formulas.
pragma solidity ^0.8.28;

{contract}"""
#: Bytes of code that a contract is planned with, below EIP-170's limit by what the estimate may lack.
MOST_CODE = 23_000
_TOKENS = re.compile(r"[a-z]+\(|:=|\b[0-9]+\b")


@dataclass(frozen=True)
class Part:
    """Some messages of chip number ``chip``, and, with the first of them, its constraints."""

    chip: int
    messages: range

    @property
    def constraints(self) -> bool:
        """Whether it has those."""
        return self.messages.start == 0


def evaluators(arguments: Arguments, prefix: str) -> dict[str, str]:
    """Sources of the contracts for all chips by their names, ``prefix`` and a number, as many as their size asks for.

    Raises ``ValueError`` for a formula that is too large for one.
    """
    groups, room = list[list[Part]](), 0
    for at, chip in enumerate(arguments.chips):
        for part, size in _parts(arguments, Part(at, range(chip.shape.messages))):
            if size > room:
                groups.append([])
                room = MOST_CODE
            groups[-1].append(part)
            room -= size
    return {
        f"{prefix}{number}": _SOURCE.format(contract=_contract(f"{prefix}{number}", arguments, group))
        for number, group in enumerate(groups)
    }


def _parts(arguments: Arguments, part: Part) -> list[tuple[Part, int]]:
    """What a part has to be cut into, so that each fits a contract, and their sizes."""
    size = sum(map(_size, _statements(arguments, part)))
    if size <= MOST_CODE:
        return [(part, size)]
    if len(part.messages) < 2:
        raise ValueError(f"{arguments.chips[part.chip].name}: {size} bytes of code do not fit a contract")
    middle = len(part.messages) // 2
    halves = part.messages[:middle], part.messages[middle:]
    return [each for half in halves for each in _parts(arguments, Part(part.chip, half))]


def _size(line: str) -> int:
    """About how many bytes of code a statement takes: one for an operation, literals with their push."""
    found = 0
    for token in _TOKENS.findall(line):
        found += 1 + (int(token).bit_length() + 7) // 8 if token.isdigit() else 1
    return found


def _contract(name: str, arguments: Arguments, parts: Sequence[Part]) -> str:
    """The contract for parts of chips that follow each other."""
    lines = [line for part in reversed(parts) for line in _statements(arguments, part)]
    body = "\n".join(f"            {line}" for line in lines)
    chips = ", ".join(dict.fromkeys(arguments.chips[part.chip].name for part in parts))
    return _CONTRACT.format(name=name, chips=chips, sum=_SUM, body=body)


def _statements(arguments: Arguments, part: Part) -> list[str]:
    """Messages first, then constraints, from the last to the first."""
    graph, chip = Graph(), arguments.chips[part.chip]
    row = chip.row(arguments.columns(graph, part.chip))
    gamma, alpha = graph.input(ELEMENT), graph.input(ELEMENT * (HEADER - 1))
    betas = [graph.input(ELEMENT * (HEADER + i)) for i in range(arguments.width)]
    said, messages = chip.messages(row), list[Expression]()
    for message in (said[number] for number in part.messages):
        total = gamma * message.bus + alpha
        for beta, value in zip(betas, message.values, strict=False):
            total = total + beta * value
        messages.append(total + message.multiplicity)
    constraints = []
    if part.constraints:
        constraints = [graph.expression(each) for each in reversed(chip.constraints(row))]
    printer = Printer(graph, [*messages, *constraints])
    for number, each in zip(part.messages, messages, strict=True):
        text, _ = printer.print(each)
        weighted = f"mulmod({arguments.weight(part.chip, number)}, {text}, {MODULUS})"
        printer.lines.append(f"messages := addmod(messages, {weighted}, {MODULUS})")
    for each in constraints:
        text = printer.reduced(each)
        printer.lines.append(f"constraints := add(mulmod(constraints, {_GAMMA}, {MODULUS}), {text})")
    return [f"// {chip.name}", *printer.lines, f"constraints := mod(constraints, {MODULUS})"]
