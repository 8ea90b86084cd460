"""Flat state against a dictionary, and recovery from wherever a checkpoint can be cut off."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.storage.blocks import BlockStore
from jovay.storage.errors import RecoveryGapError
from jovay.storage.kv import Batch, MemoryKV
from jovay.storage.state import ACCOUNT, TABLES, StateChanges, StateStore

from .samples import block

Model = tuple[dict[bytes, bytes], dict[bytes, bytes]]


def changes_of(
    accounts: dict[bytes, bytes | None], slots: dict[bytes, bytes], wiped: list[bytes]
) -> StateChanges:
    kept = {key: value for key, value in accounts.items() if value is not None}
    return StateChanges(
        accounts=b"".join(kept),
        account_values=b"".join(kept.values()),
        deleted=b"".join(key for key, value in accounts.items() if value is None),
        slots=b"".join(slots),
        slot_values=b"".join(slots.values()),
        wiped=b"".join(wiped),
    )


def apply(
    model: Model, accounts: dict[bytes, bytes | None], slots: dict[bytes, bytes], wiped: list[bytes]
) -> None:
    for key, value in accounts.items():
        if value is None:
            model[0].pop(key, None)
        else:
            model[0][key] = value
    for key in [key for key in model[1] if key[:20] in wiped]:
        del model[1][key]
    for key, value in slots.items():
        if any(value):
            model[1][key] = value
        else:
            model[1].pop(key, None)


def contents(store: StateStore, chunk: int = 3) -> Model:
    accounts: dict[bytes, bytes] = {}
    for keys, values in store.accounts(chunk):
        accounts |= {key.tobytes(): value.tobytes() for key, value in zip(keys, values, strict=True)}
    slots: dict[bytes, bytes] = {}
    for keys, words in store.slots(chunk):
        slots |= {key.tobytes(): value.tobytes() for key, value in zip(keys, words, strict=True)}
    return accounts, slots


ADDRESSES = [bytes(20), b"\xff" * 20, b"\xfe" + b"\xff" * 19, b"a" * 20, b"a" * 19 + b"b"]
ADDRESS = st.sampled_from(ADDRESSES)
SLOT = st.builds(
    lambda address, slot: address + slot.to_bytes(32, "big"), ADDRESS, st.sampled_from([0, 1, 2**256 - 1])
)
STEP = st.tuples(
    st.dictionaries(ADDRESS, st.none() | st.binary(min_size=72, max_size=72)),
    st.dictionaries(SLOT, st.just(bytes(32)) | st.binary(min_size=32, max_size=32)),
    st.lists(ADDRESS, max_size=2, unique=True),
)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEP, max_size=5), piece=st.integers(1, 20))
def test_writes_against_a_dictionary(steps: list[tuple[dict, dict, list]], piece: int) -> None:
    store = StateStore(MemoryKV(TABLES))
    model: Model = ({}, {})
    for height, step in enumerate(steps):
        store.write(height, changes_of(*step), piece=piece)
        apply(model, *step)
        assert contents(store) == model
    found, accounts, slots = store.read_many(b"".join(ADDRESSES), b"".join(a + bytes(32) for a in ADDRESSES))
    for address, there, account, slot in zip(ADDRESSES, found, accounts, slots, strict=True):
        assert there == (address in model[0])
        assert account.tobytes() == model[0].get(address, bytes(72))
        assert slot.tobytes() == model[1].get(address + bytes(32), bytes(32))
    for address in ADDRESSES:
        assert sum(len(keys) for keys, _ in store.slots(2, address)) == sum(
            key[:20] == address for key in model[1]
        )


def test_keys_go_to_the_store_in_its_order() -> None:
    """Neighbours after each other: a store inserts them in half the time. Their end bytes count, zeros too."""
    written: dict[tuple[str, str], list[bytes]] = {}

    class Seen(MemoryKV):
        def write(self, batch: Batch, *, sync: bool = False) -> None:
            for kind, table, keys, _ in batch.operations:
                written.setdefault((kind, table), []).extend(keys)
            super().write(batch, sync=sync)

    order = random.Random(1)
    names = [order.randbytes(19) + bytes((order.choice((0, 1, 255)),)) for _ in range(300)]
    accounts = {name: order.randbytes(ACCOUNT.itemsize) for name in names}
    slots = {name + order.randbytes(32): order.choice((bytes(32), order.randbytes(32))) for name in names}
    StateStore(Seen(TABLES)).write(0, changes_of(accounts, slots, []), piece=7)
    assert written["put", "accounts"] == sorted(accounts)
    assert written["put", "slots"] == sorted(key for key, value in slots.items() if any(value))
    assert written["delete", "slots"] == sorted(key for key, value in slots.items() if not any(value))


def test_codes() -> None:
    store = StateStore(MemoryKV(TABLES))
    store.write(0, StateChanges(code_hashes=b"h" * 32 + b"g" * 32, code_offsets=(0, 2, 5), codes=b"abcde"))
    assert store.code(b"h" * 32) == b"ab"
    assert store.codes(b"g" * 32 + b"x" * 32) == [b"cde", None]
    assert dict(store.all_codes()) == {b"h" * 32: b"ab", b"g" * 32: b"cde"}


@pytest.mark.parametrize(
    "bad",
    [
        StateChanges(accounts=bytes(21)),
        StateChanges(accounts=bytes(20)),
        StateChanges(slots=bytes(52), slot_values=bytes(31)),
        StateChanges(slots=bytes(51)),
        StateChanges(code_hashes=bytes(32), code_offsets=(0,), codes=b""),
        StateChanges(deleted=bytes(7)),
    ],
)
def test_lengths_must_agree(bad: StateChanges) -> None:
    with pytest.raises(ValueError, match=r"."):
        StateStore(MemoryKV(TABLES)).write(0, bad)


def test_account_record() -> None:
    row = np.zeros(1, ACCOUNT)
    row["nonce"], row["balance"][0, 0] = 7, 9
    assert ACCOUNT.itemsize == 72
    assert row.tobytes() == (7).to_bytes(8, "little") + (9).to_bytes(32, "little") + bytes(32)


class StoppingKV(MemoryKV):
    """Fails at the n-th write, as a crash would: what came before stays."""

    writes_left = 1 << 60

    def write(self, batch: Batch, *, sync: bool = False) -> None:
        if self.writes_left == 0:
            raise KeyboardInterrupt
        self.writes_left -= 1
        super().write(batch, sync=sync)


def test_checkpoint_cut_off_anywhere_recovers_exactly(tmp_path: Path) -> None:
    chance = random.Random(6)
    history = []
    for number in range(20):
        accounts = {chance.choice(ADDRESSES): chance.choice([None, chance.randbytes(72)]) for _ in range(3)}
        slots = {
            chance.choice(ADDRESSES) + chance.randrange(9).to_bytes(32, "big"): chance.choice(
                [bytes(32), chance.randbytes(32)]
            )
            for _ in range(6)
        }
        wiped = [chance.choice(ADDRESSES)] if number % 7 == 3 else []
        history.append((accounts, slots, wiped))
    with_writes = [replace(block(number), writes=bytes([number])) for number in range(20)]
    blocks = BlockStore(tmp_path / "blocks")
    blocks.append(with_writes)
    model: Model = ({}, {})
    for step in history:
        apply(model, *step)
    for stop in range(40):
        kv = StoppingKV(TABLES)
        store = StateStore(kv)
        for number in range(6):
            store.write(number, changes_of(*history[number]))
        kv.writes_left = stop
        done = False
        try:
            store.write(14, merged(history[6:15]), piece=2)
            done = True
        except KeyboardInterrupt:
            pass
        kv.writes_left = 1 << 60
        again = StateStore(kv)
        assert again.height == (14 if done else 5)
        for number, writes in again.recover(blocks):
            assert writes == bytes([number])
            again.write(number, changes_of(*history[number]))
        assert contents(again) == model
    assert done, "the last round lets the checkpoint finish"
    blocks.close()


def merged(steps: list[tuple[dict, dict, list]]) -> StateChanges:
    """Net change of several blocks, as a checkpoint writes it."""
    accounts: dict[bytes, bytes | None] = {}
    slots: dict[bytes, bytes] = {}
    wiped: dict[bytes, None] = {}
    for step_accounts, step_slots, step_wiped in steps:
        accounts |= step_accounts
        slots = {key: value for key, value in slots.items() if key[:20] not in step_wiped} | step_slots
        wiped |= dict.fromkeys(step_wiped)
    return changes_of(accounts, slots, list(wiped))


def test_recovery_refuses_gaps(tmp_path: Path) -> None:
    blocks = BlockStore(tmp_path / "blocks")
    kv = MemoryKV(TABLES)
    store = StateStore(kv)
    assert list(store.recover(blocks)) == []
    blocks.append([block(10), block(11)])
    with pytest.raises(RecoveryGapError):
        list(store.recover(blocks))
    store.write(9, StateChanges())
    assert [number for number, _ in store.recover(blocks)] == [10, 11]
    store.write(11, StateChanges())
    assert list(store.recover(blocks)) == []
    store.write(12, StateChanges())
    with pytest.raises(RecoveryGapError) as caught:
        list(store.recover(blocks))
    assert (caught.value.checkpoint, caught.value.latest) == (12, 11)
    blocks.close()
