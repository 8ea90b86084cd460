"""Storage under accounts without code and nonce (EIP-7610) is known wherever such an account is loaded from."""

from __future__ import annotations

import numpy as np
import pytest

from jovay.chain.types import EMPTY_CODE_HASH
from jovay.kernel.state import world as kernel_world
from jovay.kernel.state.world import BaseAccount
from jovay.native.records import View
from jovay.state.misses import Misses
from jovay.state.world import NativeWorld
from jovay.state.writes import StoredState, WriteSet, account_records, slot_records
from jovay.storage.kv import MemoryKV
from jovay.storage.state import ACCOUNT, TABLES, StateChanges, StateStore

BARE, USED, EMPTY, ABSENT = (bytes([n]) * 20 for n in (1, 2, 3, 4))
KEY, VALUE = bytes(31) + b"\7", bytes(31) + b"\x2a"


def row(nonce: int) -> bytes:
    return nonce.to_bytes(8, "little") + (5).to_bytes(32, "little") + EMPTY_CODE_HASH


@pytest.fixture
def store() -> StateStore:
    """A bare account and one with a nonce, both with storage; one without any."""
    made = StateStore(MemoryKV(TABLES))
    made.write(
        0,
        StateChanges(
            accounts=BARE + USED + EMPTY,
            account_values=row(0) + row(1) + row(0),
            slots=BARE + KEY + USED + KEY,
            slot_values=VALUE * 2,
        ),
    )
    return made


def world_over(library, store: StateStore) -> NativeWorld:
    return NativeWorld(
        library, accounts=64, slots=64, code_bytes=1 << 16, history=64, source=StoredState(store)
    )


def has_storage(world: NativeWorld, address: bytes) -> int:
    at = world.library[kernel_world.find_account](world, int.from_bytes(address, "big"))
    return int(View(BaseAccount, at).has_storage)


def test_from_the_flat_state(library, store: StateStore) -> None:
    """With the account comes one of its slots; nobody looks for one where no edit can have brought that about."""
    misses = Misses(int.from_bytes(a, "big") for a in (BARE, USED, EMPTY, ABSENT))
    assert len(StoredState(store).read(misses)[1]) == 0
    store.expect_bare_storage()
    accounts, slots, _ = StoredState(store).read(misses)
    assert (len(accounts), [s["address"].tobytes()[:20] for s in slots]) == (4, [BARE])
    world = world_over(library, store)
    world.load(misses)
    assert [has_storage(world, a) for a in (BARE, USED, EMPTY, ABSENT)] == [1, 0, 0, 0]
    assert StateStore(store.kv).may_have_bare_storage
    store.clear()
    assert not StateStore(store.kv).may_have_bare_storage


def test_from_write_sets(library, store: StateStore) -> None:
    """Of blocks that are replayed, and of edits; an account that goes takes its storage with it."""
    world = world_over(library, store)
    found = np.ones(1, np.bool_)
    accounts = account_records(EMPTY, found, np.frombuffer(row(0), ACCOUNT))
    slots = slot_records(EMPTY + KEY, np.frombuffer(VALUE, np.uint8).reshape(1, 32))
    world.bring(WriteSet(accounts, slots), 1)
    assert has_storage(world, EMPTY) == 1
    world.bring(WriteSet(accounts, slot_records(EMPTY + KEY, np.zeros((1, 32), np.uint8))), 2)
    assert has_storage(world, EMPTY) == 0
    world.bring(WriteSet(accounts, slots), 3)
    assert has_storage(world, EMPTY) == 1
    gone = account_records(EMPTY, ~found, np.frombuffer(row(0), ACCOUNT))
    world.bring(WriteSet(gone, slots[:0]), 4)
    assert has_storage(world, EMPTY) == 0


def test_zeros_are_no_storage(library, store: StateStore) -> None:
    world = world_over(library, store)
    world.load(Misses([int.from_bytes(BARE, "big")], [(int.from_bytes(BARE, "big"), 9)]))
    assert has_storage(world, BARE) == 0
    world.load(Misses([], [(int.from_bytes(BARE, "big"), 7)]))
    assert has_storage(world, BARE) == 1
