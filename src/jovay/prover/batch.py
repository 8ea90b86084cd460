"""From a committed batch to the statement about it: the kernel's batch program, executed natively."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from jovay.bridge.wire.statement import Statement
from jovay.kernel.programs import verdict
from jovay.kernel.programs.batch import begin_batch, end_batch, execute_part
from jovay.kernel.programs.batch_records import BatchInput, BatchResult
from jovay.native.arena import Arena, Buffer
from jovay.native.library import Library
from jovay.native.records import View, pack, read_record
from jovay.tracer.chunk import witness_part
from jovay.tracer.parts import padded
from jovay.tracer.witness import explain

from .errors import BatchMismatchError, BatchRefusedError, ChunkRefusedError
from .task import BatchTask

#: Address space for a batch beside its chunks' arenas: a record for each of them, and a blob at work.
_OWN_BYTES = 1 << 30
#: What the program compares, and whether it is a number (else 32 bytes).
_COMPARED = {
    verdict.PARENT_BATCH_HASH: ("parent batch hash", False),
    verdict.BATCH_INDEX: ("batch index", True),
    verdict.BATCH_VERSION: ("batch version", True),
    verdict.DATA_HASH: ("data hash", False),
    verdict.BLOB_COUNT: ("number of blobs", True),
    verdict.CHUNK_COUNT: ("number of chunks", True),
    verdict.PRE_STATE_ROOT: ("pre-state root", False),
    verdict.PARENT_BLOCK: ("parent block", False),
    verdict.FIRST_TIME: ("time of a chunk's first block", True),
    verdict.FIRST_L1_MESSAGE: ("first L1 message", True),
    verdict.ROLLING_HASH_BEFORE: ("rolling hash before", False),
    verdict.L1_MSG_ROLLING_HASH: ("L1 message rolling hash", False),
}


def batch_input(task: BatchTask, scale: int = 1) -> bytes:
    """The task as the batch program takes it; ``scale`` 0 for a guest's arenas."""
    data = task.da.calldata
    body = b"".join((padded(data), *task.versioned_hashes, *map(witness_part, task.witnesses)))
    head: dict[str, int | bytes] = {
        "config": task.config.encode(),
        "l1_chain_id": task.l1_chain_id,
        "rollup": task.rollup,
        "parent": task.parent.encode(),
        "header": task.header.encode(),
        "data_size": len(data),
        "blob_count": len(task.versioned_hashes),
        "chunk_count": len(task.witnesses),
        "size": BatchInput.size + len(body),
        "scale": scale,
    }
    return pack(BatchInput, head) + body


class BatchExecutor:
    """Runs the batch program natively, its chunks in an arena for each of ``workers`` threads."""

    def __init__(
        self, library: Library, arena_bytes: int = 64 << 30, huge_pages: bool = True, workers: int = 1
    ) -> None:
        self._begin, self._part, self._end = (
            library[entry] for entry in (begin_batch, execute_part, end_batch)
        )
        self._own, self._arenas = Arena(_OWN_BYTES, huge_pages=False), SimpleQueue[Arena]()
        self._threads = ThreadPoolExecutor(workers, "chunk") if workers > 1 else None
        for _ in range(workers):
            self._arenas.put(Arena(arena_bytes, huge_pages))

    def execute(self, data: bytes) -> View:
        """``BatchResult`` of an encoded input."""
        given, out = Buffer(data), Buffer(BatchResult.size)
        if self._begin(given, len(data), out, self._own, self._own.size) == verdict.OK:
            self._execute_parts(read_record(BatchInput, data).chunk_count)
            self._end(self._own)
        self._own.reset()
        return read_record(BatchResult, bytes(out))

    def _execute_parts(self, count: int) -> None:
        run: Callable[..., object] = self._threads.map if self._threads else map
        for _ in run(self._execute_part, range(count)):  # type: ignore[attr-defined]
            pass

    def _execute_part(self, index: int) -> None:
        arena = self._arenas.get()
        self._part(self._own, index, arena, arena.size)
        arena.reset()
        self._arenas.put(arena)


def state_batch(task: BatchTask, executor: BatchExecutor) -> Statement:
    """What holds of a batch. Raises BatchRefusedError, BatchMismatchError, ChunkRefusedError."""
    found = executor.execute(batch_input(task))
    if found.status == verdict.WRONG_BATCH:
        what, is_number = _COMPARED[found.at]
        claimed, actual = (
            value if is_number else value.to_bytes(32, "big") for value in (found.claimed, found.found)
        )
        raise BatchMismatchError(what, claimed, actual)
    if found.status == verdict.CHUNK_REFUSED:
        refused = found.refused
        raise ChunkRefusedError(found.at, explain(refused.status, refused.detail, refused.at))
    if found.status != verdict.OK:
        raise BatchRefusedError(explain(found.status, found.detail, found.at))
    return _statement(task, found)


def _statement(task: BatchTask, found: View) -> Statement:
    words = [found.openings[at : at + 32] for at in range(0, 64 * found.blob_count, 32)]
    statement = Statement(
        l1_chain_id=task.l1_chain_id,
        rollup=task.rollup,
        l2_chain_id=found.chain_id,
        chain_config_hash=found.config_hash,
        parent_batch_hash=found.parent_batch_hash,
        batch_hash=found.batch_hash,
        pre_state_root=found.pre_state_root,
        post_state_root=found.post_state_root,
        parent_block_hash=found.parent_block_hash,
        last_block_hash=found.last_block_hash,
        last_timestamp=found.last_timestamp,
        l2_msg_root=found.l2_msg_root,
        data_digest=found.data_digest,
        openings=list(zip(words[::2], words[1::2], strict=True)),
    )
    if statement.hash != found.statement_hash:
        raise BatchMismatchError("statement hash", found.statement_hash, statement.hash)
    return statement
