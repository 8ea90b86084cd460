"""A block store with small files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jovay.storage.blocks import BlockStore

from .samples import Opener


@pytest.fixture
def opener(tmp_path: Path) -> Iterator[Opener]:
    """Opens the store of this test with small files; an earlier handle is closed first."""
    opened: list[BlockStore] = []

    def open_store(**options: int) -> BlockStore:
        for store in opened:
            store.close()
        settings = {"segment_bytes": 20_000, "recent_bytes": 10_000, "index_entries": 40, **options}
        opened.append(BlockStore(tmp_path / "blocks", **settings))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()
