"""Snapshots: a whole chain in one file that can be checked, copied and loaded into an empty data directory.

    magic (8 bytes), then chunks: kind u8, table u8, zero u16, raw length u32, stored length u32,
    SHA-256 of the raw bytes (32), zstd data

Kinds: MANIFEST (JSON, first), PAIRS (of one table: count u32, key lengths u32 each, value lengths u32 each,
keys, values), BLOCKS (frames as in the block log), END (JSON with counts and the digest of all chunk
digests, last). A chunk is read and decompressed only within ``CHUNK_LIMIT``, whatever its header says.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
import zstandard

from .block_parts import FIELDS, BlockParts
from .datadir import DataDirectory
from .errors import CorruptStoreError, SnapshotError
from .frame import FRAME, build, check, parse
from .kv import Batch

MAGIC = b"JVSNAP02"
MANIFEST, PAIRS, BLOCKS, END = 1, 2, 3, 4
CHUNK_LIMIT = 1 << 28
"""Raw bytes of one chunk; only a single huge block comes near."""
_TARGET = 4 << 20
_HEAD = struct.Struct("<BBHII32s")


class _Writer:
    def __init__(self, file: IO[bytes], level: int) -> None:
        self.file, self.compressor = file, zstandard.ZstdCompressor(level=level)
        self.digest = hashlib.sha256()
        file.write(MAGIC)

    def chunk(self, kind: int, table: int, raw: bytes) -> None:
        if len(raw) > CHUNK_LIMIT:
            raise ValueError(f"{len(raw)} bytes in one chunk, at most {CHUNK_LIMIT} can be")
        stored, digest = self.compressor.compress(raw), hashlib.sha256(raw).digest()
        self.digest.update(bytes((kind, table)) + digest)
        self.file.write(_HEAD.pack(kind, table, 0, len(raw), len(stored), digest))
        self.file.write(stored)


def _pack_pairs(keys: list[bytes], values: list[bytes]) -> bytes:
    lengths = np.fromiter(map(len, (*keys, *values)), np.uint32, 2 * len(keys))
    return b"".join((len(keys).to_bytes(4, "little"), lengths.tobytes(), *keys, *values))


def _unpack_pairs(raw: bytes, path: Path) -> tuple[list[bytes], list[bytes]]:
    count = int.from_bytes(raw[:4], "little")
    start = 4 + 8 * count
    if len(raw) < start:
        raise SnapshotError(path, f"{count} pairs do not fit into a chunk of {len(raw)} bytes")
    ends = start + np.cumsum(np.frombuffer(raw, np.uint32, 2 * count, 4), dtype=np.uint64)
    if (count and int(ends[-1]) != len(raw)) or (not count and start != len(raw)):
        raise SnapshotError(path, "lengths of pairs do not add up")
    cuts = [start, *map(int, ends)]
    pieces = [raw[low:high] for low, high in pairwise(cuts)]
    return pieces[:count], pieces[count:]


def save(
    directory: DataDirectory,
    path: str | Path,
    *,
    recent: int = 256,
    level: int = 3,
    about: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write all tables and the blocks from ``recent`` before the checkpoint on; returns what END says.

    The checkpoint must not move meanwhile (``SnapshotError`` if it did). ``about`` goes into the manifest.
    The file appears under its name only when whole.
    """
    path, state, blocks = Path(path), directory.state, directory.blocks
    before, latest = (state.height, state.target), blocks.latest
    first = max(blocks.oldest, min(state.height, latest) + 1 - recent) if latest >= 0 else 0
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        writer = _Writer(file, level)
        tables = list(directory.kv.tables)
        manifest = {
            "tables": tables,
            "height": state.height,
            "first": first,
            "latest": latest,
            "about": about or {},
        }
        writer.chunk(MANIFEST, 0, json.dumps(manifest).encode())
        counts = {name: _save_table(directory, writer, index, name) for index, name in enumerate(tables)}
        _save_blocks(directory, writer, first, latest)
        if (state.height, state.target) != before:
            raise SnapshotError(path, f"the checkpoint moved from {before} while the snapshot was taken")
        summary = {"pairs": counts, "blocks": max(latest - first + 1, 0), "digest": writer.digest.hexdigest()}
        writer.chunk(END, 0, json.dumps(summary).encode())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    return summary


def _save_table(directory: DataDirectory, writer: _Writer, index: int, name: str) -> int:
    total, pairs = 0, directory.kv.iterate(name)
    while piece := list(islice(pairs, 1 << 14)):
        keys, values = [key for key, _ in piece], [value for _, value in piece]
        writer.chunk(PAIRS, index, _pack_pairs(keys, values))
        total += len(piece)
    return total


def _save_blocks(directory: DataDirectory, writer: _Writer, first: int, latest: int) -> None:
    pending: list[bytes] = []
    size = 0
    for number in range(first, latest + 1):
        block = directory.blocks.block(number)
        parts = [getattr(block, name) for name in FIELDS]
        frame, length = build(number, block.hash, parts, block.tx_count, (0, 1), block.dropped)
        pending += frame
        size += length
        if size >= _TARGET:
            writer.chunk(BLOCKS, 0, b"".join(pending))
            pending, size = [], 0
    if pending:
        writer.chunk(BLOCKS, 0, b"".join(pending))


