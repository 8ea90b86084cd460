"""Write sets merged: the last value of a key counts, in one set and over many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.native import kernel
from jovay.native.hashing import keccak256
from jovay.state import writes
from jovay.state.flat_state import state_changes
from jovay.state.writes import WriteSet, last_of
from rigs.write_sets import account_changes, slot_changes

KEYS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40)
ADDRESSES, WORDS = st.sampled_from([0, 1, 2, 2**160 - 1]), st.sampled_from([0, 1, 2**255 + 3])
#: Address, balance, nonce, exists, wiped.
ACCOUNTS = st.lists(
    st.tuples(ADDRESSES, WORDS, st.integers(0, 9), st.booleans(), st.integers(0, 1)), max_size=6
)
SLOTS = st.lists(st.tuples(ADDRESSES, WORDS, WORDS), max_size=6)


@pytest.mark.parametrize("collide", [False, True], ids=["spread", "all alike"])
@given(keys=KEYS)
def test_the_last_record_of_a_key_stays(collide: bool, keys: list[tuple[int, int]]) -> None:
    spread = writes._SPREAD
    try:
        if collide:  # an adversary's choice of keys
            writes._SPREAD = np.zeros(8, np.uint64)
        found = last_of(slot_changes([(*key, at) for at, key in enumerate(keys)]), ("address", "key"))
    finally:
        writes._SPREAD = spread
    last = {key: at for at, key in enumerate(keys)}
    assert [int.from_bytes(row["value"].tobytes(), "little") for row in found] == sorted(last.values())


def pieces(blob: bytes, size: int) -> list[bytes]:
    return [blob[at : at + size] for at in range(0, len(blob), size)]


@settings(deadline=None)
@given(blocks=st.lists(st.tuples(ACCOUNTS, SLOTS, st.lists(st.binary(max_size=3), max_size=2)), max_size=5))
def test_many_blocks_as_one_change(blocks: list[tuple[list, list, list[bytes]]]) -> None:  # type: ignore[type-arg]
    library = kernel.load()
    sets = [
        WriteSet(account_changes(accounts), slot_changes(slots), codes) for accounts, slots, codes in blocks
    ]
    found = state_changes(library, sets)
    accounts = {row[0]: row[1:] for rows, _, _ in blocks for row in rows}
    slots = {(address, key): value for _, rows, _ in blocks for address, key, value in rows}
    living = {
        address.to_bytes(20, "big"): nonce.to_bytes(8, "little")
        + balance.to_bytes(32, "little")
        + bytes(range(nonce, nonce + 32))[::-1]
        for address, (balance, nonce, exists, _) in accounts.items()
        if exists
    }
    assert dict(zip(pieces(found.accounts, 20), pieces(found.account_values, 72), strict=True)) == living
    gone = {address: wiped for address, (_, _, exists, wiped) in accounts.items() if not exists}
    assert sorted(pieces(found.deleted, 20)) == sorted(a.to_bytes(20, "big") for a in gone)
    assert sorted(pieces(found.wiped, 20)) == sorted(
        a.to_bytes(20, "big") for a, wiped in gone.items() if wiped
    )
    assert dict(zip(pieces(found.slots, 52), pieces(found.slot_values, 32), strict=True)) == {
        address.to_bytes(20, "big") + key.to_bytes(32, "big"): value.to_bytes(32, "big")
        for (address, key), value in slots.items()
    }
    codes = {keccak256(library, code): code for _, _, parts in blocks for code in parts}
    assert found.code_hashes == b"".join(codes)
    assert [found.codes[a:b] for a, b in zip(found.code_offsets, found.code_offsets[1:], strict=False)] == [
        *codes.values()
    ]
