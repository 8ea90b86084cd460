"""Fixtures that every folder of tests may use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jovay.native import kernel
from jovay.native.library import Library
from rigs import fixtures


@pytest.fixture(scope="session")
def eest_spread() -> Callable[..., list[tuple[str, dict[str, Any]]]]:
    """`rigs.fixtures.spread`, or a skip that says where the state tests were looked for."""
    try:
        fixtures.locate(fixtures.STATE_TESTS)
    except fixtures.MissingFixturesError as missing:
        pytest.skip(str(missing))
    return fixtures.spread


@pytest.fixture(scope="session")
def library() -> Library:
    """The node's native kernel."""
    return kernel.load()
