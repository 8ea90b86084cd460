"""The hash index by itself: merging slice by slice, look-ups while another thread adds, damage."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from jovay.storage import hash_index
from jovay.storage.blocks import BlockStore
from jovay.storage.errors import CorruptStoreError
from jovay.storage.hash_index import BLOCK, HashIndex, PairFile

from .samples import block


def filled(
    folder: Path, blocks: int, chance: random.Random, entries: int = 50
) -> tuple[HashIndex, dict[bytes, int]]:
    index, expected = HashIndex(folder, entries), {}
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
    monkeypatch.setattr(hash_index, "SLICE", slice_size)
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
    monkeypatch.setattr(hash_index, "SLICE", 64)
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
    merged = hash_index.merge(tmp_path, [PairFile(path) for path in parts], 0)
    for path, data in saved.items():
        path.write_bytes(data)
    (tmp_path / "hashes-000000000000-000000000009.tmp").write_bytes(b"half")
    again = HashIndex(tmp_path)
    assert sorted(tmp_path.glob("hashes-*")) == [merged.path]
    for wanted, location in expected.items():
        assert list(again.find(wanted)) == [(location, False)]
    assert list(again.missing(0, 70)) == [range(60, 71)]
    again.close()


@pytest.mark.parametrize("position", [70, -1])
def test_damaged_entries_are_detected(position: int, tmp_path: Path) -> None:
    index, _ = filled(tmp_path, 4, random.Random(14), 1000)
    index.close()
    (path,) = tmp_path.glob("*.index")
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptStoreError):
        HashIndex(tmp_path).verify()


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
    again = HashIndex(tmp_path)
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
