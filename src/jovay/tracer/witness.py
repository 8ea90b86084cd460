"""Witnesses: the input of the stateless execution of one block, from what the block touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jovay.kernel.machine.environment import Block
from jovay.kernel.programs import stateless, verdict
from jovay.kernel.programs.stateless import Execution, Witness
from jovay.native.arena import Arena, Buffer
from jovay.native.library import Library
from jovay.native.places import Place
from jovay.native.records import new_record, pack, read_record
from jovay.state.writes import WriteSet

from .parts import sized, state_counts, state_parts

#: What went wrong, by status.
MESSAGES = {
    verdict.BAD_MULTIPROOF: "the multiproof does not lead to the parent's state root",
    verdict.WRONG_VALUE: "a claimed value is not in the state",
    verdict.TABLES_FULL: "the witness does not fit the tables",
    verdict.BAD_TRANSACTION: "a transaction does not decode, or its signature is void",
    verdict.INVALID_TRANSACTION: "a transaction may not be in the block, or the witness lacks a key it needs",
    verdict.RECEIPTS_TOO_LARGE: "the receipts do not fit",
    verdict.INCOMPLETE_TRIE: "the new root needs a part of the trie that the witness lacks",
    verdict.MALFORMED: "the witness is malformed",
    verdict.MISSING_CODE: "the witness lacks the code of an account",
    verdict.MISSING_HASH: "the witness lacks the hash of an earlier block",
    verdict.NO_ROOM: "the arena is too small for the input",
    verdict.MISSING_KEY: "the witness lacks a slot that the configuration names",
    verdict.WRONG_CONTEXT: "a block context is not what follows from parent, time and configuration",
    verdict.WRONG_MESSAGE: "the L1 messages are not the next of the queue, or not as many as the blocks have",
    verdict.WRONG_BATCH: "the batch says something else than what its data and its chunks make true",
    verdict.CHUNK_REFUSED: "a chunk does not execute",
    verdict.COMPRESSED: "the data are compressed, and only raw data can be proven",
}


def explain(status: int, detail: int, at: int) -> str:
    """A program's verdict in words; empty where it is success."""
    if not status:
        return ""
    return f"{MESSAGES.get(status, 'failed')} (status {status}, detail {detail}, at {at})"


@dataclass(frozen=True, slots=True)
class BlockInput:
    """A block as the stateless function takes it; ``block`` is a kernel ``Block`` record, ``hashes`` oldest first."""

    block: bytes
    parent_hash: bytes
    parent_root: bytes
    touched: WriteSet
    multiproof: bytes
    hashes: Sequence[bytes]
    transactions: Sequence[bytes]

    def encode(self, scale: int = 1) -> bytes:
        """The input's bytes."""
        parts = [*state_parts(self.touched, self.multiproof), *self.hashes, *map(sized, self.transactions)]
        body = b"".join(parts)
        head = pack(
            Witness,
            {
                "block": self.block[: Block.size],
                "parent_root": self.parent_root,
                "parent_hash": int.from_bytes(self.parent_hash, "big"),
                **state_counts(self.touched, self.multiproof),
                "hash_count": len(self.hashes),
                "transaction_count": len(self.transactions),
                "size": Witness.size + len(body),
                "scale": scale,
            },
        )
        return head + body


@dataclass(frozen=True, slots=True)
class StatelessResult:
    """Outcome of a stateless execution; ``status`` 0 is success."""

    status: int
    detail: int
    at: int
    gas_used: int
    state_root: bytes
    receipts_root: bytes
    transactions_root: bytes
    bloom: bytes
    inputs: bytes

    @property
    def error(self) -> str:
        """Empty on success."""
        return explain(self.status, self.detail, self.at)


def read_result(data: bytes) -> StatelessResult:
    """The kernel's ``Execution`` record."""
    out = read_record(Execution, data)
    names = (
        "status",
        "detail",
        "at",
        "gas_used",
        "state_root",
        "receipts_root",
        "transactions_root",
        "bloom",
        "inputs",
    )
    return StatelessResult(*(getattr(out, name) for name in names))


class StatelessExecutor:
    """Runs the stateless function natively, as the TEE prover will."""

    def __init__(self, library: Library, arena_bytes: int = 64 << 30, huge_pages: bool = True) -> None:
        self._run = library[stateless.execute_block]
        self._arena = Arena(arena_bytes, huge_pages)

    def execute(self, data: bytes) -> StatelessResult:
        """Execute an encoded ``BlockInput``."""
        return self.execute_at(Buffer(data), len(data))

    def execute_at(self, place: Place, size: int) -> StatelessResult:
        """The same for one that lies in memory; not a byte behind it is read."""
        out = new_record(Execution)
        self._run(place, size, out, self._arena, self._arena.size)
        self._arena.reset()
        return read_result(bytes(out))
