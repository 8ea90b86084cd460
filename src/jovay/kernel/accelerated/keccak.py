"""Keccak-256 by the machine: the state stays in the block of the calls while the message is added to it."""

from ..hashes.keccak import RATE
from ..lang import U64, Ptr, kernel, load8, load64, store64
from ..riscv.calls import KECCAK_F
from .calls import KECCAK_AT, blocks, system_call

TOP = U64(1 << 63)


@kernel(inline=True)
def end_of(data: Ptr, size: U64) -> U64:
    """The last ``size`` bytes, fewer than 8, and the 0x01 behind them, as a lane."""
    lane = U64(1)
    while size != 0:
        size -= 1
        lane = (lane << 8) | load8(data + size)
    return lane


@kernel(inline=False)
def sponge(data: Ptr, size: U64) -> tuple[U64, U64, U64, U64]:
    """``hashes.keccak.sponge``."""
    state = blocks() + KECCAK_AT
    lanes = state + 200
    at = state
    # The state is 0 before the first block, so what there is of that is written, not added.
    first = size if size < RATE else RATE
    end = state + (first & ~U64(7))
    while at != end:
        store64(at, load64(data))
        data += 8
        at += 8
    while at != lanes:
        store64(at, U64(0))
        at += 8
    at = end
    while size >= RATE:
        system_call(KECCAK_F, state)
        size -= RATE
        at = state
        end = state + ((size if size < RATE else RATE) & ~U64(7))
        while at != end:
            store64(at, load64(at) ^ load64(data))
            data += 8
            at += 8
    store64(at, load64(at) ^ end_of(data, size & 7))
    store64(state + 128, load64(state + 128) ^ TOP)
    system_call(KECCAK_F, state)
    return load64(state), load64(state + 8), load64(state + 16), load64(state + 24)
