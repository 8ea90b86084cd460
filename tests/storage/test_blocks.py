"""The block store: what goes in comes out, by every way of asking; truncation, pruning, damage, restarts."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jovay.storage import descriptors
from jovay.storage import segment as segment_module
from jovay.storage.block_parts import FIELDS, BlockParts
from jovay.storage.blocks import BlockStore
from jovay.storage.errors import (
    BadBlockError,
    CorruptStoreError,
    LostBlocksError,
    MissingBlockError,
    PrunedDataError,
    StorageError,
    StoreClosedError,
)
from jovay.storage.frame import Part
from jovay.storage.prune import Keep, prune

from .samples import block

Opener = Callable[..., BlockStore]


@pytest.fixture
def opener(tmp_path: Path) -> Iterator[Opener]:
    """Opens the store of this test with small files; an earlier handle is closed first."""
    opened: list[BlockStore] = []

    def open_store(**options: int) -> BlockStore:
        for store in opened:
            store.close()
        settings = {"segment_bytes": 20_000, "recent_bytes": 10_000, "index_entries": 40, **options}
        opened.append(BlockStore(tmp_path / "blocks", **settings))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


def assert_holds(store: BlockStore, expected: list[BlockParts]) -> None:
    """Every way of reading gives what was stored."""
    assert (store.oldest, store.latest) == (expected[0].number, expected[-1].number)
    for wanted in expected:
        number = wanted.number
        assert store.block(number) == wanted
        assert store.hash_of(number) == wanted.hash
        assert store.number_of(wanted.hash) == number
        for part, name in zip(Part, FIELDS, strict=True):
            assert store.read(number, part) == getattr(wanted, name)
        count = wanted.tx_count
        assert store.tx_count(number) == count
        offsets = np.frombuffer(wanted.tx_offsets, np.uint32)
        for index in range(count):
            tx_hash = wanted.tx_hashes[32 * index : 32 * index + 32]
            assert store.locate(tx_hash) == (number, index)
            assert store.tx_hash(number, index) == tx_hash
            assert store.sender(number, index) == wanted.senders[20 * index : 20 * index + 20]
            assert store.receipt(number, index) == wanted.receipts[88 * index : 88 * index + 88]
            raw = wanted.transactions[offsets[index] : offsets[index + 1]]
            assert store.transaction(number, index) == raw
        for read in (store.transaction, store.receipt, store.tx_hash, store.sender):
            with pytest.raises(IndexError):
                read(number, count)


def test_round_trip_through_many_files_and_restarts(opener: Opener) -> None:
    chance = random.Random(1)
    blocks = [block(number, chance.choice([0, 0, 1, 5, 20])) for number in range(120)]
    store, position = opener(), 0
    while position < len(blocks):
        size = chance.randrange(1, 9)
        store.append(blocks[position : position + size])
        position += size
        if chance.random() < 0.2:
            store = opener()
    assert len(store.segments) > 3
    assert_holds(store, blocks)
    assert_holds(opener(), blocks)
    opener().verify()


def test_numpy_and_memoryview_parts_are_copied(opener: Opener) -> None:
    wanted = block(7, 4)
    arena = bytearray(wanted.receipts)
    offsets = np.frombuffer(wanted.tx_offsets, np.uint32).astype(np.uint64)
    store = opener()
    store.append([replace(wanted, receipts=memoryview(arena), tx_offsets=offsets)])
    arena[:] = bytes(len(arena))
    assert_holds(store, [wanted])
    assert_holds(opener(), [wanted])


def test_unknown_things(opener: Opener) -> None:
    store = opener()
    assert store.latest == -1
    with pytest.raises(MissingBlockError):
        store.header(0)
    store.append([block(5), block(6)])
    assert store.locate(bytes(32)) is None
    assert store.number_of(block(5).tx_hashes[:32]) is None, "a transaction hash is no block hash"
    assert store.locate(block(5).hash) is None, "a block hash is no transaction hash"
    for number in (4, 7, -1):
        with pytest.raises(MissingBlockError) as caught:
            store.header(number)
        assert (caught.value.number, caught.value.oldest, caught.value.latest) == (number, 5, 6)
    store.close()
    with pytest.raises(StoreClosedError):
        store.append([block(7)])


BAD = {
    "gap": lambda: block(3),
    "hash": lambda: replace(block(1), hash=b"short"),
    "tx hashes": lambda: replace(block(1), tx_hashes=bytes(33)),
    "senders": lambda: replace(block(1), senders=bytes(19)),
    "receipts": lambda: replace(block(1), receipts=bytes(88 * 3 + 1)),
    "offset count": lambda: replace(block(1), tx_offsets=bytes(8)),
    "offset end": lambda: replace(block(1), transactions=b""),
    "offset order": lambda: replace(block(1, 2), tx_offsets=np.array([0, 9, 7]), transactions=bytes(7)),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_blocks_are_refused_and_change_nothing(kind: str, opener: Opener) -> None:
    store = opener()
    store.append([block(0)])
    with pytest.raises(BadBlockError):
        store.append([block(1), BAD[kind]()] if kind == "gap" else [BAD[kind]()])
    assert_holds(store, [block(0)])
    assert_holds(opener(), [block(0)])


def test_colliding_hash_prefixes_are_told_apart(opener: Opener) -> None:
    first, second = block(0, 2), block(1, 2)
    second = replace(second, tx_hashes=first.tx_hashes[:8] + bytes(24) + second.tx_hashes[32:])
    store = opener()
    store.append([first, second])
    store = opener()
    assert store.locate(first.tx_hashes[:32]) == (0, 0)
    assert store.locate(second.tx_hashes[:32]) == (1, 0)
    assert store.locate(first.tx_hashes[:8] + b"\1" * 24) is None


@pytest.mark.parametrize("above", [-1, 0, 17, 40, 58])
def test_truncate_then_grow_differently(above: int, opener: Opener) -> None:
    blocks = [block(number, 6) for number in range(60)]
    store = opener()
    for item in blocks:
        store.append([item])
    store.truncate(above)
    assert store.latest == above
    gone = blocks[above + 1]
    assert store.locate(gone.tx_hashes[:32]) is None
    assert store.number_of(gone.hash) is None
    other = [block(number, 6, salt=b"other") for number in range(above + 1, above + 40)]
    store.append(other[:1])
    for item in other[1:]:
        store.append([item])
    assert_holds(store, blocks[: above + 1] + other)
    store = opener()
    assert_holds(store, blocks[: above + 1] + other)
    for old in blocks[above + 1 :]:
        assert store.locate(old.tx_hashes[:32]) is None


def test_prune_parts_and_headers(opener: Opener) -> None:
    blocks = [block(number, 10) for number in range(60)]
    store = opener()
    for item in blocks:
        store.append([item])
    middle = [segment for segment in store.segments if segment.last < 30][-1].last
    freed = prune(store, Keep(bodies=30, receipts=middle + 1, writes=10))
    assert freed > 0
    assert prune(store, Keep(bodies=30, receipts=middle + 1, writes=10)) == 0
    for again in (False, True):
        store = opener() if again else store
        assert store.header(0) == blocks[0].header
        assert store.hash_of(0) == blocks[0].hash
        assert store.number_of(blocks[0].hash) == 0
        assert store.tx_count(0) == 10
        assert store.locate(blocks[0].tx_hashes[:32]) is None
        assert store.block(0).dropped
        for part in (Part.TRANSACTIONS, Part.RECEIPTS, Part.WRITES):
            with pytest.raises(PrunedDataError):
                store.read(0, part)
        assert store.writes(middle) == blocks[middle].writes
        with pytest.raises(PrunedDataError):
            store.receipt(middle, 0)
        for number in range(middle + 1, 60):
            assert store.block(number) == blocks[number]
    before = store.oldest
    prune(store, Keep(headers=30))
    assert before < store.oldest <= 30
    with pytest.raises(MissingBlockError):
        store.header(0)
    assert_holds(store, blocks[store.oldest :])
    oldest = store.oldest
    store = opener()
    assert store.oldest == oldest
    assert_holds(store, blocks[oldest:])
    store.append([block(60)])


def open_logs(store: BlockStore) -> list[str]:
    """Files of the log that this process has open, by name; ``(deleted)`` ones too."""
    names = []
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            names.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return [name for name in names if name.startswith(str(store.path)) and ".log" in name]


def test_few_files_are_open(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: while blocks are appended, read, pruned and taken back."""
    monkeypatch.setattr(descriptors, "SEGMENT_FILES", 2)
    blocks = [block(number, 10) for number in range(60)]
    store = opener()
    for item in blocks:
        store.append([item])
        assert len(open_logs(store)) <= 3
    assert len(store.segments) > 6
    store = opener()
    assert_holds(store, blocks)
    assert len(open_logs(store)) <= 3
    old = store.segments[0]
    file = old.file
    assert prune(store, Keep(bodies=50)) > 0
    assert len(open_logs(store)) <= 4
    # Who reads the old file goes on with it; it is closed when nobody does.
    assert old.file is file
    assert old.read(0, Part.TRANSACTIONS) == blocks[0].transactions
    del old, file
    assert not [name for name in open_logs(store) if "deleted" in name]
    store.truncate(20)
    other = [block(number, 3) for number in range(21, 40)]
    for item in other:
        store.append([item])
    for number in range(21, 40):
        assert store.block(number) == other[number - 21]
    assert len(open_logs(store)) <= 3
    gone = store.segments[0]
    gone.file  # noqa: B018 (opens it)
    prune(store, Keep(headers=20))
    while gone.source._open is not None:
        store.header(store.oldest)
        for segment in store.segments:
            assert segment.file
    with pytest.raises(PrunedDataError):
        gone.read(0, Part.HEADER)


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


def test_failed_write_stops_the_store(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opener()
    store.append([block(0)])

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(segment_module.os, "fdatasync", no_space)
    with pytest.raises(StorageError, match="No space"):
        store.append([block(1)])
    monkeypatch.undo()
    with pytest.raises(StorageError, match="read-only"):
        store.append([block(1)])
    assert_holds(store, [block(0)])


def test_group_limit(opener: Opener) -> None:
    with pytest.raises(BadBlockError, match="one group"):
        opener().append([block(0)] * 65_536)


def test_blooms(opener: Opener) -> None:
    chance = random.Random(3)
    blooms = [chance.randbytes(256) for _ in range(20)]
    store = opener()
    store.append([block(number, 4, bloom=bloom) for number, bloom in enumerate(blooms)])
    assert store.blooms(3, 20).tobytes() == b"".join(blooms[3:])
    assert store.blooms(5, 5).shape == (0, 256)


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
