"""Proofs over the state's zkTrie, of the newest root or, led back by older values, of a recent one.

The nodes of an account are those on the paths to its basic data and to its code hash (and to the upper half of its
balance, where it has one), each path from the root; nodes that two paths share are listed once. A path that ends
elsewhere than at the wanted key shows that the state has no such leaf.
"""

from __future__ import annotations

from collections.abc import Sequence

from jovay.chain.types import AccountProof, Address, SlotProof
from jovay.kernel.state.leaves import BASIC, CODE_HASH, SLOT, UPPER_BALANCE

from .historical_tries import HistoricalTries
from .reader import StateReader
from .trie import SCHEME, StateTrie


class Prover:
    """Makes proofs; block production waits while it does."""

    def __init__(self, tries: HistoricalTries, state: StateReader) -> None:
        self._tries, self._state = tries, state

    def proof(self, address: Address, slots: Sequence[int], number: int) -> AccountProof:
        """Proof of an account and of slots in the state after block ``number``; errors as ``HistoricalTries`` has."""
        with self._tries.whole(number) as trie:
            return self._prove(trie, address, slots, number, trie.root())

    def _prove(
        self, trie: StateTrie, address: Address, slots: Sequence[int], number: int, root: bytes
    ) -> AccountProof:
        word = int.from_bytes(address, "big")
        account = self._state.account(address, number)
        kinds = [BASIC, CODE_HASH, *([UPPER_BALANCE] if account.balance >> 128 else [])]
        nodes: dict[bytes, None] = {}
        for kind in kinds:
            nodes.update(dict.fromkeys(trie.prove(trie.key(kind, word))))
        storage = [
            SlotProof(
                slot, self._state.storage(address, slot, number), trie.prove(trie.key(SLOT, word, slot))
            )
            for slot in slots
        ]
        return AccountProof(
            scheme=SCHEME,
            state_root=root,
            address=address,
            account=account,
            proof=tuple(nodes),
            storage=tuple(storage),
        )
