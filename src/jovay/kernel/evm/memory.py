"""A frame's memory: it lies above its parent's in one arena and only the running frame's can grow."""

from ..lang import U64, U256, Ptr, fill, kernel, unpoison
from ..machine.frame import Frame
from ..machine.machine import Machine
from ..machine.status import ARENA_FULL
from ..protocol.gas import MEMORY, MEMORY_QUADRATIC

#: Offsets and sizes from here on cost more gas than can exist.
TOO_FAR = 1 << 32


@kernel
def memory_gas(words: U64) -> U64:
    """Yellow Paper, appendix H: C_mem."""
    return words * MEMORY + words * words // MEMORY_QUADRATIC


@kernel(inline=True)
def expand(m: Machine, f: Frame, gas: U64, offset: U256, size: U256) -> tuple[bool, U64]:
    """Pay for and zero the memory that ``offset … offset+size`` needs. (False, gas) when it cannot be paid.

    What is paid but does not fit in the arena ends the frame likewise, and the frame's end aborts the transaction.
    """
    if size == 0:
        return True, gas
    if offset >= TOO_FAR or size >= TOO_FAR:
        m.tracing.lacking = U64(0)
        return False, gas
    end = U64(offset) + U64(size)
    if end <= f.memory_size:
        return True, gas
    return grow(m, f, gas, end)


@kernel(inline=False)
def grow(m: Machine, f: Frame, gas: U64, end: U64) -> tuple[bool, U64]:
    words = (end + 31) >> 5
    cost = memory_gas(words) - memory_gas(f.memory_size >> 5)
    if gas < cost:
        m.tracing.lacking = cost
        return False, gas
    size = words << 5
    if f.memory + size > m.calls.memory + m.calls.memory_capacity:
        m.abort = U64(ARENA_FULL)
        return False, gas
    unpoison(m.calls.memory, f.memory + f.memory_size, size - f.memory_size)
    fill(f.memory + f.memory_size, U64(0), size - f.memory_size)
    f.memory_size = size
    return True, gas - cost


@kernel(inline=True)
def words_of(size: U256) -> U64:
    """Words that ``size`` bytes take; huge sizes saturate, so that their price is never affordable."""
    return (U64(size) + 31) >> 5 if size < TOO_FAR else U64(TOO_FAR)


@kernel(inline=True)
def at(f: Frame, offset: U256) -> Ptr:
    """Address of memory already paid for (an unused offset of an empty range may be anything)."""
    return f.memory + U64(offset)
