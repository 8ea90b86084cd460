"""Expressions as Yul: parts that are used more than once go through memory, all else is written where it is used.

Every value has a bound: sums are reduced only where they could leave a word, which five times ``R`` does not. The
order ``R`` is read from the arguments, where it takes two bytes of code instead of 33.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from jovay.prover.zk.field import ELEMENT, R

from .formulas import Expression, Graph, Node

#: Where the arguments have ``R``.
MODULUS = "calldataload(0)"
_WORD = 1 << 256
_LEAVES = ("input", "number")
Printed = tuple[str, int]
"""Text, and the largest value it may have."""


class Printer:
    """Prints expressions of a graph in the order in which it is asked, statements that prepare them first."""

    def __init__(self, graph: Graph, roots: Iterable[Expression]) -> None:
        """``roots``: all that will be asked for."""
        self._nodes = graph.nodes
        self._uses = self._counted({root.index for root in roots})
        self._kept: dict[int, Printed] = {}
        self._places: dict[int, int] = {}
        self.lines: list[str] = []

    def _counted(self, roots: set[int]) -> Counter[int]:
        uses, seen = Counter(roots), set[int]()
        for at in range(len(self._nodes) - 1, -1, -1):
            node = self._nodes[at]
            if uses[at] and node.kind not in _LEAVES and at not in seen:
                seen.add(at)
                uses.update((node.left, node.right))
        return uses

    def print(self, expression: Expression) -> Printed:
        """The expression."""
        return self._printed(expression.index)

    def reduced(self, expression: Expression) -> str:
        """The expression, below ``R``."""
        return _reduced(self.print(expression), R)

    def _printed(self, at: int) -> Printed:
        node = self._nodes[at]
        if node.kind in _LEAVES or self._uses[at] == 1:
            return self._written(node)
        if at not in self._kept:
            text, bound = self._written(node)
            place = self._places[at] = ELEMENT * len(self._places)
            self.lines.append(f"mstore({place}, {text})")
            self._kept[at] = f"mload({place})", bound
        return self._kept[at]

    def _written(self, node: Node) -> Printed:
        if node.kind == "input":
            return f"calldataload({node.left})", R - 1
        if node.kind == "number":
            small = R - node.left
            return (str(node.left) if node.left < small else f"sub({MODULUS}, {small})"), node.left
        if node.kind == "add":
            return _sum(self._printed(node.left), self._printed(node.right))
        if node.kind == "sub":
            return self._difference(node)
        return self._product(node)

    def _difference(self, node: Node) -> Printed:
        taken = _negated(self._printed(node.right))
        left = self._nodes[node.left]
        if left.kind == "number" and left.left == 0:
            return taken
        return _sum(self._printed(node.left), taken)

    def _product(self, node: Node) -> Printed:
        """Numbers close below ``R`` are negative ones, which are shorter."""
        for at, other in ((node.left, node.right), (node.right, node.left)):
            number = self._nodes[at]
            if number.kind == "number" and number.left > R // 2:
                factor = R - number.left
                text, bound = self._printed(other)
                if factor == 1:
                    return _negated((text, bound))
                return _negated((f"mulmod({text}, {factor}, {MODULUS})", R - 1))
        left, right = self._printed(node.left)[0], self._printed(node.right)[0]
        return f"mulmod({left}, {right}, {MODULUS})", R - 1


def _reduced(printed: Printed, most: int) -> str:
    """Its text where it is at most ``most``, else reduced."""
    text, bound = printed
    return text if bound <= most else f"mod({text}, {MODULUS})"


def _negated(printed: Printed) -> Printed:
    return f"sub({MODULUS}, {_reduced(printed, R)})", R


def _sum(a: Printed, b: Printed) -> Printed:
    if a[1] + b[1] < _WORD:
        return f"add({a[0]}, {b[0]})", a[1] + b[1]
    return f"addmod({a[0]}, {b[0]}, {MODULUS})", R - 1
