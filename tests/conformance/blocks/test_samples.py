"""Blockchain tests of execution-spec-tests: every valid block is valid, every other refused, for the right reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from jovay.conformance.blocks.block_tests import BlockTests
from jovay.conformance.blocks.engine import BlockEngine
from rigs import block_cases


@pytest.fixture(params=[False, True], ids=["serial", "parallel"])
def engine(library, request) -> Iterator[BlockEngine]:
    made = BlockEngine(library, parallel=request.param)
    yield made
    made.close()


def test_every_sample_passes(engine: BlockEngine) -> None:
    """All of the archive; some blocks are reordered in parallel, and none serially."""
    results = [
        result
        for name, case in block_cases.cases()
        for result in BlockTests().run(engine, name, case, frozenset())
    ]
    assert [f"{r.name}: {r.error}" for r in results if not r.passed] == []
    assert Counter(r.fork for r in results) == {"Shanghai": 5, "Cancun": 32, "Prague": 61, "Osaka": 65}
    assert sum(r.valid_blocks for r in results) == 164
    assert sum(r.refused_blocks for r in results) == 21
    assert (engine.reordered > 0) == engine.parallel
