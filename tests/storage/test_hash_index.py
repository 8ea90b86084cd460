"""The hash index by itself: merging slice by slice, look-ups while another thread adds, damage."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from jovay.storage import pair_files
from jovay.storage.blocks import BlockStore
from jovay.storage.errors import CorruptStoreError, IndexRepairError
from jovay.storage.hash_index import BLOCK, HashIndex
from jovay.storage.pair_files import PairFile

from .samples import block


def no_log(number: int) -> tuple[bytes, bytes]:
    raise AssertionError(f"block {number} was asked of the log")


def filled(
    folder: Path, blocks: int, chance: random.Random, entries: int = 50
) -> tuple[HashIndex, dict[bytes, int]]:
    index, expected = HashIndex(folder, no_log, entries), {}
    for number in range(blocks):
        block_hash, hashes = chance.randbytes(32), chance.randbytes(32 * chance.randrange(12))
        index.add(number, block_hash, hashes)
        expected[block_hash] = number << 24 | BLOCK
        for position in range(len(hashes) // 32):
            expected[hashes[32 * position : 32 * position + 32]] = number << 24 | position
    return index, expected


@pytest.mark.parametrize("slice_size", [7, 64, 1 << 20])
def test_merged_files_hold_everything_in_order(
    slice_size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_files, "SLICE", slice_size)
    index, expected = filled(tmp_path, 700, random.Random(11))
    index.freeze()
    index.wait()
    files = sorted(tmp_path.glob("*.index"))
    assert 0 < len(files) < 20, "about eighty files were merged"
    assert sum(len(PairFile(path).keys) for path in files) == len(expected)
    for path in files:
        keys = PairFile(path).keys
        assert (keys[1:] >= keys[:-1]).all()
    index.verify()
    for wanted, location in expected.items():
        assert (location, False) in list(index.find(wanted))
    assert not list(index.find(bytes(32)))
    index.close()


def test_merging_leaves_out_what_was_pruned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_files, "SLICE", 64)
    index, _ = filled(tmp_path, 100, random.Random(12))
    index.freeze()
    index.forget_before(90)
    for number in range(100, 400):
        index.add(number, number.to_bytes(32, "little"), b"")
    index.freeze()
    index.wait()
    locations = [int(at) >> 24 for path in tmp_path.glob("*.index") for at in PairFile(path).locations]
    assert set(range(100, 400)) <= set(locations)
    assert min(locations) >= 85, "at most the file around the limit keeps older blocks"
    index.close()


def test_files_left_by_an_interrupted_merge(tmp_path: Path) -> None:
    index, expected = filled(tmp_path, 60, random.Random(13))
    index.close()
    parts = sorted(tmp_path.glob("*.index"))
    saved = {path: path.read_bytes() for path in parts}
    merged = pair_files.merge(tmp_path, [PairFile(path) for path in parts], 0)
    for path, data in saved.items():
        path.write_bytes(data)
    (tmp_path / "hashes-000000000000-000000000009.tmp").write_bytes(b"half")
    again = HashIndex(tmp_path, no_log)
    assert sorted(tmp_path.glob("hashes-*")) == [merged.path]
    for wanted, location in expected.items():
        assert list(again.find(wanted)) == [(location, False)]
    assert list(again.missing(0, 70)) == [range(60, 71)]
    again.close()


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1 << position % 8
    path.write_bytes(data)


@pytest.mark.parametrize("position", [70, 1000])
def test_damaged_entries_are_detected(position: int, tmp_path: Path) -> None:
    index, _ = filled(tmp_path, 40, random.Random(14), 1000)
    index.close()
    (path,) = tmp_path.glob("*.index")
    flip(path, position)
    with pytest.raises(CorruptStoreError):
        HashIndex(tmp_path, no_log).verify()


def indexed_store(folder: Path, count: int, entries: int) -> dict[bytes, tuple[int, int] | int]:
    """A closed store in ``folder``; what its index must answer to every hash."""
    store, expected = (
        BlockStore(folder, sync=False, index_entries=entries),
        dict[bytes, tuple[int, int] | int](),
    )
    for number in range(count):
        item = block(number, number % 7)
        store.append([item])
        expected[item.hash] = number
        expected |= {item.tx_hashes[32 * i : 32 * i + 32]: (number, i) for i in range(item.tx_count)}
    store.close()
    return expected


def answer(store: BlockStore, wanted: bytes) -> tuple[int, int] | int | None:
    try:
        number = store.number_of(wanted)
        return store.locate(wanted) if number is None else number
    except IndexRepairError:
        store._index.wait()
        number = store.number_of(wanted)
        return store.locate(wanted) if number is None else number


def test_no_flipped_bit_hides_a_transaction(tmp_path: Path) -> None:
    expected = indexed_store(tmp_path, 300, 4096)
    (path,) = tmp_path.glob("*.index")
    whole, repaired = path.read_bytes(), 0
    for position in range(0, len(whole), 331):
        flip(path, position)
        store = BlockStore(tmp_path, sync=False)
        before = path.stat().st_ino if path.exists() else 0
        assert {wanted: answer(store, wanted) for wanted in expected} == expected, position
        repaired += path.exists() and path.stat().st_ino != before
        store.close()
        assert path.read_bytes() == whole, "the file made again is the file that was"
    assert repaired > 20, "most flips were met by a look-up while the store was open"


def test_a_damaged_file_is_not_merged_but_made_again(tmp_path: Path) -> None:
    expected = indexed_store(tmp_path, 120, 10**6)  # one file
    (path,) = tmp_path.glob("*.index")
    flip(path, 64 + 8 * 7)
    store = BlockStore(tmp_path, sync=False, index_entries=4)
    for number in range(120, 150):
        item = block(number, number % 7)
        store.append([item])
        expected[item.hash] = number
    store._index.freeze()
    store._index.wait()
    store.truncate(100)  # cuts the damaged file, which no look-up has met yet
    kept = {wanted: at for wanted, at in expected.items() if (at if isinstance(at, int) else at[0]) <= 100}
    assert {wanted: answer(store, wanted) for wanted in kept} == kept
    store.verify()
    store.close()


def test_merging_stops_at_damage_and_repairs_it(tmp_path: Path) -> None:
    log: dict[int, tuple[bytes, bytes]] = {}
    chance = random.Random(15)
    index = HashIndex(tmp_path, log.__getitem__, 20)
    for number in range(400):
        log[number] = chance.randbytes(32), chance.randbytes(32 * chance.randrange(6))
        if number == 20:
            index.wait()
            flip(sorted(tmp_path.glob("*.index"))[0], 64 + 3)
        index.add(number, *log[number])
    index.freeze()
    index.wait()
    index.verify()
    assert len(list(tmp_path.glob("*.index"))) < 12
    for number, (block_hash, hashes) in log.items():
        assert (number << 24 | BLOCK, False) in list(index.find(block_hash))
        for i in range(len(hashes) // 32):
            assert (number << 24 | i, False) in list(index.find(hashes[32 * i : 32 * i + 32]))
    index.close()


@pytest.mark.parametrize("damage", [3, 12, None])
def test_a_file_that_makes_no_sense_is_made_again(damage: int | None, tmp_path: Path) -> None:
    index, _ = filled(tmp_path, 4, random.Random(14), 1000)
    index.close()
    (path,) = tmp_path.glob("*.index")
    data = bytearray(path.read_bytes())
    if damage is None:
        del data[-8:]
    else:
        data[damage] ^= 1
    path.write_bytes(data)
    again = HashIndex(tmp_path, no_log)
    assert list(again.missing(0, 3)) == [range(4)]
    assert not path.exists()
    again.close()


def test_readers_never_miss_what_was_acknowledged(tmp_path: Path) -> None:
    store = BlockStore(tmp_path, sync=False, segment_bytes=30_000, recent_bytes=20_000, index_entries=25)
    blocks = [block(number, 5) for number in range(400)]
    problems: list[object] = []
    done = threading.Event()

    def read(seed: int) -> None:
        chance = random.Random(seed)
        while not done.is_set():
            if store.latest < 0:
                continue
            number, index = chance.randrange(store.latest + 1), chance.randrange(5)
            wanted = blocks[number]
            try:
                found = store.locate(wanted.tx_hashes[32 * index : 32 * index + 32])
                same = store.receipts(number) == wanted.receipts and store.number_of(wanted.hash) == number
                if found != (number, index) or not same:
                    problems.append((number, index, found))
            except Exception as error:  # whatever it is, the test must tell
                problems.append(error)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for item in blocks:
        store.append([item])
    done.set()
    for thread in threads:
        thread.join()
    store.close()
    assert not problems, problems[:3]
