"""Commitment of a view: differences only, new records where there were none, and what a full world says."""

from __future__ import annotations

import ctypes
from operator import index

from jovay.kernel.machine import writing
from jovay.kernel.machine.commit import OK, WORLD_FULL, commit_view
from jovay.kernel.state.world import BaseAccount, Code, find_account, find_slot
from jovay.native.records import View
from rigs.state import NO_CODE, State, account, call, slot
from rigs.transactions import keccak256


def changed(state):
    """Addresses in the list of what the block changed; slots with bit 0 set."""
    raw = ctypes.string_at(state.world.changed, 8 * state.world.changed_count)
    return [int.from_bytes(raw[at : at + 8], "little") for at in range(0, len(raw), 8)]


def test_only_differences_are_written():
    state = State()
    base = state.put_account(7, balance=5, nonce=1)
    kept = state.put_slot(base, 1, 11)
    machine = state.machine()
    a = account(machine, 7)
    call(writing.set_balance, machine, a, 6)
    call(writing.set_balance, machine, a, 5)
    call(writing.set_slot, machine, slot(machine, a, 1), 12)
    call(writing.set_slot, machine, slot(machine, a, 1), 11)
    call(writing.set_slot, machine, slot(machine, a, 2), 0)
    state.world.height = 9
    assert call(commit_view, machine) == OK
    assert changed(state) == []
    assert (base.version, kept.version, state.world.slot_count) == (0, 0, 1)
    call(writing.set_slot, machine, slot(machine, a, 1), 12)
    assert call(commit_view, machine) == OK
    assert changed(state) == [index(kept) | 1]
    assert (base.version, kept.version, kept.value) == (0, 9, 12)


def test_new_accounts_and_slots():
    state = State()
    state.world.height = 4
    machine = state.machine()
    a = account(machine, 7)
    call(writing.set_slot, machine, slot(machine, a, 1), 11)  # the slot comes before its account in the list
    call(writing.set_nonce, machine, a, 1)
    assert call(commit_view, machine) == OK
    base = View(BaseAccount, call(find_account, state.world, 7))
    assert (base.exists, base.nonce, base.version, base.code_hash) == (1, 1, 4, NO_CODE)
    found = call(find_slot, state.world, base, 1)
    assert sorted(changed(state)) == sorted([index(base), found | 1])


def test_slots_of_an_account_that_ended_are_not_written():
    state = State()
    base = state.put_account(7)
    old = state.put_slot(base, 1, 11)
    machine = state.machine()
    a = account(machine, 7)
    call(writing.set_slot, machine, slot(machine, a, 1), 12)
    call(writing.set_balance, machine, a, 0)
    a.storage_epoch += 1
    a.exists = 0
    assert call(commit_view, machine) == OK
    assert (old.value, old.storage_epoch, base.storage_epoch, base.exists) == (11, 0, 1, 0)
    assert changed(state) == [index(base)]


def test_code_is_interned_from_the_view():
    state = State()
    state.put_account(7)
    machine = state.machine()
    code, digest = b"\x5b\x00", int.from_bytes(keccak256(b"\x5b\x00"), "big")
    text = ctypes.create_string_buffer(code, len(code))
    own = state.memory.record(Code, {"hash": digest, "size": len(code), "bytes": ctypes.addressof(text)})
    assert call(writing.set_code, machine, account(machine, 7), index(own), digest)
    assert call(commit_view, machine) == OK
    base = View(BaseAccount, call(find_account, state.world, 7))
    kept = View(Code, base.code)
    assert (base.code_hash, kept.hash, kept.size) == (digest, digest, 2)
    assert state.world.codes <= index(kept) < state.world.codes + state.world.codes_capacity
    assert ctypes.string_at(kept.bytes, 2) == code


def test_a_full_world_says_so():
    for sizes in ({"accounts": 1}, {"slots": 1}, {"changed": 1}):
        state = State(**sizes)
        machine = state.machine()
        for address in range(2):
            call(writing.set_balance, machine, account(machine, address), 1)
            call(writing.set_slot, machine, slot(machine, account(machine, 0), address), 5)
        assert call(commit_view, machine) == WORLD_FULL
        assert state.world.account_count <= state.world.account_capacity
        assert state.world.slot_count <= state.world.slot_capacity
        assert state.world.changed_count <= state.world.changed_capacity
