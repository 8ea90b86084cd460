"""What the world begins with."""

from __future__ import annotations

import numpy as np

from jovay.chain.genesis import Genesis
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.storage.alloc import state_changes
from jovay.storage.state import ACCOUNT

from .writes import WriteSet, account_records, slot_records


def genesis_state(library: Library, genesis: Genesis) -> WriteSet:
    """The state of block 0."""
    changes = state_changes(genesis, lambda content: keccak256(library, content))
    rows = np.frombuffer(changes.account_values, ACCOUNT)
    accounts = account_records(changes.accounts, np.ones(len(rows), np.bool_), rows)
    accounts["code_size"] = [len(genesis.alloc[address].code) for address in sorted(genesis.alloc)]
    slots = slot_records(changes.slots, np.frombuffer(changes.slot_values, np.uint8).reshape(-1, 32))
    return WriteSet(accounts, slots, [account.code for account in genesis.alloc.values() if account.code])
