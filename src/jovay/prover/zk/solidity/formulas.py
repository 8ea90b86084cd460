"""The chips' formulas as expressions that share their common parts: what code is printed from.

Chips calculate with ``Expression``; equal parts become one node of a ``Graph``, numbers are worked out at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jovay.prover.zk.field import R

Kind = Literal["input", "number", "add", "sub", "mul"]


@dataclass(frozen=True)
class Node:
    """``input`` has its offset (bytes), ``number`` its value below ``R``; others two nodes by their index."""

    kind: Kind
    left: int
    right: int = 0


class Graph:
    """Nodes, each once; a node's operands come before it."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._known: dict[Node, int] = {}

    def input(self, offset: int) -> Expression:
        """What lies at an offset of the arguments."""
        return self._made(Node("input", offset))

    def number(self, value: int) -> Expression:
        """A number modulo ``R``."""
        return self._made(Node("number", value % R))

    def expression(self, value: object) -> Expression:
        """An expression as it is, an integer as a number."""
        if isinstance(value, Expression):
            return value
        if not isinstance(value, int):
            raise TypeError(f"a formula has {type(value).__name__} in it")
        return self.number(value)

    def combined(self, kind: Kind, left: Expression, right: Expression) -> Expression:
        """left + right, left − right or left · right, simplified where one of them is a number."""
        a, b = left.value, right.value
        if a is not None and b is not None:
            return self.number(a + b if kind == "add" else a - b if kind == "sub" else a * b)
        if kind == "mul":
            if 0 in (a, b):
                return self.number(0)
            if 1 in (a, b):
                return right if a == 1 else left
        elif b == 0:
            return left
        elif kind == "add" and a == 0:
            return right
        first, second = left.index, right.index
        if kind != "sub" and first > second:
            first, second = second, first
        return self._made(Node(kind, first, second))

    def _made(self, node: Node) -> Expression:
        at = self._known.setdefault(node, len(self.nodes))
        if at == len(self.nodes):
            self.nodes.append(node)
        return Expression(self, at)


@dataclass(frozen=True)
class Expression:
    """A node of a graph, with the operations that formulas use."""

    graph: Graph
    index: int

    @property
    def value(self) -> int | None:
        """If it is a number."""
        node = self.graph.nodes[self.index]
        return node.left if node.kind == "number" else None

    def _with(self, kind: Kind, other: object) -> Expression:
        return self.graph.combined(kind, self, self.graph.expression(other))

    def __add__(self, other: object) -> Expression:
        return self._with("add", other)

    def __sub__(self, other: object) -> Expression:
        return self._with("sub", other)

    def __mul__(self, other: object) -> Expression:
        return self._with("mul", other)

    def __rsub__(self, other: object) -> Expression:
        return self.graph.combined("sub", self.graph.expression(other), self)

    def __neg__(self) -> Expression:
        return self.__rsub__(0)

    __radd__, __rmul__ = __add__, __mul__
