"""Data directories and snapshots: what is loaded is what was saved; damage and crafted files are refused."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import pytest
import zstandard

from jovay.storage import datadir, snapshot
from jovay.storage.datadir import DataDirectory
from jovay.storage.errors import DatadirLockedError, SchemaMismatchError, SnapshotError, StorageError
from jovay.storage.kv import Batch
from jovay.storage.snapshot import load, save, verify
from jovay.storage.state import StateChanges

from .samples import block


def fill(directory: DataDirectory, blocks: int = 50) -> None:
    chance = random.Random(7)
    directory.blocks.append([block(number, number % 5) for number in range(blocks)])
    directory.state.write(
        blocks - 10,
        StateChanges(
            accounts=chance.randbytes(20 * 500),
            account_values=chance.randbytes(72 * 500),
            slots=chance.randbytes(52 * 700),
            slot_values=chance.randbytes(32 * 700),
            code_hashes=chance.randbytes(32),
            code_offsets=(0, 24_000),
            codes=chance.randbytes(24_000),
        ),
    )
    batch = Batch()
    batch.put("trie", b"", b"empty key")
    batch.put("trie", b"node", b"")
    batch.put("meta", b"genesis", b"{}")
    directory.kv.write(batch)


def contents(directory: DataDirectory) -> dict[str, list[tuple[bytes, bytes]]]:
    return {name: list(directory.kv.iterate(name)) for name in directory.kv.tables}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    with DataDirectory(tmp_path / "node", ["trie"]) as directory:
        fill(directory)
        save(directory, tmp_path / "snap", recent=20, about={"chain": 1})
    return tmp_path / "snap"


def test_load_of_save_is_identical(saved: Path, tmp_path: Path) -> None:
    manifest = load(saved, tmp_path / "copy")
    assert manifest["about"] == {"chain": 1}
    assert verify(saved) == manifest
    with DataDirectory(tmp_path / "node") as old, DataDirectory(tmp_path / "copy") as new:
        assert contents(old) == contents(new)
        assert (new.state.height, new.state.target) == (old.state.height, old.state.target) == (40, 40)
        assert (new.blocks.oldest, new.blocks.latest) == (21, 49)
        for number in range(21, 50):
            assert new.blocks.block(number) == old.blocks.block(number)
        assert new.blocks.locate(block(33, 3).tx_hashes[:32]) == (33, 0)
        assert [number for number, _ in new.state.recover(new.blocks)] == list(range(41, 50))
        save(new, tmp_path / "second", recent=20, about={"chain": 1})
    assert (tmp_path / "second").read_bytes() == saved.read_bytes()


def test_empty_directory(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "node") as directory:
        save(directory, tmp_path / "snap")
    load(tmp_path / "snap", tmp_path / "copy")
    with DataDirectory(tmp_path / "copy") as directory:
        assert directory.blocks.latest == directory.state.height == -1


def test_target_must_be_empty(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="not empty"):
        load(saved, tmp_path / "node")
    (tmp_path / "there").mkdir()
    load(saved, tmp_path / "there")


def test_damage_is_detected_and_leaves_nothing(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    chance = random.Random(8)
    damaged = [whole[:cut] for cut in (0, 5, 40, len(whole) // 2, len(whole) - 1)] + [whole + b"x"]
    for _ in range(25):
        position = chance.randrange(len(whole))
        damaged.append(
            whole[:position] + bytes((whole[position] ^ 1 << chance.randrange(8),)) + whole[position + 1 :]
        )
    for data in damaged:
        if data[9:12] != whole[9:12]:
            continue  # the reserved bytes of the manifest's header mean nothing
        (tmp_path / "bad").write_bytes(data)
        try:
            verify(tmp_path / "bad")
        except SnapshotError:
            with pytest.raises(SnapshotError):
                load(tmp_path / "bad", tmp_path / "copy")
            assert not (tmp_path / "copy").exists()
            assert not (tmp_path / "copy.loading").exists()
        else:
            pytest.fail("damage was not noticed")


def crafted(path: Path, chunks: list[tuple[int, int, bytes]], end: dict[str, object] | None) -> None:
    with open(path, "wb") as file:
        writer = snapshot._Writer(file, 1)
        for kind, table, raw in chunks:
            writer.chunk(kind, table, raw)
        if end is not None:
            writer.chunk(snapshot.END, 0, json.dumps({"digest": writer.digest.hexdigest(), **end}).encode())


MANIFEST = json.dumps({"tables": ["meta", "a"]}).encode()
PAIR = snapshot._pack_pairs([b"k"], [b"v"])
CRAFTED = {
    "no manifest": ([(snapshot.PAIRS, 0, PAIR)], {"pairs": {}, "blocks": 0}),
    "manifest not JSON": ([(snapshot.MANIFEST, 0, b"\xff")], {"pairs": {}, "blocks": 0}),
    "manifest a list": ([(snapshot.MANIFEST, 0, b"[1]")], {"pairs": {}, "blocks": 0}),
    "table names": ([(snapshot.MANIFEST, 0, b'{"tables": ["../x"]}')], {"pairs": {"../x": 0}, "blocks": 0}),
    "unknown table": (
        [(snapshot.MANIFEST, 0, MANIFEST), (snapshot.PAIRS, 2, PAIR)],
        {"pairs": {}, "blocks": 0},
    ),
    "counts": (
        [(snapshot.MANIFEST, 0, MANIFEST), (snapshot.PAIRS, 1, PAIR)],
        {"pairs": {"meta": 0, "a": 2}, "blocks": 0},
    ),
    "no end": ([(snapshot.MANIFEST, 0, MANIFEST)], None),
    "end without counts": ([(snapshot.MANIFEST, 0, MANIFEST)], {}),
    "pair lengths": (
        [(snapshot.MANIFEST, 0, MANIFEST), (snapshot.PAIRS, 1, struct.pack("<III", 1, 1 << 31, 5) + b"k")],
        {"pairs": {}, "blocks": 0},
    ),
    "pair count": (
        [(snapshot.MANIFEST, 0, MANIFEST), (snapshot.PAIRS, 1, struct.pack("<I", 1 << 31))],
        {"pairs": {}, "blocks": 0},
    ),
    "block": (
        [(snapshot.MANIFEST, 0, MANIFEST), (snapshot.BLOCKS, 0, b"JVB1" * 50)],
        {"pairs": {}, "blocks": 1},
    ),
}


@pytest.mark.parametrize("kind", CRAFTED)
def test_crafted_files_are_refused(kind: str, tmp_path: Path) -> None:
    crafted(tmp_path / "bad", *CRAFTED[kind])
    with pytest.raises(SnapshotError):
        load(tmp_path / "bad", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_decompression_is_capped(tmp_path: Path) -> None:
    bomb = zstandard.compress(bytes(100 << 20))
    head = snapshot._HEAD.pack(snapshot.MANIFEST, 0, 0, 1000, len(bomb), bytes(32))
    (tmp_path / "bomb").write_bytes(snapshot.MAGIC + head + bomb)
    with pytest.raises(SnapshotError, match="does not hold"):
        load(tmp_path / "bomb", tmp_path / "copy")
    huge = snapshot._HEAD.pack(snapshot.MANIFEST, 0, 0, 1 << 31, len(bomb), bytes(32))
    (tmp_path / "bomb").write_bytes(snapshot.MAGIC + huge + bomb)
    with pytest.raises(SnapshotError, match="bytes"):
        load(tmp_path / "bomb", tmp_path / "copy")


def test_checkpoint_that_moves_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DataDirectory(tmp_path / "node", ["trie"]) as directory:
        fill(directory)
        original = snapshot._save_blocks

        def move(*arguments: object) -> None:
            directory.state.write(45, StateChanges())
            original(*arguments)

        monkeypatch.setattr(snapshot, "_save_blocks", move)
        with pytest.raises(SnapshotError, match="moved"):
            save(directory, tmp_path / "snap")
        assert not (tmp_path / "snap").exists()


def test_second_node_is_refused_and_lock_is_released(tmp_path: Path) -> None:
    with (
        DataDirectory(tmp_path / "node"),
        pytest.raises(DatadirLockedError, match=r"process [0-9]+; one node per data directory"),
    ):
        DataDirectory(tmp_path / "node")
    DataDirectory(tmp_path / "node").close()


def test_other_schema_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    DataDirectory(tmp_path / "node").close()
    monkeypatch.setattr(datadir, "SCHEMA", 2)
    with pytest.raises(SchemaMismatchError) as caught:
        DataDirectory(tmp_path / "node")
    assert (caught.value.expected, caught.value.found) == (2, 1)
    monkeypatch.undo()
    DataDirectory(tmp_path / "node").close()
    assert issubclass(SchemaMismatchError, StorageError)
