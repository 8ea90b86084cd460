"""Blocks with transactions that were executed beside them equal their serial execution."""

from __future__ import annotations

from typing import Any

import pytest

from jovay.conformance.beside import compare_beside
from jovay.native.library import Library
from jovay.sequencer.production.producer import BlockProducer


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("hot", [0.0, 0.2, 0.9])
def test_beside_equals_serial(library: Library, hot: float, workers: int) -> None:
    difference, totals = compare_beside(library, blocks=150, size=12, hot=hot, workers=workers, seed=workers)
    assert difference is None
    assert totals.included > 30
    assert totals.void > 5
    assert totals.left > 5


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_beside_equals_serial_in_thousands_of_blocks(library: Library, seed: int) -> None:
    hot = (0.0, 0.1, 0.5, 0.9, 1.0)[seed % 5]
    difference, _ = compare_beside(library, blocks=500, size=20, hot=hot, workers=2, seed=100 + seed)
    assert difference is None


def test_a_result_that_does_not_stand_would_be_seen(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where results count as valid whatever has changed since."""
    honest = BlockProducer.execute

    def believing(self: BlockProducer, *arguments: Any, beside: Any = (), **named: Any) -> Any:
        for machine in beside:
            machine.view.tables.height = 1 << 62
        return honest(self, *arguments, beside=beside, **named)

    monkeypatch.setattr(BlockProducer, "execute", believing)
    difference, _ = compare_beside(library, blocks=150, size=12, hot=0.9, workers=2, seed=1)
    assert difference is not None
