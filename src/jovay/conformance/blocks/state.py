"""The state between a test's blocks: out of its pre-state or a world's tables, into new tables of a world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jovay.conformance.state_tests import number, unhex
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.records import dtype_of, positions_of
from jovay.state.tables import Tables
from jovay.state.world import NativeWorld
from jovay.state.writes import Records


@dataclass(frozen=True)
class State:
    """Accounts that exist, slots that are not zero, and code."""

    accounts: Records
    slots: Records
    codes: list[bytes]


def state_of(pre: Mapping[str, Any], library: Library) -> State:
    """A test's ``pre``."""
    accounts = np.zeros(len(pre), dtype_of(AccountChange))
    slots, codes = [], {}
    for record, (address, account) in zip(accounts, pre.items(), strict=True):
        code = unhex(account.get("code", "0x"))
        digest = keccak256(library, code)
        codes[digest] = code
        record["address"] = _word(number(address))
        record["balance"] = _word(number(account.get("balance")))
        record["code_hash"], record["code_size"] = digest[::-1], len(code)
        record["nonce"], record["exists"] = number(account.get("nonce")), 1
        for key, value in account.get("storage", {}).items():
            if number(value):
                slots.append((_word(number(address)), _word(number(key)), _word(number(value))))
    rows = np.zeros(len(slots), dtype_of(SlotChange))
    for row, slot in zip(rows, slots, strict=True):
        row["address"], row["key"], row["value"] = slot
    return State(accounts, rows, [code for code in codes.values() if code])


def _word(value: int) -> bytes:
    return value.to_bytes(32, "little")


def read_state(world: NativeWorld) -> State:
    """What stands in the world's tables."""
    bases, stored = world.tables.accounts(), world.tables.slots()
    owners = positions_of(stored["account"], bases)
    filled = np.frombuffer(stored["value"].tobytes(), np.uint64).reshape(-1, 4).any(axis=1)
    kept = filled & (stored["storage_epoch"] == bases["storage_epoch"][owners])
    slots = np.zeros(int(kept.sum()), dtype_of(SlotChange))
    slots["address"], slots["key"] = bases["address"][owners[kept]], stored["key"][kept]
    slots["value"] = stored["value"][kept]
    found = bases[bases["exists"] != 0]
    accounts = np.zeros(len(found), dtype_of(AccountChange))
    for name in ("address", "balance", "code_hash", "nonce", "exists"):
        accounts[name] = found[name]
    return State(accounts, slots, list(world.tables.codes()))


def write_state(state: State, world: NativeWorld, height: int) -> None:
    """Let the world begin anew with ``state``, as after block ``height``."""
    world.settle(Tables(world.library, world.sizes))
    world.go_to(height)
    world.insert(state.accounts, state.slots, state.codes)
