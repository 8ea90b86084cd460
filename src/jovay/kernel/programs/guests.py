"""Entries of RISC-V programs: kernel functions behind the convention of ``compiler.riscv.layout``."""

from ..lang import U64, Ptr, copy, kernel, store64
from .batch import execute_batch
from .batch_records import BatchResult
from .chunk import execute_chunk
from .chunk_records import ChunkResult
from .state_test import Outcome, run_state_test
from .stateless import Execution, execute_block
from .verdict import NO_ROOM, OK

OUTCOME_SIZE = U64(Outcome.size)
EXECUTION_SIZE = U64(Execution.size)
CHUNK_RESULT_SIZE = U64(ChunkResult.size)
BATCH_RESULT_SIZE = U64(BatchResult.size)


@kernel
def state_test(data: Ptr, size: U64, output: Ptr, arena: Ptr, arena_size: U64) -> U64:
    """``run_state_test``; the output is its ``Outcome``."""
    store64(output, OUTCOME_SIZE)
    return run_state_test(data, size, output + 8, arena, arena_size)


@kernel
def block(data: Ptr, size: U64, output: Ptr, arena: Ptr, arena_size: U64) -> U64:
    """``execute_block``; the output is its ``Execution``."""
    store64(output, EXECUTION_SIZE)
    return execute_block(data, size, output + 8, arena, arena_size)


@kernel
def chunk(data: Ptr, size: U64, output: Ptr, arena: Ptr, arena_size: U64) -> U64:
    """``execute_chunk``; the output is its ``ChunkResult``."""
    store64(output, CHUNK_RESULT_SIZE)
    return execute_chunk(data, size, output + 8, arena, arena_size)


@kernel
def batch(data: Ptr, size: U64, output: Ptr, arena: Ptr, arena_size: U64) -> U64:
    """``execute_batch``, the program that the zkVM proves; the output is the statement's hash, or nothing."""
    if arena_size < BATCH_RESULT_SIZE + 64:
        return U64(NO_ROOM)
    result, taken = BatchResult(arena), (BATCH_RESULT_SIZE + 63) & ~U64(63)
    how = execute_batch(data, size, arena, arena + taken, arena_size - taken)
    if how == OK:
        store64(output, U64(32))
        copy(output + 8, result.statement_hash, U64(32))
    return how
