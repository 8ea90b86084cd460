"""The chunk program states the same with accelerators."""

from __future__ import annotations

from jovay.kernel.accelerated import ACCELERATORS
from jovay.native.library import Library
from jovay.tracer.chunk import ChunkExecutor
from jovay.tracer.guest import ChunkGuest
from rigs.settled_chain import COUNTER, HASHER, SettledChain


def test_the_same_statement(library: Library) -> None:
    chain = SettledChain(library)
    word = (7).to_bytes(32, "big")
    chain.block([chain.transaction(0, 0xDEAD, 5), chain.transaction(1, COUNTER, data=word + word)])
    chain.block([chain.transaction(2, HASHER, data=word), chain.transaction(3, 0xBEEF, 1)], messages=2)
    chain.block(later=0)
    given = chain.chunk()
    truth = ChunkExecutor(library, 8 << 30).execute(given.encode(scale=1))
    found, cycles = ChunkGuest(ACCELERATORS).execute(given.encode(scale=0))
    assert truth.error == ""
    assert truth.last_block_hash == chain.hash
    assert found == truth
    assert cycles < 600_000
    chain.close()
