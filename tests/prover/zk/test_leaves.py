"""Leaves that are worked out where they are read are those that the messages say."""

from __future__ import annotations

import random

import pytest

from jovay.prover.zk.field import LANES, R, Vector
from jovay.prover.zk.fractions import LAYER, Given
from jovay.prover.zk.layout import Layout
from jovay.prover.zk.leaves import leaves
from jovay.prover.zk.multilinear import eq_vector
from rigs import zk_tables

ALPHA, BETAS = 7**90 % R, [5**100 % R, 3**150 % R, 11**70 % R]


@pytest.fixture(scope="module")
def expected() -> tuple[list[int], list[int]]:
    """p and q by the chips' functions."""
    steps, bytes_, _ = zk_tables.machine()
    tables = zk_tables.tables(steps, bytes_)
    layout = Layout(zk_tables.CHIPS, tuple(table.variables for table in tables))
    p, q = [0] * (1 << layout.leaves), [1] * (1 << layout.leaves)
    for segment in layout.messages:
        table = tables[segment.chip]
        for at, row in enumerate(zip(*(column.values() for column in table.columns), strict=True)):
            message = table.chip.messages(table.chip.row(row))[segment.number]
            p[segment.start + at] = message.multiplicity % R
            q[segment.start + at] = message.denominator(ALPHA, BETAS) % R
    return p, q


@pytest.mark.parametrize("tile", [LANES, 32, 1 << 12])
def test_leaves(expected: tuple[list[int], list[int]], tile: int) -> None:
    steps, bytes_, _ = zk_tables.machine()
    tables = zk_tables.tables(steps, bytes_)
    layout = Layout(zk_tables.CHIPS, tuple(table.variables for table in tables))
    found, given = leaves(layout, tables, ALPHA, BETAS, tile), Given(*map(Vector.of, expected))
    assert isinstance(found, Given) == (tile > len(found) // 2)
    assert tuple(side.values() for side in found.whole()) == expected
    assert found.values() == given.values()
    assert [side.values() for side in found.above()] == [side.values() for side in given.above()]
    rng = random.Random(tile)
    weights = eq_vector([rng.randrange(R) for _ in range(layout.leaves - 2)])
    assert found.sums(LAYER, [12345], weights) == given.sums(LAYER, [12345], weights)
    assert found.folded(98765).values() == given.folded(98765).values()
