"""A chunk as provers take it, and what they state of it."""

from __future__ import annotations

from dataclasses import dataclass

from jovay.kernel.programs import chunk_records
from jovay.kernel.programs.chunk import execute_chunk
from jovay.kernel.programs.chunk_records import ChunkResult
from jovay.native.arena import Arena, Buffer
from jovay.native.library import Library
from jovay.native.records import pack, read_record, values_of

from .chunk_witness import ChunkWitness
from .parts import padded, sized, state_counts, state_parts
from .witness import explain


@dataclass(frozen=True, slots=True)
class ChunkInput:
    """``data``: the chunk as published in a batch of ``version``."""

    config: bytes
    version: int
    data: bytes
    witness: ChunkWitness

    def encode(self, scale: int = 1) -> bytes:
        """The input's bytes; ``scale`` 0 for a guest's arenas."""
        head: dict[str, int | bytes] = {
            "config": self.config,
            "version": self.version,
            "chunk_size": len(self.data),
            "scale": scale,
        }
        return pack(chunk_records.ChunkInput, head) + padded(self.data) + witness_part(self.witness)


def witness_part(given: ChunkWitness) -> bytes:
    """A chunk's witness as programs take it."""
    parts = [padded(given.parent_header), *map(sized, given.l1_messages)]
    parts += [number.to_bytes(8, "little") + digest for number, digest in given.hashes]
    body = b"".join([*parts, *state_parts(given.touched, given.multiproof)])
    head: dict[str, int | bytes] = {
        "parent_size": len(given.parent_header),
        "first_l1_message": given.first_l1_message,
        "l1_message_count": len(given.l1_messages),
        "rolling_hash": given.rolling_hash,
        "hash_count": len(given.hashes),
        **state_counts(given.touched, given.multiproof),
        "size": chunk_records.ChunkWitness.size + len(body),
    }
    return pack(chunk_records.ChunkWitness, head) + body


@dataclass(frozen=True, slots=True)
class ChunkStatement:
    """What holds of a chunk; ``status`` 0 is success, else the rest is empty. Timestamps in milliseconds."""

    status: int
    detail: int
    at: int
    block_count: int
    transaction_count: int
    gas_used: int
    first_l1_message: int
    next_l1_message: int
    first_timestamp: int
    last_timestamp: int
    config_hash: bytes
    chunk_hash: bytes
    pre_state_root: bytes
    post_state_root: bytes
    parent_block_hash: bytes
    last_block_hash: bytes
    rolling_hash_before: bytes
    rolling_hash_after: bytes
    l2_msg_root: bytes

    @classmethod
    def read(cls, data: bytes) -> ChunkStatement:
        """The kernel's ``ChunkResult``."""
        return cls(**values_of(read_record(ChunkResult, data)))

    @property
    def error(self) -> str:
        """Empty on success."""
        return explain(self.status, self.detail, self.at)


class ChunkExecutor:
    """Runs the chunk program natively."""

    def __init__(self, library: Library, arena_bytes: int = 64 << 30, huge_pages: bool = True) -> None:
        self._run, self._arena = library[execute_chunk], Arena(arena_bytes, huge_pages)

    def execute(self, data: bytes) -> ChunkStatement:
        """Execute an encoded ``ChunkInput``."""
        out = Buffer(ChunkResult.size)
        self._run(Buffer(data), len(data), out, self._arena, self._arena.size)
        self._arena.reset()
        return ChunkStatement.read(bytes(out))
