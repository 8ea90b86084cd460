"""Block 0 of a genesis without a data directory: what contracts on L1 are told of a chain that has not begun."""

from __future__ import annotations

import numpy as np

from jovay.chain.genesis import Genesis
from jovay.chain.rules import ChainRules
from jovay.chain.types import Header
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.state.trie import StateTrie
from jovay.state.writes import WriteSet, account_records, slot_records
from jovay.storage.alloc import state_changes
from jovay.storage.state import ACCOUNT

from .opening import check_supported, genesis_header


def genesis_block(library: Library, genesis: Genesis) -> Header:
    """The header with its hash and state root, as ``open_chain`` stores it. Raises ``GenesisError``."""
    check_supported(genesis)

    def keccak(content: bytes) -> bytes:
        return keccak256(library, content)

    changes = state_changes(genesis, keccak)
    rows = np.frombuffer(changes.account_values, ACCOUNT)
    accounts = account_records(changes.accounts, np.ones(len(rows), np.bool_), rows)
    accounts["code_size"] = [len(genesis.alloc[address].code) for address in sorted(genesis.alloc)]
    slots = slot_records(changes.slots, np.frombuffer(changes.slot_values, np.uint8).reshape(-1, 32))
    leaves = sum(len(account.code) // 31 for account in genesis.alloc.values())
    trie = StateTrie(library, 1_000 + 8 * (len(accounts) + len(slots)) + leaves)
    trie.update(WriteSet(accounts, slots))
    return genesis_header(ChainRules(genesis), trie.root(), keccak)
