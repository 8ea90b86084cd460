"""Keccak-256 by the machine: the state stays in the block of the calls while the message is added to it."""

from ..hashes.keccak import RATE
from ..lang import U64, Ptr, kernel, load8, load64, store64
from ..riscv.calls import KECCAK_F
from .calls import KECCAK_AT, blocks, system_call

TOP = U64(1 << 63)


@kernel(inline=False)
def end_of(data: Ptr, size: U64) -> U64:
    """The last ``size`` bytes, fewer than 8, and the 0x01 behind them, as a lane."""
    lane = U64(1)
    while size != 0:
        size -= 1
        lane = (lane << 8) | load8(data + size)
    return lane


@kernel(inline=True)
def clear(state: Ptr) -> None:
    store64(state, U64(0))
    store64(state + 8, U64(0))
    store64(state + 16, U64(0))
    store64(state + 24, U64(0))
    store64(state + 32, U64(0))
    store64(state + 40, U64(0))
    store64(state + 48, U64(0))
    store64(state + 56, U64(0))
    store64(state + 64, U64(0))
    store64(state + 72, U64(0))
    store64(state + 80, U64(0))
    store64(state + 88, U64(0))
    store64(state + 96, U64(0))
    store64(state + 104, U64(0))
    store64(state + 112, U64(0))
    store64(state + 120, U64(0))
    store64(state + 128, U64(0))
    store64(state + 136, U64(0))
    store64(state + 144, U64(0))
    store64(state + 152, U64(0))
    store64(state + 160, U64(0))
    store64(state + 168, U64(0))
    store64(state + 176, U64(0))
    store64(state + 184, U64(0))
    store64(state + 192, U64(0))


@kernel(inline=True)
def absorb(state: Ptr, data: Ptr) -> None:
    """Add a block of the message."""
    store64(state, load64(state) ^ load64(data))
    store64(state + 8, load64(state + 8) ^ load64(data + 8))
    store64(state + 16, load64(state + 16) ^ load64(data + 16))
    store64(state + 24, load64(state + 24) ^ load64(data + 24))
    store64(state + 32, load64(state + 32) ^ load64(data + 32))
    store64(state + 40, load64(state + 40) ^ load64(data + 40))
    store64(state + 48, load64(state + 48) ^ load64(data + 48))
    store64(state + 56, load64(state + 56) ^ load64(data + 56))
    store64(state + 64, load64(state + 64) ^ load64(data + 64))
    store64(state + 72, load64(state + 72) ^ load64(data + 72))
    store64(state + 80, load64(state + 80) ^ load64(data + 80))
    store64(state + 88, load64(state + 88) ^ load64(data + 88))
    store64(state + 96, load64(state + 96) ^ load64(data + 96))
    store64(state + 104, load64(state + 104) ^ load64(data + 104))
    store64(state + 112, load64(state + 112) ^ load64(data + 112))
    store64(state + 120, load64(state + 120) ^ load64(data + 120))
    store64(state + 128, load64(state + 128) ^ load64(data + 128))


@kernel(inline=False)
def sponge(data: Ptr, size: U64) -> tuple[U64, U64, U64, U64]:
    """``hashes.keccak.sponge``."""
    state = blocks() + KECCAK_AT
    clear(state)
    left = size
    while left >= RATE:
        absorb(state, data)
        system_call(KECCAK_F, state)
        data += RATE
        left -= RATE
    at, end = state, state + (left & ~U64(7))
    while at != end:
        store64(at, load64(at) ^ load64(data))
        data += 8
        at += 8
    rest = left & 7
    if rest == 0:
        store64(at, load64(at) ^ 1)
    elif size >= 8:  # the last 8 bytes, of which some are in the lane before
        lane = (load64(data + rest - 8) >> (U64(64) - (rest << 3))) | (U64(1) << (rest << 3))
        store64(at, load64(at) ^ lane)
    else:
        store64(at, load64(at) ^ end_of(data, rest))
    store64(state + 128, load64(state + 128) ^ TOP)
    system_call(KECCAK_F, state)
    return load64(state), load64(state + 8), load64(state + 16), load64(state + 24)
