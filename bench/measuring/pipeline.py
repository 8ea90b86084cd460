"""The node's pipeline in this process, over a data directory of its own with the benchmark's genesis."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jovay.chain.genesis import Genesis
from jovay.native import kernel
from jovay.native.library import Library
from jovay.sequencer.opening import OpenChain, open_chain
from jovay.sequencer.sequencer import Sequencer
from jovay.sequencer.settings import SequencerSettings
from jovay.state.trie import StateTrie
from jovay.state.world import NativeWorld
from jovay.storage.datadir import DataDirectory
from jovay.storage.logs_index import LogsIndex


@dataclass
class Pipeline:
    """A sequencer and what it works on."""

    library: Library
    data: DataDirectory
    chain: OpenChain
    sequencer: Sequencer

    @property
    def trie(self) -> StateTrie:
        """The state trie."""
        return self.chain.trie


def open_world(library: Library, data: DataDirectory, genesis: Genesis, leaves: int) -> OpenChain:
    """The chain in ``data``, with room for ``leaves`` leaves of state."""
    return open_chain(
        library,
        data,
        genesis,
        lambda source, version: NativeWorld(library, leaves, leaves, source=source, version=version),
        leaves,
    )


@contextmanager
def pipeline(
    genesis: Genesis, workers: int, folder: Path | None = None, leaves: int = 4_000_000, record: bool = False
) -> Iterator[Pipeline]:
    """A started sequencer for the length of the block. Blocks are made durable (fsync) before they are visible.

    ``record`` keeps what provers need of them.
    """
    library = kernel.load()
    with tempfile.TemporaryDirectory(prefix="jovay-bench-", dir=folder) as path, DataDirectory(path) as data:
        chain = open_world(library, data, genesis, leaves)
        index = LogsIndex(data.kv, data.blocks.blooms, 0, data.blocks.latest, chain_keccak(library))
        if index.latest < 0:
            index.append(0, None)
        fee = genesis.base_fee_per_gas  # fixed: offers are made once
        settings = SequencerSettings(workers=workers, record=record, base_fee=fee)
        sequencer = Sequencer(
            library, chain.world, chain.trie, data, index, chain.rules, chain.head, settings
        )
        gc.collect()
        gc.freeze()
        sequencer.start()
        try:
            yield Pipeline(library, data, chain, sequencer)
        finally:
            sequencer.stop()
            gc.unfreeze()


def chain_keccak(library: Library):  # type: ignore[no-untyped-def]
    """Keccak-256 by the kernel."""
    from jovay.native.hashing import keccak256

    return lambda data: keccak256(library, data)
