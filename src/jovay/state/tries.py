"""The state trie as it was after a block: led back for a moment, or a part of it in memory of its own.

What changed since is in the blocks' write sets, the older values in the world's history. A part comes from a
multiproof of the newest root that also covers the keys that changed since; it is enough for setting leaves, while
proofs of absence may need nodes that only the whole trie has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from jovay.chain.types import Header
from jovay.kernel.block.state_root import LEAVES_PER_ACCOUNT
from jovay.sequencer.opening import read_header
from jovay.sequencer.sequencer import Sequencer

from .allowance import Allowance
from .errors import StateRootError
from .past import Past, changed_keys
from .reader import StateReader
from .trie import StateTrie
from .writes import Records, WriteSet


class Tries:
    """Tries of blocks. For an older one the error may be ``HistoryUnavailableError`` or ``StateRootError``; it is
    ``TrieBusyError`` where requests would take too much of the sequencer's time.
    """

    def __init__(self, sequencer: Sequencer, state: StateReader) -> None:
        self._sequencer, self._allowance = sequencer, Allowance()
        self.past = Past(sequencer.world, state)

    @contextmanager
    def whole(self, number: int) -> Iterator[StateTrie]:
        """The sequencer's trie as of block ``number``; it makes no blocks within."""
        sequencer, blocks = self._sequencer, self._sequencer.data.blocks
        with sequencer.still() as head:
            if number == head.number:
                yield sequencer.trie
                return
            with self._allowance.taken():
                sequencer.persistence.drain()
                keys = changed_keys(blocks, number)
                older, newer = self.past.writes(*keys, number), self.past.writes(*keys, head.number)
                try:
                    lead_back(sequencer.trie, older, read_header(blocks, number))
                    yield sequencer.trie
                finally:
                    if sequencer.trie.update(newer) != head.state_root:
                        raise AssertionError("the state trie does not come back to its root")

    def part(self, number: int, keys: WriteSet) -> StateTrie:
        """What setting the leaves of ``keys`` needs of the trie after block ``number``.

        The sequencer's trie is only read, and the sequencer waits no longer than that takes.
        """
        blocks = self._sequencer.data.blocks
        with self._sequencer.still() as head, self._allowance.taken():
            root, since, needed = head.state_root, None, keys
            if number != head.number:
                self._sequencer.persistence.drain()
                since = changed_keys(blocks, number)
                needed = _joined(keys, *since)
            proof = self._sequencer.trie.multiproof(needed)
        room = 0 if since is None else _leaves(WriteSet(*since))
        trie = StateTrie.partial(self._sequencer.library, proof, root, room + _leaves(keys))
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
