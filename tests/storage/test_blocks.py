"""The block store: what goes in comes out, by every way of asking; truncation, pruning, restarts."""

from __future__ import annotations

import contextlib
import os
import random
from dataclasses import replace

import numpy as np
import pytest

from jovay.storage import descriptors
from jovay.storage import segment as segment_module
from jovay.storage.blocks import BlockStore
from jovay.storage.errors import (
    BadBlockError,
    MissingBlockError,
    PrunedDataError,
    StorageError,
    StoreClosedError,
)
from jovay.storage.frame import Part
from jovay.storage.prune import Keep, prune

from .samples import Opener, assert_holds, block


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


@pytest.mark.parametrize("above", range(12))
def test_truncate_within_a_group(above: int, opener: Opener) -> None:
    """Blocks that were appended together and go apart."""
    blocks = [block(number, 3) for number in range(13)]
    store = opener()
    for first, last in ((0, 1), (1, 6), (6, 8), (8, 13)):
        store.append(blocks[first:last])
    store.truncate(above)
    store = opener()
    assert_holds(store, blocks[: above + 1])
    other = [block(number, 3, salt=b"other") for number in range(above + 1, above + 4)]
    store.append(other)
    store.truncate(above + 2)
    store = opener()
    assert_holds(store, blocks[: above + 1] + other[:2])


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
