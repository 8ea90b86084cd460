"""What a recent block touched, from a second execution over the node's own state as it was before the block.

For chains whose older blocks are pruned: the trie is led back for a moment, in which no blocks are made.
"""

from __future__ import annotations

import numpy as np

from jovay.chain.settled import SettledConfig
from jovay.chain.types import EMPTY_CODE_HASH
from jovay.simulation.context import HASHES
from jovay.simulation.simulate import Simulator
from jovay.state.historical_tries import HistoricalTries
from jovay.state.spv import Spv
from jovay.state.writes import Records, WriteSet, keys_at, merged


class Lookback:
    """Over one sequencer's state; ``settled``: the chain's configuration, if its provers need what that names."""

    def __init__(
        self, simulator: Simulator, tries: HistoricalTries, settled: SettledConfig | None = None
    ) -> None:
        self._simulator, self._tries, self._settled = simulator, tries, settled

    def execute(self, number: int, time_limit: float) -> Spv:
        """Errors as ``Simulator`` and ``HistoricalTries`` have."""
        _, keys = self._simulator.keys_of(number, time_limit)
        if self._settled is not None:
            keys = merged(keys, keys_at(self._settled.slots_of(number, HASHES)))
        before = self._tries.past.writes(keys.accounts, keys.slots, number - 1)
        accounts = _without_empty(before.accounts)
        with self._tries.whole(number - 1) as trie:
            proof = trie.multiproof(WriteSet(accounts, before.slots))
        return Spv.of(accounts, before.slots, before.slots[:0], min(HASHES, number), proof)


def _without_empty(accounts: Records) -> Records:
    """An empty account (EIP-161) is none in the trie."""
    coded, blank = accounts["code_hash"] != np.void(EMPTY_CODE_HASH[::-1]), np.void(bytes(32))
    accounts["exists"] = coded | (accounts["nonce"] != 0) | (accounts["balance"] != blank)
    return accounts
