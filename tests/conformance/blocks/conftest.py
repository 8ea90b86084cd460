"""The engine that blocks of published tests are executed by."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jovay.conformance.blocks.engine import BlockEngine
from jovay.native.library import Library


@pytest.fixture(scope="module")
def engine(library: Library) -> Iterator[BlockEngine]:
    """An engine over the node's kernel."""
    made = BlockEngine(library)
    yield made
    made.close()
