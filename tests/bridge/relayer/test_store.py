"""What the relayer remembers, over a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from jovay.bridge.relayer.errors import StoreError
from jovay.bridge.relayer.store import Batch, BatchStore, RawData, Tip
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.da import PLAIN, DaData

ROLLUP = b"\xaa" * 20


def batch(index: int, salt: int = 0, hashes: int = 2) -> Batch:
    da = DaData(PLAIN, b"\x02\x00\x00\x03abc")
    header = BatchHeader(2, index, bytes(32), bytes((salt,)) * 32, bytes((index,)) * 32)
    raw = RawData(header, da, tuple(bytes((1, n)) * 16 for n in range(hashes)))
    return Batch(raw, ((10 * index, 10 * index + 4), (10 * index + 5, 10 * index + 9)), index, b"\5" * 32, 77)


def test_batches_survive_and_their_data_outlive_them(tmp_path: Path) -> None:
    store = BatchStore(tmp_path / "relayer.sqlite", ROLLUP, 31337)
    first, second, third = batch(1), batch(2, hashes=0), batch(3)
    for each in (first, second, third):
        store.add(each)
    store.carried(first.hash, b"\x77" * 32)
    store.begin_anew("commit 1")
    store.drop_from(2)
    other = batch(2, salt=9)
    store.add(other)
    store.close()

    store = BatchStore(tmp_path / "relayer.sqlite", ROLLUP, 31337)
    assert (store.last_index, store.batch(2), store.batch(3)) == (2, other, None)
    found = store.batch(1)
    assert found is not None
    assert (found.raw.l1_transaction, found.chunks, found.last_block) == (b"\x77" * 32, first.chunks, 19)
    assert (store.hash_of(2), store.hash_of(3)) == (other.hash, b"")
    assert (store.tip(2), store.tip(3)) == (Tip(other.raw.header, 2, 29, other.last_block_hash), None)
    assert store.raw_data(third.hash) == third.raw
    assert store.raw_data(second.hash) == second.raw
    assert store.raw_data(bytes(32)) is None
    assert (store.attempt("commit 1"), store.attempt("commit 2")) == (1, 0)


def test_a_batch_that_was_dropped_can_stand_again(tmp_path: Path) -> None:
    store = BatchStore(tmp_path / "relayer.sqlite", ROLLUP, 31337)
    store.add(batch(1))
    store.drop_from(1)
    store.add(batch(1))
    assert store.batch(1) == batch(1)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    store = BatchStore(tmp_path / "relayer.sqlite", ROLLUP, 31337)
    with pytest.raises(StoreError):
        store.add(batch(2))
    store.close()
    for rollup, chain in ((b"\xab" * 20, 31337), (ROLLUP, 1)):
        with pytest.raises(StoreError, match="holds batches of Rollup"):
            BatchStore(tmp_path / "relayer.sqlite", rollup, chain)
