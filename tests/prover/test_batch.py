"""Statements of batches: what holds of an honest one, and that a sequencer that lies is caught."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from random import Random

import pytest
from eth_utils.crypto import keccak

from jovay.bridge.errors import WireError
from jovay.bridge.wire import blobs
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.payload import decode_chunks, encode_chunks
from jovay.native.library import Library
from jovay.prover.batch import BatchExecutor, state_batch
from jovay.prover.errors import BatchMismatchError, ChunkRefusedError, ProverError, TaskFormatError
from jovay.prover.task import BatchTask
from jovay.tracer.chunk import ChunkExecutor
from rigs.plain_batch import state_plainly, value_at
from rigs.proven_batches import GENESIS, published, take_chunk
from rigs.settled_chain import CONFIG, COUNTER, SettledChain


@pytest.fixture(scope="module")
def executor(library: Library) -> BatchExecutor:
    return BatchExecutor(library, 8 << 30)


@pytest.fixture(scope="module")
def plain(library: Library) -> ChunkExecutor:
    return ChunkExecutor(library, 8 << 30)


@pytest.fixture(scope="module")
def chain(library: Library) -> Iterator[SettledChain]:
    chain = SettledChain(library)
    yield chain
    chain.close()


@pytest.fixture(scope="module")
def make(chain: SettledChain) -> Callable[[bool], BatchTask]:
    """A batch of two chunks."""
    word = (7).to_bytes(32, "big")
    chain.block(
        [chain.transaction(0, 0xDEAD, 5), chain.transaction(1, COUNTER, data=word + word)], messages=1
    )
    chain.block([chain.transaction(1, COUNTER, data=word + word)])
    first = take_chunk(chain)
    chain.block(messages=2)
    chain.block([chain.transaction(2, COUNTER, data=word + word)], later=900)
    second = take_chunk(chain)
    da = DaData.of(2, encode_chunks([first[0], second[0]], 2))

    def task(in_blobs: bool) -> BatchTask:
        hashes, data_hash = published(da, in_blobs)
        header = BatchHeader(2, 1, chain.rolling, data_hash, GENESIS.hash)
        return BatchTask(31337, b"\xaa" * 20, CONFIG, GENESIS, header, da, hashes, [first[1], second[1]])

    return task


@pytest.mark.parametrize("in_blobs", [True, False])
def test_an_honest_batch(
    make: Callable[[bool], BatchTask], executor: BatchExecutor, chain: SettledChain, in_blobs: bool
) -> None:
    task = make(in_blobs)
    found = state_batch(task, executor)
    assert (found.last_block_hash, found.post_state_root) == (chain.hash, chain.root)
    assert (found.last_timestamp, found.batch_hash) == (chain.milliseconds, task.header.hash)
    assert found.parent_block_hash == keccak(task.witnesses[0].parent_header)
    assert (found.chain_config_hash, found.data_digest) == (CONFIG.hash, task.da.digest)
    assert len(found.openings) == len(task.versioned_hashes) == int(in_blobs)


def with_data(task: BatchTask, da: DaData) -> BatchTask:
    """The batch of other data, committed as such."""
    hashes, data_hash = published(da, bool(task.versioned_hashes))
    return dataclasses.replace(
        task, da=da, versioned_hashes=hashes, header=dataclasses.replace(task.header, data_hash=data_hash)
    )


def another_parent(task: BatchTask, **fields: object) -> BatchTask:
    """The batch behind another one."""
    parent = dataclasses.replace(task.parent, **fields)  # type: ignore[arg-type]
    header = dataclasses.replace(task.header, parent_batch_hash=parent.hash)
    return dataclasses.replace(task, parent=parent, header=header)


def blob_too_many(task: BatchTask) -> BatchTask:
    """A blob more than the data fill, which the header names, too."""
    hashes = [*task.versioned_hashes, b"\1" * 32]
    header = dataclasses.replace(task.header, data_hash=blobs.data_hash(hashes))
    return dataclasses.replace(task, versioned_hashes=hashes, header=header)


def test_lies_are_caught(
    make: Callable[[bool], BatchTask], executor: BatchExecutor, plain: ChunkExecutor
) -> None:
    task = make(True)
    header = task.header

    def replaced(**fields: object) -> BatchTask:
        return dataclasses.replace(task, header=dataclasses.replace(header, **fields))  # type: ignore[arg-type]

    lies = {
        "data hash": replaced(data_hash=b"\1" * 32),
        "L1 message rolling hash": replaced(l1_msg_rolling_hash=task.witnesses[1].rolling_hash),
        "parent batch hash": replaced(parent_batch_hash=b"\1" * 32),
        "batch index": replaced(index=2),
        "batch version": replaced(version=1),
        "number of chunks": dataclasses.replace(task, witnesses=task.witnesses[:1]),
        "rolling hash before": another_parent(task, l1_msg_rolling_hash=b"\1" * 32),
        "number of blobs": blob_too_many(task),
    }
    for what, lie in lies.items():
        for state in (partial(state_batch, executor=executor), partial(state_plainly, executor=plain)):
            with pytest.raises(BatchMismatchError) as refused:
                state(lie)
            assert refused.value.what == what
    with pytest.raises(ChunkRefusedError, match="chunk 0: "):
        state_batch(dataclasses.replace(task, witnesses=task.witnesses[::-1]), executor)


def test_another_blob_is_another_statement(
    make: Callable[[bool], BatchTask], executor: BatchExecutor
) -> None:
    """Whoever commits a blob that holds other data gets openings that it does not have."""
    task = make(True)
    other = blobs.commitment_of(blobs.to_blobs(DaData.of(0, b""))[0])
    hashes = [blobs.versioned_hash(other)]
    header = dataclasses.replace(task.header, data_hash=blobs.data_hash(hashes))
    lie = dataclasses.replace(task, versioned_hashes=hashes, header=header)
    z, y = state_batch(lie, executor).openings[0]
    assert value_at(blobs.to_blobs(DaData.of(0, b""))[0], z) != y


def test_transactions_left_out_changed_or_turned(
    make: Callable[[bool], BatchTask], executor: BatchExecutor, chain: SettledChain
) -> None:
    """The data decide what is executed: other data are another chain, or none."""
    task = make(False)
    honest = state_batch(task, executor)
    first, second = decode_chunks(task.da.payload(), 2)
    blocks = list(first.by_block())
    context, (one, two) = blocks[0]
    variants = [
        [(context._replace(transactions=2), [two]), blocks[1]],
        [(context, [two, one]), blocks[1]],
        [(context, [one, one]), blocks[1]],
        [(context, [one, two[:-1] + bytes((two[-1] ^ 1,))]), blocks[1]],
        [blocks[0]],
    ]
    for variant in variants:
        da = DaData.of(2, encode_chunks([Chunk.of(variant), second], 2))
        try:
            found = state_batch(with_data(task, da), executor)
        except (ChunkRefusedError, BatchMismatchError, WireError):
            continue
        assert found.last_block_hash != honest.last_block_hash
        pytest.fail("the second chunk does not follow from another first one")


def test_another_configuration(make: Callable[[bool], BatchTask], executor: BatchExecutor) -> None:
    task = make(False)
    for change in ({"gas_limit": 1}, {"chain_id": 5}, {"base_fee": 8}):
        with pytest.raises(ProverError):
            state_batch(dataclasses.replace(task, config=dataclasses.replace(CONFIG, **change)), executor)  # type: ignore[arg-type]
    coinbase = dataclasses.replace(CONFIG, coinbase=5)
    with pytest.raises(ProverError):
        state_batch(dataclasses.replace(task, config=coinbase), executor)


def test_a_task_is_read_as_written(make: Callable[[bool], BatchTask], executor: BatchExecutor) -> None:
    for in_blobs in (True, False):
        task = make(in_blobs)
        read = BatchTask.decode(task.encode())
        assert read.encode() == task.encode()
        assert state_batch(read, executor) == state_batch(task, executor)


def test_damaged_tasks(make: Callable[[bool], BatchTask], executor: BatchExecutor) -> None:
    """Whatever is wrong with its bytes, one of the prover's errors or another statement comes of it."""
    task, dice = make(False), Random(5)
    data, truth = task.encode(), state_batch(task, executor)
    for size in (0, 3, 4, 31, 500, len(data) // 2, len(data) - 1):
        with pytest.raises(TaskFormatError):
            BatchTask.decode(data[:size])
    with pytest.raises(TaskFormatError):
        BatchTask.decode(data + b"\0")
    same = refused = 0
    for _ in range(400):
        changed, at = bytearray(data), dice.randrange(len(data))
        changed[at : at + 8] = dice.choice(
            [bytes([changed[at] ^ 1 << dice.randrange(8)]) + changed[at + 1 : at + 8], b"\xff" * 8, bytes(8)]
        )[: len(data) - at]
        if changed == data:
            continue
        try:
            read = BatchTask.decode(bytes(changed))
            assert read.encode() == bytes(changed)
            same += state_batch(read, executor) == truth
        except (ProverError, WireError):
            refused += 1
    assert refused > 250
    assert same < 25  # padding, and what is not used of a record


def test_chunks_that_are_executed_at_a_time_state_the_same(
    make: Callable[[bool], BatchTask], executor: BatchExecutor, library: Library
) -> None:
    task, several = make(True), BatchExecutor(library, 8 << 30, workers=2)
    assert state_batch(task, several) == state_batch(task, executor)
    second = dataclasses.replace(task.witnesses[1], rolling_hash=b"\1" * 32)
    wrong = dataclasses.replace(task, witnesses=[task.witnesses[0], second])
    with pytest.raises(ProverError) as one:
        state_batch(wrong, several)
    with pytest.raises(ProverError) as other:
        state_batch(wrong, executor)
    assert str(one.value) == str(other.value)
