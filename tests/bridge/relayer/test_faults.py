"""A relayer that dies at any write, loses its servers, and sees L1 go back, comes to rest in one state."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rigs.paths import MissingToolError
from rigs.relayed_l1 import mined_by_hand
from rigs.relayer_faults import Script

EVENTS = 10


@pytest.fixture
def url() -> Iterator[str]:
    # Of its own for each run: an anvil of a thousand blocks loses state when it goes back.
    try:
        with mined_by_hand() as url:
            yield url
    except MissingToolError as missing:
        pytest.skip(str(missing))


def run(url: str, folder: Path, seed: int) -> None:
    script = Script(url, folder, seed, int(time.time() * 1000))
    try:
        script.run(EVENTS)
        script.more_blocks()
        script.settle()
    finally:
        script.relayer.close()


@pytest.mark.parametrize("seed", range(4))
def test_faults(url: str, tmp_path: Path, seed: int) -> None:
    run(url, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 400))
def test_more_faults(url: str, tmp_path: Path, seed: int) -> None:
    run(url, tmp_path, seed)
