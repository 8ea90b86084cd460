"""Entries of RISC-V programs: kernel functions behind the convention of ``compiler.riscv.layout``."""

from ..lang import U64, Ptr, kernel, store64
from .chunk import ChunkResult, execute_chunk
from .state_test import Outcome, run_state_test
from .stateless import Execution, execute_block

OUTCOME_SIZE = U64(Outcome.size)
EXECUTION_SIZE = U64(Execution.size)
CHUNK_RESULT_SIZE = U64(ChunkResult.size)


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
    """``execute_chunk``, the program that the zkVM proves; the output is its ``ChunkResult``."""
    store64(output, CHUNK_RESULT_SIZE)
    return execute_chunk(data, size, output + 8, arena, arena_size)
