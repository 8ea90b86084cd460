"""Write sets: a world that is only given them becomes the world that made them, with its history."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.native.records import int_of
from jovay.state.writes import WriteSet
from kernel.state.test_history import blocks
from rigs.chain_of_states import ADDRESSES, KEYS, Chain, Follower, Step
from rigs.state import account, slot


def seen(state, height):
    """Everything a view of ``height`` sees."""
    machine = state.machine(seed=height + 5)
    machine.tables.height = height
    found = {}
    for address in ADDRESSES:
        a = account(machine, address)
        assert a is not None
        found[address] = (a.exists, a.nonce, a.balance, a.code_hash)
        for key in KEYS:
            found[address, key] = slot(machine, a, key).value
    return found


@given(blocks=blocks)
@settings(max_examples=60, deadline=None)
def test_following_gives_the_same_state_at_every_height(blocks):
    chain, follower = Chain(history=4096), Follower(history=4096)
    for parts in blocks:
        follower.follow(WriteSet.decode(chain.block(parts).encode()))
    for height in range(len(blocks) + 1):
        assert seen(follower.state, height) == seen(chain.state, height)


@given(blocks=blocks)
@settings(max_examples=60, deadline=None)
def test_a_write_set_is_the_difference_of_two_blocks(blocks):
    chain = Chain(history=4096)
    for parts in blocks:
        before, writes = chain.past[-1], chain.block(parts)
        after = chain.past[-1]
        accounts = {int_of(change["address"]): change for change in writes.accounts}
        slots = {
            (int_of(change["address"]), int_of(change["key"])): int_of(change["value"])
            for change in writes.slots
        }
        assert len(accounts) == len(writes.accounts)
        assert len(slots) == len(writes.slots)
        for address in ADDRESSES:
            if before.accounts.get(address) != after.accounts.get(address):
                change = accounts[address]
                nonce, balance = after.accounts.get(address, (0, 0))
                assert (change["nonce"], int_of(change["balance"])) == (nonce, balance)
                assert change["exists"] == (address in after.accounts)
        for key in set(before.slots) | set(after.slots):
            if key[0] in after.accounts and before.slots.get(key, 0) != after.slots.get(key, 0):
                assert slots[key] == after.slots.get(key, 0)
        for key, value in slots.items():
            assert value == after.slots.get(key, 0)
        for address in accounts:
            wiped = bool(accounts[address]["wiped"])
            assert wiped or before.accounts.get(address) != after.accounts.get(address)


def test_what_a_block_changes_back_is_no_change():
    chain = Chain()
    chain.block([[Step(0, 5), Step(0, 7, key=1)]])
    writes = chain.block([[Step(0, 8, key=1)], [Step(0, 7, key=1)]])
    assert (len(writes.accounts), len(writes.slots)) == (0, 0)


def test_loading_leaves_what_is_there():
    follower = Follower()
    chain = Chain()
    for value in (1, 2):
        follower.follow(chain.block([[Step(0, value), Step(0, value, key=0)]]))
    assert seen(follower.state, 2) == seen(chain.state, 2)
    assert follower.state.world.account_count == 1


def test_write_sets_survive_their_encoding():
    chain = Chain()
    writes = chain.block([[Step(0, 5), Step(0, 7, key=1), Step(1, 6)]])
    again = WriteSet.decode(WriteSet(writes.accounts, writes.slots, [b"", b"\1\2", bytes(300)]).encode())
    assert again.accounts.tobytes() == writes.accounts.tobytes()
    assert again.slots.tobytes() == writes.slots.tobytes()
    assert list(again.codes) == [b"", b"\1\2", bytes(300)]


@given(cut=st.integers(0, 400), extra=st.binary(min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_damaged_write_sets_are_refused(cut, extra):
    writes = Chain().block([[Step(0, 5), Step(0, 7, key=1)]])
    encoded = WriteSet(writes.accounts, writes.slots, [b"code", b""]).encode()
    for damaged in (encoded[: min(cut, len(encoded) - 1)], encoded + extra):
        try:
            WriteSet.decode(damaged)
        except ValueError:
            continue
        raise AssertionError(f"{len(damaged)} bytes were taken for {len(encoded)}")
