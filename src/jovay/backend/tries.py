"""Parts of the state trie as it was after a block, in memory of their own: for simulated roots and witnesses.

They come from a multiproof of the newest root. For an older block it also covers the keys that changed since, and
the part is led back by their older values. The trie of the sequencer is only read.
"""

from __future__ import annotations

import numpy as np

from jovay.execution.state_trie import StateTrie
from jovay.execution.writes import Records, WriteSet
from jovay.kernel.block.state_root import LEAVES_PER_ACCOUNT
from jovay.rpc.backend import BackendError
from jovay.sequencer.opening import read_header
from jovay.sequencer.sequencer import Sequencer

from .allowance import Allowance
from .past import Past, changed_keys
from .state import StateReader


class Tries:
    """Makes partial tries; block production waits while a multiproof is made."""

    def __init__(self, sequencer: Sequencer, state: StateReader, allowance: Allowance) -> None:
        self._sequencer, self._allowance = sequencer, allowance
        self.past = Past(sequencer.world, state)

    def after(self, number: int, keys: WriteSet) -> StateTrie:
        """What the leaves of ``keys`` need of the trie after block ``number``, to be read and to be set.

        For an older block raises ``HistoryUnavailableError``, or ``BackendError`` where such requests would take too
        much of the sequencer's time.
        """
        blocks = self._sequencer.data.blocks
        with self._sequencer.still() as head:
            root, since = head.state_root, None
            if number == head.number:
                proof = self._sequencer.trie.multiproof(keys)
            else:
                with self._allowance.taken():
                    self._sequencer.persistence.drain()
                    since = changed_keys(blocks, number)
                    proof = self._sequencer.trie.multiproof(_joined(keys, *since))
        room = 0 if since is None else _leaves(WriteSet(*since))
        trie = StateTrie.partial(self._sequencer.library, proof, root, room + _leaves(keys))
        if since is not None:
            older = self.past.writes(*since, number)
            if trie.update(older) != read_header(blocks, number).state_root:
                raise BackendError(f"the state of block {number} cannot be led back to")
        return trie


def _joined(keys: WriteSet, accounts: Records, slots: Records) -> WriteSet:
    return WriteSet(np.concatenate([keys.accounts, accounts]), np.concatenate([keys.slots, slots]))


def _leaves(writes: WriteSet) -> int:
    return LEAVES_PER_ACCOUNT * len(writes.accounts) + len(writes.slots)
