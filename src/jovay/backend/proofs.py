"""Proofs over the state's zkTrie, of the newest root or, led back by older values, of a recent one.

The nodes of an account are those on the paths to its basic data and to its code hash (and to the upper half of its
balance, where it has one), each path from the root; nodes that two paths share are listed once. A path that ends
elsewhere than at the wanted key shows that the state has no such leaf.
"""

from __future__ import annotations

from collections.abc import Sequence

from jovay.execution.state_trie import SCHEME, StateTrie
from jovay.execution.writes import WriteSet
from jovay.kernel.state.leaves import BASIC, CODE_HASH, SLOT, UPPER_BALANCE
from jovay.rpc.backend import BackendError
from jovay.sequencer.opening import read_header
from jovay.sequencer.sequencer import Sequencer
from jovay.types import AccountProof, Address, Header, SlotProof

from .allowance import Allowance
from .past import Past, changed_keys
from .state import StateReader


class Prover:
    """Makes proofs; block production waits while it does."""

    def __init__(self, sequencer: Sequencer, state: StateReader, allowance: Allowance) -> None:
        self._sequencer, self._state, self._allowance = sequencer, state, allowance
        self._past = Past(sequencer.world, state)

    def proof(self, address: Address, slots: Sequence[int], number: int) -> AccountProof:
        """Proof of an account and of slots in the state after block ``number``.

        For an older block raises ``HistoryUnavailableError``, or ``BackendError`` where such proofs would take too
        much of the sequencer's time.
        """
        sequencer = self._sequencer
        with sequencer.still() as head:
            if number == head.number:
                return self._prove(sequencer.trie, address, slots, number, head.state_root)
            with self._allowance.taken():
                sequencer.persistence.drain()
                return self._older(address, slots, number, head)

    def _older(self, address: Address, slots: Sequence[int], number: int, head: Header) -> AccountProof:
        """Lead the trie back, prove, lead it forward again."""
        trie, blocks = self._sequencer.trie, self._sequencer.data.blocks
        accounts, changed = changed_keys(blocks, number)
        older = self._past.writes(accounts, changed, number)
        newer = self._past.writes(accounts, changed, head.number)
        expected = read_header(blocks, number).state_root
        try:
            if trie.update(older) != expected:
                raise BackendError(f"the state of block {number} cannot be led back to")
            return self._prove(trie, address, slots, number, expected)
        finally:
            self._restore(trie, newer, head.state_root)

    @staticmethod
    def _restore(trie: StateTrie, newer: WriteSet, root: bytes) -> None:
        if trie.update(newer) != root:
            raise AssertionError("the state trie does not come back to its root")

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
