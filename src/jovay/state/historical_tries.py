"""The state trie as it was after a block: led back for a moment, or a part of it in memory of its own.

What changed since is in the blocks' write sets, the older values in the world's history. A part comes from a
multiproof of the newest root that also covers the keys that changed since; it is enough for setting leaves, while
proofs of absence may need nodes that only the whole trie has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import numpy as np

from jovay.chain.types import Header
from jovay.kernel.block.state_root import LEAVES_PER_ACCOUNT
from jovay.native.library import Library
from jovay.storage.datadir import DataDirectory
from jovay.storage.headers import read_header

from .allowance import Allowance
from .errors import StateRootError
from .historical_values import HistoricalValues, changed_keys
from .reader import StateReader
from .trie import StateTrie
from .world import NativeWorld
from .writes import Records, WriteSet


class Keeper(Protocol):
    """Who changes the trie of the newest state: a sequencer."""

    @property
    def library(self) -> Library: ...
    @property
    def world(self) -> NativeWorld: ...
    @property
    def trie(self) -> StateTrie: ...
    @property
    def data(self) -> DataDirectory: ...

    def still(self) -> AbstractContextManager[Header]:
        """Make no blocks within; gives the newest one."""

    def drain(self) -> None:
        """Return when every block made so far is stored."""


class HistoricalTries:
    """Tries of blocks. For an older one the error may be ``HistoryUnavailableError`` or ``StateRootError``; it is
    ``TrieBusyError`` where requests would take too much of the sequencer's time.
    """

    def __init__(self, keeper: Keeper, state: StateReader) -> None:
        self._keeper, self._allowance = keeper, Allowance()
        self.past = HistoricalValues(keeper.world, state)

    @contextmanager
    def whole(self, number: int) -> Iterator[StateTrie]:
        """The sequencer's trie as of block ``number``; it makes no blocks within."""
        keeper, blocks = self._keeper, self._keeper.data.blocks
        with keeper.still() as head:
            if number == head.number:
                yield keeper.trie
                return
            with self._allowance.taken():
                keeper.drain()
                keys = changed_keys(blocks, number)
                older, newer = self.past.writes(*keys, number), self.past.writes(*keys, head.number)
                try:
                    lead_back(keeper.trie, older, read_header(blocks, number))
                    yield keeper.trie
                finally:
                    if keeper.trie.update(newer) != head.state_root:
                        raise AssertionError("the state trie does not come back to its root")

    def part(self, number: int, keys: WriteSet) -> StateTrie:
        """What setting the leaves of ``keys`` needs of the trie after block ``number``.

        The sequencer's trie is only read, and the sequencer waits no longer than that takes.
        """
        blocks = self._keeper.data.blocks
        with self._keeper.still() as head, self._allowance.taken():
            root, since, needed = head.state_root, None, keys
            if number != head.number:
                self._keeper.drain()
                since = changed_keys(blocks, number)
                needed = _joined(keys, *since)
            proof = self._keeper.trie.multiproof(needed)
        room = 0 if since is None else _leaves(WriteSet(*since))
        trie = StateTrie.partial(self._keeper.library, proof, root, room + _leaves(keys))
        if since is not None:
            lead_back(trie, self.past.writes(*since, number), read_header(blocks, number))
        return trie


def lead_back(trie: StateTrie, older: WriteSet, header: Header) -> None:
    """Bring older values into a trie. Raises ``StateRootError`` if that does not give the header's root."""
    found = trie.update(older)
    if found != header.state_root:
        raise StateRootError(header.number, header.state_root, found)


def _joined(keys: WriteSet, accounts: Records, slots: Records) -> WriteSet:
    return WriteSet(np.concatenate([keys.accounts, accounts]), np.concatenate([keys.slots, slots]))


def _leaves(writes: WriteSet) -> int:
    return LEAVES_PER_ACCOUNT * len(writes.accounts) + len(writes.slots)
