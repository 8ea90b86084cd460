"""The world's tables against dictionaries: collisions, full tables, code."""

from __future__ import annotations

import ctypes
import random
from operator import index

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.kernel.lang import U64, U256
from jovay.kernel.state.code import find_code, intern_code, is_jumpdest
from jovay.kernel.state.world import (
    BaseAccount,
    BaseSlot,
    Code,
    find_account,
    find_slot,
    hash_word,
    insert_account,
    insert_slot,
    slot_hash,
)
from jovay.native.records import View
from rigs.state import NO_CODE, State, call, colliding
from rigs.transactions import keccak256

keys = st.one_of(st.integers(0, 3), st.integers(0, 2**256 - 1), st.integers(0, 255).map(lambda bit: 1 << bit))


@given(addresses=st.lists(keys, max_size=40), seed=st.integers(0, 2**64 - 1))
@settings(max_examples=40, deadline=None)
def test_accounts_are_found_again(addresses, seed):
    state = State(seed=seed)
    where = {}
    for address in addresses:
        found = call(insert_account, state.world, address)
        assert where.setdefault(address, found) == found
    assert state.world.account_count == len(where)
    for address, at in where.items():
        assert call(find_account, state.world, address) == at
        assert View(BaseAccount, at).address == address
    assert call(find_account, state.world, 2**255 + 12345) == where.get(2**255 + 12345, 0)


@given(pairs=st.lists(st.tuples(st.integers(0, 3), keys), max_size=60), seed=st.integers(0, 2**64 - 1))
@settings(max_examples=40, deadline=None)
def test_slots_are_found_under_their_accounts(pairs, seed):
    state = State(seed=seed)
    accounts, where = [state.put_account(a) for a in range(4)], {}
    for owner, key in pairs:
        found = call(insert_slot, state.world, accounts[owner], key)
        assert where.setdefault((owner, key), found) == found
    for owner in range(4):
        for _, key in pairs:
            assert call(find_slot, state.world, accounts[owner], key) == where.get((owner, key), 0)
    assert len(set(where.values())) == state.world.slot_count == len(where)


def test_many_keys_on_one_place_of_an_index():
    state = State()
    for key in colliding(12, 127, lambda k: int(hash_word(U64(1), U256(k)))):
        state.put_account(key, nonce=key)
    assert state.world.account_count == 12
    for key in colliding(12, 127, lambda k: int(hash_word(U64(1), U256(k)))):
        assert View(BaseAccount, call(find_account, state.world, key)).nonce == key
    owner = state.put_account(5)
    slots = colliding(12, 255, lambda k: int(slot_hash(U64(1), U64(index(owner)), U256(k))))
    for key in slots:
        state.put_slot(owner, key, key)
    assert [View(BaseSlot, call(find_slot, state.world, owner, key)).value for key in slots] == slots


def test_full_tables_answer_with_the_null_record():
    state = State()
    owner = state.put_account(0)
    for key in range(1, 64):
        state.put_account(key)
    assert call(insert_account, state.world, 64) == 0
    assert call(insert_account, state.world, 63) == call(find_account, state.world, 63) != 0
    for key in range(128):
        state.put_slot(owner, key, 1)
    assert call(insert_slot, state.world, owner, 128) == 0
    assert call(insert_slot, state.world, owner, 0) != 0
    assert (state.world.account_count, state.world.slot_count) == (64, 128)


def test_a_new_record_is_absent_whatever_stood_in_its_memory():
    state = State()
    ctypes.memset(state.world.accounts, 0xFF, 64 * BaseAccount.size)
    ctypes.memset(state.world.slots, 0xFF, 128 * BaseSlot.size)
    account = View(BaseAccount, call(insert_account, state.world, 7))
    values = {name: getattr(account, name) for name in BaseAccount.fields}
    assert values == dict.fromkeys(BaseAccount.fields, 0) | {"address": 7, "code_hash": NO_CODE}
    account.storage_epoch = 3
    slot = View(BaseSlot, call(insert_slot, state.world, account, 9))
    values = {name: getattr(slot, name) for name in BaseSlot.fields}
    assert values == dict.fromkeys(BaseSlot.fields, 0) | {
        "key": 9,
        "account": index(account),
        "storage_epoch": 3,
    }


# ---- code ----------------------------------------------------------------------------------------------------


def intern(state, code, code_hash=None):
    data = ctypes.create_string_buffer(code, len(code) + 1)
    if code_hash is None:
        code_hash = int.from_bytes(keccak256(code), "big")
    found = call(intern_code, state.world, ctypes.addressof(data), len(code), code_hash)
    return View(Code, found) if found else None


def jumpdests(code):
    """Places of JUMPDEST outside push data, as the Yellow Paper defines them (9.4.3)."""
    at, found = 0, set()
    while at < len(code):
        if code[at] == 0x5B:
            found.add(at)
        at += code[at] - 0x5E if 0x60 <= code[at] <= 0x7F else 1
    return found


pushes = st.lists(st.sampled_from([0x5B, 0x60, 0x61, 0x7F, 0]), max_size=90).map(bytes)


@given(code=st.one_of(st.binary(max_size=100), pushes))
@settings(max_examples=60, deadline=None)
def test_code_is_kept_with_its_jump_destinations(code):
    state = State()
    ctypes.memset(state.world.codes, 0xFF, 1000)
    found = intern(state, code)
    assert ctypes.string_at(found.bytes, len(code) + 33) == code + bytes(33)
    marked = {at for at in range(len(code)) if call(is_jumpdest, found.jumpdests, at)}
    assert marked == jumpdests(code)
    assert not call(is_jumpdest, found.jumpdests, len(code))
    assert index(intern(state, code)) == index(found)
    assert state.world.code_count == 1


def test_code_whose_hashes_share_their_place():
    state = State()
    hashes = [7 + (k << 128) for k in range(7)]
    found = {h: intern(state, bytes([k]) * (k + 1), h) for k, h in enumerate(hashes)}
    for k, h in enumerate(hashes):
        assert call(find_code, state.world, h) == index(found[h])
        assert (found[h].hash, found[h].size) == (h, k + 1)
    assert call(find_code, state.world, 7 + (99 << 128)) == 0


@pytest.mark.parametrize("sizes", [{"code_bytes": 600}, {"code_bytes": 1 << 14, "code_index": 4}])
def test_no_room_for_code(sizes):
    state, dice, kept = State(**sizes), random.Random(1), []
    while (code := dice.randbytes(50)) and intern(state, code) is not None:
        kept.append(code)
        assert len(kept) < 20
    assert kept
    used, count = state.world.codes_used, state.world.code_count
    assert intern(state, dice.randbytes(50)) is None
    assert (state.world.codes_used, state.world.code_count) == (used, count)
    assert all(intern(state, code) is not None for code in kept)
    assert used <= sizes["code_bytes"]
