"""The block store after a crash and over damaged files: what is made again, what is cut off, what is refused."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from jovay.storage.blocks import BlockStore
from jovay.storage.errors import (
    CorruptStoreError,
    LostBlocksError,
    StorageError,
)
from jovay.storage.frame import Part

from .samples import Opener, assert_holds, block


def newest_file(store: BlockStore) -> tuple[Path, int]:
    segment = store.segments[-1]
    return segment.path, segment.end


def tear(path: Path, data: bytes) -> None:
    """The log as a machine leaves it that stopped while a group was written, and before it was indexed."""
    path.write_bytes(data)
    for index in path.parent.glob("hashes-*.index"):
        index.unlink()


def test_damage_in_the_last_group_of_an_orderly_stop_is_no_torn_write(opener: Opener) -> None:
    blocks = [block(number, 2) for number in range(6)]
    store = opener(segment_bytes=1 << 20)
    store.append(blocks[:3])
    store.append(blocks[3:])
    path, end = newest_file(store)
    store.close()
    whole = path.read_bytes()
    damaged = whole[: end - 9] + bytes((whole[end - 9] ^ 1,)) + whole[end - 8 :]
    path.write_bytes(damaged)
    with pytest.raises(LostBlocksError, match="ends with block 2, but it has held block 5") as caught:
        opener(segment_bytes=1 << 20)
    assert isinstance(caught.value.__cause__, CorruptStoreError)
    assert path.read_bytes() == damaged, "nothing is cut off"
    path.write_bytes(whole)
    assert_holds(opener(segment_bytes=1 << 20), blocks)


def test_torn_group_is_cut_off_as_a_whole(opener: Opener) -> None:
    blocks = [block(number, 2) for number in range(6)]
    store = opener(segment_bytes=1 << 20)
    store.append(blocks[:3])
    _, kept = newest_file(store)
    store.append(blocks[3:])
    path, end = newest_file(store)
    store.close()
    whole = path.read_bytes()
    chance = random.Random(2)
    for cut in [kept + 1, kept + 100, end - 1, *(chance.randrange(kept + 1, end) for _ in range(20))]:
        tear(path, whole[:cut])
        store = opener(segment_bytes=1 << 20)
        assert store.torn is not None
        assert_holds(store, blocks[:3])
        store.append(blocks[3:])
        assert_holds(store, blocks)
        store.close()
        assert path.read_bytes()[:end] == whole[:end]


def test_unwritten_pages_in_the_last_group(opener: Opener) -> None:
    """After a power cut any page of an unsynced group may be missing, not only the last ones."""
    blocks = [block(number, 2) for number in range(6)]
    store = opener(segment_bytes=1 << 20)
    store.append(blocks[:3])
    _, kept = newest_file(store)
    store.append(blocks[3:])
    path, end = newest_file(store)
    store.close()
    whole = path.read_bytes()
    for start in range(kept, end, 97):
        torn = whole[:start] + bytes(min(64, end - start)) + whole[start + 64 : end]
        if torn == whole[:end]:
            continue  # only padding was there
        tear(path, torn)
        assert_holds(opener(segment_bytes=1 << 20), blocks[:3])


def test_damage_before_the_last_group_is_an_error(opener: Opener) -> None:
    blocks = [block(number, 2) for number in range(6)]
    store = opener(segment_bytes=1 << 20)
    store.append(blocks[:2])
    _, first_end = newest_file(store)
    for item in blocks[2:]:
        store.append([item])
    path, _ = newest_file(store)
    store.close()
    whole = path.read_bytes()
    for position in (2, 60, 300, first_end + 1, first_end + 60, first_end + 500):
        path.write_bytes(whole[:position] + bytes((whole[position] ^ 1,)) + whole[position + 1 :])
        with pytest.raises(CorruptStoreError):
            opener(segment_bytes=1 << 20)
    path.write_bytes(whole)
    assert_holds(opener(segment_bytes=1 << 20), blocks)


def test_damage_in_a_sealed_file_is_found_when_read(opener: Opener) -> None:
    blocks = [block(number, 8) for number in range(30)]
    store = opener()
    for item in blocks:
        store.append([item])
    path, first = store.segments[0].path, store.segments[0].first
    position = store.segments[0].frame(first)[0].position(Part.RECEIPTS)
    data = bytearray(path.read_bytes())
    data[position + 5] ^= 1
    path.write_bytes(data)
    store = opener()
    with pytest.raises(CorruptStoreError, match="RECEIPTS"):
        store.receipts(first)
    with pytest.raises(CorruptStoreError):
        store.verify()
    assert store.header(first) == blocks[0].header


@pytest.mark.parametrize("victim", ["*.offsets", "*.index"])
def test_derived_files_are_made_again(victim: str, opener: Opener, tmp_path: Path) -> None:
    blocks = [block(number, 8) for number in range(40)]
    store = opener()
    for item in blocks:
        store.append([item])
    store.close()
    files = sorted((tmp_path / "blocks").glob(victim))
    assert len(files) > 1
    for path in files[::2]:
        path.unlink()
    assert_holds(opener(), blocks)


@pytest.mark.parametrize("read", ["receipt", "transaction", "sender", "tx_hash"])
def test_a_piece_of_a_damaged_part_is_not_given_out(read: str, opener: Opener) -> None:
    store = opener()
    blocks = [block(number, 40) for number in range(8)]
    for item in blocks:
        store.append([item])
    part = {"receipt": "receipts", "transaction": "transactions", "sender": "senders", "tx_hash": "tx_hashes"}
    wanted = getattr(blocks[0], part[read])
    path = store.segments[0].path
    data = bytearray(path.read_bytes())
    data[data.index(wanted) + len(wanted) - 1] ^= 1
    path.write_bytes(data)
    store = opener(recent_bytes=0)
    with pytest.raises(CorruptStoreError, match=f"checksum of {part[read].upper()} of block 0"):
        getattr(store, read)(0, 1)  # although the damage is in the last entry
    assert getattr(store, read)(1, 1)


def test_blooms_are_checked(opener: Opener) -> None:
    store = opener()
    for number in range(60):
        store.append([block(number, bloom=b"\x01" * 256)])
    path = store.segments[0].path
    data = bytearray(path.read_bytes())
    data[data.index(b"\x01" * 256)] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptStoreError, match="HEADER"):
        opener(recent_bytes=0).blooms(0, 60)


@pytest.mark.parametrize("victims", ["blocks-*.log", "last blocks-*.log", "emptied", "shortened"])
def test_a_log_that_lost_its_end_is_refused(victims: str, opener: Opener, tmp_path: Path) -> None:
    blocks = [block(number, 8) for number in range(60)]
    store = opener()
    for item in blocks:
        store.append([item])
    assert len(store.segments) > 2
    store.close()
    saved = {path: path.read_bytes() for path in sorted((tmp_path / "blocks").glob("*"))}
    logs = [path for path in saved if path.suffix == ".log"]
    for path in logs if victims in ("blocks-*.log", "emptied") else logs[-1:]:
        if victims in ("emptied", "shortened"):
            path.write_bytes(b"")
        else:
            path.unlink()
    files = sorted((tmp_path / "blocks").glob("*"))
    with pytest.raises((LostBlocksError, CorruptStoreError)):
        opener()
    assert sorted((tmp_path / "blocks").glob("*")) == files, "nothing was removed"
    for path, data in saved.items():
        path.write_bytes(data)
    assert_holds(opener(), blocks)


def test_lost_blocks_can_be_given_up(opener: Opener, tmp_path: Path) -> None:
    store = opener()
    for number in range(60):
        store.append([block(number, 8)])
    first = store.segments[-1].first
    store.close()
    sorted((tmp_path / "blocks").glob("*.log"))[-1].unlink()
    with pytest.raises(LostBlocksError) as caught:
        opener()
    assert (caught.value.latest, caught.value.known) == (first - 1, 59)
    for path in (*(tmp_path / "blocks").glob("*.offsets"), *(tmp_path / "blocks").glob("*.index")):
        path.unlink()
    assert opener().latest == first - 1


@pytest.mark.parametrize("above", [-1, 0, 12, 24])
def test_stopped_while_blocks_are_removed(
    above: int, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever step of going back was the last one, the store opens, with the blocks before or after it."""
    blocks = [block(number, 8) for number in range(26)]
    for stop in range(0, 80, 3):
        store = opener()
        while store.latest < 25:
            store.append([blocks[store.latest + 1]])
        steps = iter(range(stop))

        def step(original: Callable[..., object]) -> Callable[..., object]:
            def work(*arguments: object, **options: object) -> object:
                if next(steps, None) is None:  # noqa: B023
                    raise KeyboardInterrupt
                return original(*arguments, **options)

            return work

        with monkeypatch.context() as patched:
            patched.setattr(Path, "unlink", step(Path.unlink))
            patched.setattr("os.ftruncate", step(os.ftruncate))
            patched.setattr("os.replace", step(os.replace))
            try:
                store.truncate(above)
                finished = True
            except KeyboardInterrupt:
                finished = False
        store._closed = True  # as a killed process leaves it
        store._index._worker.shutdown()
        store = opener()
        assert above <= store.latest <= 25
        if finished:
            assert store.latest == above
            break
        if store.latest >= 0:
            assert_holds(store, blocks[: store.latest + 1])
    else:
        raise AssertionError("more steps than were tried")


def test_missing_log_file_is_an_error(opener: Opener) -> None:
    store = opener()
    for number in range(40):
        store.append([block(number, 8)])
    victim = store.segments[1].path
    store.close()
    victim.unlink()
    with pytest.raises(CorruptStoreError, match="does not follow"):
        opener()


def test_failed_index_stops_the_store_and_a_start_repairs_it(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opener()
    store.append([block(0)])

    def broken(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(store._index, "add", broken)
    with pytest.raises(MemoryError):
        store.append([block(1)])
    with pytest.raises(StorageError, match="read-only"):
        store.append([block(1)])
    assert_holds(opener(), [block(0), block(1)])