def chunks(path: str | Path) -> Iterator[tuple[int, int, bytes]]:
    """(kind, table, raw bytes) of a snapshot's chunks, each checked; END, the last, checks the whole."""
    path, running = Path(path), hashlib.sha256()
    decompressor = zstandard.ZstdDecompressor()
    with open(path, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise SnapshotError(path, "this is no snapshot file")
        kind = 0
        while kind != END:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                raise SnapshotError(path, "the file ends before its END chunk")
            kind, table, _, raw_length, stored_length, digest = _HEAD.unpack(head)
            if kind not in (MANIFEST, PAIRS, BLOCKS, END) or max(raw_length, stored_length) > CHUNK_LIMIT:
                raise SnapshotError(path, f"chunk of kind {kind} with {stored_length} and {raw_length} bytes")
            raw = _decompress(decompressor, file.read(stored_length), raw_length, path)
            if hashlib.sha256(raw).digest() != digest:
                raise SnapshotError(path, f"digest of a chunk of kind {kind}")
            if kind == END and _json(raw, path, "pairs", "blocks", "digest")["digest"] != running.hexdigest():
                raise SnapshotError(path, "digest of the whole")
            running.update(bytes((kind, table)) + digest)
            yield kind, table, raw
        if file.read(1):
            raise SnapshotError(path, "bytes after the END chunk")


def _json(raw: bytes, path: Path, *keys: str) -> dict[str, Any]:
    """A JSON object that has the keys."""
    try:
        value: dict[str, Any] = json.loads(raw)
        missing = [key for key in keys if key not in value]
    except (ValueError, TypeError) as error:
        raise SnapshotError(path, f"no JSON object: {error}") from error
    if missing or not isinstance(value, dict):
        raise SnapshotError(path, f"no JSON object with {', '.join(keys)}")
    return value


def _decompress(
    decompressor: zstandard.ZstdDecompressor, stored: bytes, raw_length: int, path: Path
) -> bytes:
    try:
        if zstandard.frame_content_size(stored) != raw_length:
            raise SnapshotError(path, f"a chunk does not hold the {raw_length} bytes that it says")
        return decompressor.decompress(stored, max_output_size=raw_length)
    except zstandard.ZstdError as error:
        raise SnapshotError(path, f"damaged zstd data: {error}") from error


def verify(path: str | Path) -> dict[str, Any]:
    """Check a snapshot without loading it; returns its manifest."""
    manifest: dict[str, Any] = {}
    for kind, _, raw in chunks(path):
        if kind == MANIFEST:
            manifest = _json(raw, Path(path), "tables")
    return manifest


def pairs(path: str | Path) -> Iterator[tuple[str, list[tuple[bytes, bytes]]]]:
    """(table, pairs) of a snapshot, in pieces; the last piece has come only when all of it was found right."""
    tables: list[str] = []
    for kind, table, raw in chunks(path):
        if kind == MANIFEST:
            tables = list(_json(raw, Path(path), "tables")["tables"])
        elif kind == PAIRS:
            if table >= len(tables):
                raise SnapshotError(path, f"table {table} of {len(tables)}")
            yield tables[table], list(zip(*_unpack_pairs(raw, Path(path)), strict=True))


def load(path: str | Path, target: str | Path) -> dict[str, Any]:
    """Make the data directory ``target`` (absent or empty) from a snapshot; returns the manifest.

    Nothing is left under ``target`` if the snapshot is damaged or does not fit (``SnapshotError``).
    """
    path, target = Path(path), Path(target)
    if target.exists() and any(target.iterdir()):
        raise SnapshotError(path, f"{target} is not empty")
    building = target.with_name(target.name + ".loading")
    shutil.rmtree(building, ignore_errors=True)
    try:
        manifest = _load_into(path, building)
        if target.exists():
            target.rmdir()
        os.replace(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return manifest


def _load_into(path: Path, building: Path) -> dict[str, Any]:
    source = chunks(path)
    kind, _, raw = next(source)
    if kind != MANIFEST:
        raise SnapshotError(path, "the first chunk is no manifest")
    manifest = _json(raw, path, "tables")
    tables, found = manifest["tables"], 0
    if not (
        isinstance(tables, list) and all(isinstance(name, str) and name.isidentifier() for name in tables)
    ):
        raise SnapshotError(path, f"table names {tables!r}")
    counts = dict.fromkeys(tables, 0)
    with DataDirectory(building, tables) as directory:
        for kind, table, raw in source:
            if kind == PAIRS:
                if table >= len(tables):
                    raise SnapshotError(path, f"table {table} of {len(tables)}")
                keys, values = _unpack_pairs(raw, path)
                batch = Batch()
                batch.put_many(tables[table], keys, values)
                directory.kv.write(batch)
                counts[tables[table]] += len(keys)
            elif kind == BLOCKS:
                blocks = _unpack_blocks(raw, path)
                directory.blocks.append(blocks)
                found += len(blocks)
        summary = _json(raw, path)
        if (summary["pairs"], summary["blocks"]) != (counts, found):
            raise SnapshotError(path, f"{counts} pairs and {found} blocks, END says {summary}")
        directory.kv.flush()
    return manifest


def _unpack_blocks(raw: bytes, path: Path) -> list[BlockParts]:
    blocks, position = [], 0
    while position < len(raw):
        try:
            header = parse(raw[position : position + FRAME.size], path)
            check(header, raw[position : position + header.size], path)
        except CorruptStoreError as error:
            raise SnapshotError(path, error.detail) from error
        parts, at = [], position + FRAME.size
        for length in header.lengths:
            parts.append(raw[at : at + length])
            at += length
        blocks.append(BlockParts.of(header, parts))
        position += header.size
    return blocks
