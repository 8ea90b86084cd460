"""Where batches and chunks end."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.bridge.relayer.errors import SealingError
from jovay.bridge.relayer.sealing import (
    MOST_BLOBS,
    Limits,
    calldata_gas,
    cheaper_in_calldata,
    may_be_full,
    seal,
)
from jovay.bridge.wire import blobs
from jovay.bridge.wire.da import PLAIN, DaData
from jovay.bridge.wire.payload import decode_chunks
from rigs.l2_blocks import MadeBlocks

SMALL = Limits(
    chunk_blocks=3, chunk_gas=500_000, chunk_bytes=20_000, batch_chunks=4, batch_gas=1_500_000, blobs=1
)


def chain_of(sizes: list[int]) -> MadeBlocks:
    """A chain whose blocks carry so many transactions."""
    chain = MadeBlocks()
    for size in sizes:
        chain.add([chain.transaction() for _ in range(size)])
    return chain


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=40), st.integers(0, 40))
def test_what_is_published_is_the_blocks(sizes: list[int], least: int) -> None:
    blocks = chain_of(sizes).blocks[1:]
    least = min(least, len(blocks))
    sealed = seal(blocks, SMALL, least)
    chunks = decode_chunks(sealed.da.payload(), 2)
    assert [block for chunk in chunks for block in chunk.blocks] == [
        b.context for b in blocks[: sealed.count]
    ]
    assert b"".join(chunk.transactions for chunk in chunks) == b"".join(
        block.transactions for block in blocks[: sealed.count]
    )
    assert [(c.blocks[0].number, c.blocks[-1].number) for c in chunks] == list(sealed.chunks)
    assert all(before[1] + 1 == after[0] for before, after in pairwise(sealed.chunks))
    assert least <= sealed.count <= len(blocks)
    assert sealed.full == (sealed.count < len(blocks))
    assert sealed == seal(blocks, SMALL, least)
    for first, last in sealed.chunks:
        held = [block for block in blocks if first <= block.number <= last]
        assert len(held) == 1 or (
            len(held) <= SMALL.chunk_blocks
            and sum(block.gas_used for block in held) <= SMALL.chunk_gas
            and sum(block.size for block in held) <= SMALL.chunk_bytes
        )
    if sealed.count > max(1, least):
        assert len(sealed.chunks) <= SMALL.batch_chunks
        assert sum(block.gas_used for block in blocks[: sealed.count]) <= SMALL.batch_gas


def test_blobs_are_filled_to_the_last_block_that_fits() -> None:
    blocks = chain_of([100] * 40).blocks[1:]  # 11.4 kB each, of noise: 11 in a blob
    limits = Limits(blobs=2)
    sealed = seal(blocks, limits)
    assert blobs.blob_count(sealed.da) == 2
    one_more = seal(blocks[: sealed.count + 1], dataclasses.replace(limits, blobs=6))
    assert one_more.count == sealed.count + 1
    assert blobs.blob_count(one_more.da) == 3


def test_what_is_due_exceeds_the_usual_and_not_what_l1_takes() -> None:
    blocks = chain_of([100] * 80).blocks[1:]
    limits = Limits(blobs=1, batch_gas=10**7)
    usual = seal(blocks, limits)
    assert usual.count < 12
    due = seal(blocks, limits, least=40)
    assert due.count == 40
    assert 1 < blobs.blob_count(due.da) <= MOST_BLOBS
    with pytest.raises(SealingError, match="6 blobs"):
        seal(blocks, limits, least=75)
    large = seal(chain_of([3_000, 1]).blocks[1:], limits)
    assert (large.count, blobs.blob_count(large.da)) == (1, 3)
    with pytest.raises(SealingError):
        seal(chain_of([8_000]).blocks[1:], limits)


def test_what_provers_are_given_bounds_a_chunk() -> None:
    blocks = [
        dataclasses.replace(block, witness_bytes=10, cycles=7) for block in chain_of([1] * 9).blocks[1:]
    ]
    for limits, most in (
        (Limits(chunk_witness=25), 2),
        (Limits(chunk_cycles=21), 3),
        (Limits(chunk_cycles=1), 1),
    ):
        chunks = seal(blocks, limits).chunks
        assert {last - first + 1 for first, last in chunks[:-1]} == {most}


def test_a_proofs_size_bounds_a_batch() -> None:
    blocks = [dataclasses.replace(block, cycles=7) for block in chain_of([1] * 9).blocks[1:]]
    assert seal(blocks, Limits(batch_cycles=21)).count == 3
    assert may_be_full(blocks, Limits(batch_cycles=21))
    too_large = [dataclasses.replace(blocks[0], cycles=22), *blocks[1:]]
    assert seal(too_large, Limits(batch_cycles=21)).count == len(blocks)


def test_data_are_raw() -> None:
    chain = MadeBlocks()
    chain.add([bytes(1_000)])
    assert seal(chain.blocks[1:], Limits()).da.da_version == PLAIN


def test_calldata_where_it_is_cheaper() -> None:
    short, long = DaData(PLAIN, b"\1" * 300), DaData(PLAIN, b"\1" * 3_000)
    gwei = 10**9
    assert cheaper_in_calldata(short, gwei, gwei // 16)
    assert not cheaper_in_calldata(long, gwei, gwei // 16)
    assert cheaper_in_calldata(long, gwei, 100 * gwei)
    assert not cheaper_in_calldata(short, gwei, 1)
    assert not cheaper_in_calldata(DaData(PLAIN, b"\1" * 120_000), 1, gwei)
    assert calldata_gas(DaData(PLAIN, bytes(999))) < calldata_gas(short)


@pytest.mark.parametrize("wrong", [{"blobs": 0}, {"blobs": 7}, {"chunk_gas": 0}])
def test_limits_that_admit_nothing(wrong: dict[str, int]) -> None:
    with pytest.raises(SealingError):
        Limits(**wrong)
