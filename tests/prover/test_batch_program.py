"""The batch program: it states what Python states of a batch, natively and as RISC-V, and refuses everything else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from random import Random

import pytest

from jovay.bridge.wire import blobs, da
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.payload import LENGTH, decode_chunks, encode_chunks
from jovay.bridge.wire.statement import STATEMENT
from jovay.kernel.accelerated import ACCELERATORS
from jovay.kernel.programs import batch_records, guests, statement, verdict
from jovay.kernel.programs.batch_records import BatchInput
from jovay.kernel.programs.chunk_records import ChunkWitness as Witness
from jovay.native.library import Library
from jovay.native.records import View
from jovay.prover.batch import BatchExecutor, batch_input, state_batch
from jovay.prover.errors import BatchMismatchError, BatchRefusedError, ChunkRefusedError
from jovay.prover.task import BatchTask
from jovay.tracer.chunk import ChunkExecutor, witness_part
from jovay.tracer.guest import Guest
from rigs.compressed import compressed
from rigs.plain_batch import state_plainly, value_at
from rigs.proven_batches import GENESIS, L1_CHAIN_ID, ROLLUP, published, take_chunk
from rigs.real_batch import real_batch
from rigs.settled_chain import CONFIG, COUNTER, SettledChain

WORD = (7).to_bytes(32, "big")


@pytest.fixture(scope="module")
def executor(library: Library) -> BatchExecutor:
    return BatchExecutor(library, 8 << 30)


@pytest.fixture(scope="module")
def plain(library: Library) -> ChunkExecutor:
    return ChunkExecutor(library, 8 << 30)


@pytest.fixture(scope="module")
def guest() -> Guest:
    return Guest(guests.batch)


@pytest.fixture(scope="module")
def accelerated() -> Guest:
    return Guest(guests.batch, ACCELERATORS)


@pytest.fixture(scope="module")
def chain(library: Library) -> Iterator[SettledChain]:
    """Four chunks long, but they are taken by ``chunks``."""
    chain = SettledChain(library)
    yield chain
    chain.close()


def batch_of(
    chain: SettledChain, made: Sequence[tuple[Chunk, object]], version: int, in_blobs: bool
) -> BatchTask:
    """Chunks as the first batch."""
    data = DaData.of(version, encode_chunks([chunk for chunk, _ in made], version))
    hashes, data_hash = published(data, in_blobs)
    before = made[0][1].rolling_hash  # type: ignore[attr-defined]
    parent = dataclasses.replace(GENESIS, l1_msg_rolling_hash=before)
    header = BatchHeader(version, 1, chain.rolling, data_hash, parent.hash)
    witnesses = [witness for _, witness in made]
    return BatchTask(L1_CHAIN_ID, ROLLUP, CONFIG, parent, header, data, hashes, witnesses)  # type: ignore[arg-type]


def chunks(chain: SettledChain, count: int) -> list[tuple[Chunk, object]]:
    made = []
    for n in range(count):
        chain.block(
            [chain.transaction(n % 4, COUNTER, data=WORD * 2), chain.transaction(0, 0xDEAD, n)],
            messages=n % 3,
        )
        chain.block(later=0)
        made.append(take_chunk(chain))
    return made


def test_further_blocks_and_accelerators(
    library: Library, executor: BatchExecutor, accelerated: Guest
) -> None:
    """With accelerators the program states the same. A block with nothing in it is far below 60,000 cycles then."""
    cycles = []
    for count in (1, 11):
        chain = SettledChain(library)
        for _ in range(count):
            chain.block(later=1_000)
        task = batch_of(chain, [take_chunk(chain)], 2, True)
        chain.close()
        output, taken = accelerated.run(batch_input(task))
        assert output == state_batch(task, executor).hash
        cycles.append(taken)
    assert cycles[1] - cycles[0] < 10 * 20_000


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("in_blobs", [True, False])
@pytest.mark.parametrize("count", [1, 3])
def test_it_states_what_python_states(
    chain: SettledChain, executor: BatchExecutor, plain: ChunkExecutor, guest: Guest,
    version: int, in_blobs: bool, count: int,
) -> None:  # fmt: skip
    task = batch_of(chain, chunks(chain, count), version, in_blobs)
    found = state_batch(task, executor)
    assert found == state_plainly(task, plain)
    assert found.last_block_hash == chain.hash
    if version != 1:
        assert guest.run(batch_input(task, scale=0))[0] == found.hash


@pytest.mark.parametrize("count", range(2, 7))
def test_blobs(chain: SettledChain, executor: BatchExecutor, plain: ChunkExecutor, count: int) -> None:
    """As many as L1 takes, the last of them full to the last word, or not."""
    dice, made = Random(count), []
    size = blobs.CAPACITY * count - (blobs.CAPACITY // 2 if count % 2 else 0)
    noise = size // count - 3_000
    for n in range(count):
        chain.block([chain.transaction(n % 4, 0xDEAD, data=dice.randbytes(noise), gas=1 << 23)])
        made.append(take_chunk(chain))
    task = batch_of(chain, made, 2, in_blobs=True)
    assert len(task.versioned_hashes) == count
    assert state_batch(task, executor) == state_plainly(task, plain)


def test_a_batch_of_what_users_do(
    library: Library, executor: BatchExecutor, plain: ChunkExecutor, guest: Guest
) -> None:
    task = real_batch(library)
    found = state_batch(task, executor)
    assert found == state_plainly(task, plain)
    assert found.l2_msg_root != bytes(32)
    output, cycles = guest.run(batch_input(task, scale=0))
    assert output == found.hash
    assert cycles < 12_000_000


def test_the_kernel_has_the_wires_numbers() -> None:
    header = BatchHeader(1, 0x0203, b"\4" * 32, b"\5" * 32, b"\6" * 32).encode()
    assert header[batch_records.VERSION_AT] == 1
    assert header[batch_records.INDEX_AT : batch_records.ROLLING_HASH_AT] == (0x0203).to_bytes(8, "big")
    assert header[batch_records.ROLLING_HASH_AT : batch_records.DATA_HASH_AT] == b"\4" * 32
    assert header[batch_records.DATA_HASH_AT : batch_records.PARENT_HASH_AT] == b"\5" * 32
    assert header[batch_records.PARENT_HASH_AT : batch_records.HEADER] == b"\6" * 32 == header[-32:]
    kinds = batch_records.LEGACY, batch_records.PLAIN, batch_records.ZSTD
    assert kinds == (da.LEGACY, da.PLAIN, da.ZSTD)
    assert (batch_records.PLAIN_HEAD, batch_records.LENGTH) == (1 + da.META, LENGTH)
    assert (statement.CAPACITY, statement.DATA) == (blobs.CAPACITY, blobs.DATA)
    assert int(statement.STATEMENT).to_bytes(32, "big") == STATEMENT


# ---- what is refused


@pytest.fixture(scope="module")
def task(library: Library) -> BatchTask:
    """Two chunks, with messages."""
    chain = SettledChain(library)
    chain.block([chain.transaction(1, COUNTER, data=WORD * 2)], messages=2)
    made = [take_chunk(chain)]
    chain.block([chain.transaction(0, 0xDEAD, 5)], messages=1, later=700)
    made.append(take_chunk(chain))
    chain.close()
    return batch_of(chain, made, 2, in_blobs=True)


def with_data(task: BatchTask, data: DaData, **fields: object) -> BatchTask:
    """Committed as such."""
    hashes, data_hash = published(data, bool(task.versioned_hashes))
    header = dataclasses.replace(task.header, data_hash=data_hash, **fields)  # type: ignore[arg-type]
    return dataclasses.replace(task, da=data, versioned_hashes=hashes, header=header)


def with_payload(task: BatchTask, payload: bytes) -> BatchTask:
    return with_data(task, DaData.of(2, payload))


def test_compressed_data(task: BatchTask, executor: BatchExecutor) -> None:
    with pytest.raises(BatchRefusedError, match="compressed"):
        state_batch(with_data(task, compressed(task.da.payload())), executor)


@pytest.mark.parametrize(
    "change",
    [
        lambda payload: payload + b"\0",
        lambda payload: payload + bytes(4),
        lambda payload: payload[:-1],
        lambda payload: payload[:3],
        lambda payload: b"",
        lambda payload: b"\xff" * 4 + payload[4:],
        lambda payload: bytes(4) + payload,
    ],
)
def test_payloads_that_are_no_chunks(
    task: BatchTask, executor: BatchExecutor, change: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(BatchRefusedError, match=f"at {verdict.IN_PAYLOAD}"):
        state_batch(with_payload(task, change(task.da.payload())), executor)


def test_data_with_another_length(task: BatchTask, executor: BatchExecutor) -> None:
    for kind, data in (
        (da.PLAIN, task.da.data + b"\0"),
        (da.PLAIN, task.da.data[:-1]),
        (da.PLAIN, b"\2\0\0"),
        (da.PLAIN, b"\3" + task.da.data[1:]),
        (da.PLAIN, b"\0" + task.da.data[1:]),
        (3, task.da.data),
    ):
        with pytest.raises(BatchRefusedError, match=f"at {verdict.IN_DATA}"):
            state_batch(with_data(task, DaData(kind, data)), executor)


def test_chunks_that_do_not_follow_each_other(task: BatchTask, executor: BatchExecutor) -> None:
    first, second = decode_chunks(task.da.payload(), 2)
    earlier = second.blocks[0]._replace(timestamp=first.blocks[-1].timestamp - 1)
    early = Chunk((earlier, *second.blocks[1:]), second.transactions)
    with pytest.raises(BatchMismatchError, match="time of a chunk's first block"):
        state_batch(with_payload(task, encode_chunks([first, early], 2)), executor)
    twice = dataclasses.replace(task, witnesses=[task.witnesses[0]] * 2)
    with pytest.raises(BatchMismatchError, match="pre-state root"):
        state_batch(with_payload(twice, encode_chunks([first, first], 2)), executor)
    with pytest.raises(ChunkRefusedError):
        state_batch(
            with_payload(task, encode_chunks([Chunk.of(reversed(list(first.by_block()))), first], 2)),
            executor,
        )


def test_messages(task: BatchTask, executor: BatchExecutor) -> None:
    one, two = task.witnesses[0].l1_messages
    three = task.witnesses[1].l1_messages[0]

    def witnessed(place: int, **fields: object) -> BatchTask:
        witnesses = list(task.witnesses)
        witnesses[place] = dataclasses.replace(witnesses[place], **fields)  # type: ignore[arg-type]
        return dataclasses.replace(task, witnesses=witnesses)

    for messages in ([two, one], [one], [one, two, three], [one, one], []):
        with pytest.raises(ChunkRefusedError, match=r"chunk 0: (.*L1 messages|a transaction)"):
            state_batch(witnessed(0, l1_messages=messages), executor)
    with pytest.raises(BatchMismatchError, match="rolling hash before"):
        state_batch(witnessed(1, rolling_hash=b"\1" * 32), executor)
    with pytest.raises(BatchMismatchError, match="rolling hash before"):
        state_batch(witnessed(0, rolling_hash=b"\1" * 32), executor)
    forged = bytearray(three)
    forged[-1] ^= 1
    with pytest.raises(BatchMismatchError, match="L1 message rolling hash"):
        state_batch(witnessed(1, l1_messages=[bytes(forged)]), executor)


def test_the_order_of_blobs_counts(chain: SettledChain, executor: BatchExecutor) -> None:
    """Versioned hashes the other way round are another header, and openings that these blobs do not have."""
    dice = Random(8)
    chain.block([chain.transaction(0, 0xDEAD, data=dice.randbytes(200_000), gas=1 << 24)])
    task = batch_of(chain, [take_chunk(chain)], 2, in_blobs=True)
    hashes = list(reversed(task.versioned_hashes))
    with pytest.raises(BatchMismatchError, match="data hash"):
        state_batch(dataclasses.replace(task, versioned_hashes=hashes), executor)
    header = dataclasses.replace(task.header, data_hash=blobs.data_hash(hashes))
    turned = state_batch(dataclasses.replace(task, versioned_hashes=hashes, header=header), executor)
    for (z, y), blob in zip(turned.openings, reversed(blobs.to_blobs(task.da)), strict=True):
        assert value_at(blob, z) != y


# ---- input that is no task


def places_of_sizes(task: BatchTask, data: bytes) -> Iterator[tuple[str, int]]:
    """Each size and count in the input, and where it stands."""
    for name in ("data_size", "blob_count", "chunk_count", "size"):
        yield name, BatchInput.fields[name][1]
    at = len(data)
    for witness in reversed(task.witnesses):
        at -= len(witness_part(witness))
        for name, (_, offset) in Witness.fields.items():
            if name not in ("rolling_hash", "first_l1_message"):
                yield name, at + offset


def test_sizes_that_wrap(task: BatchTask, executor: BatchExecutor, guest: Guest) -> None:
    data, small = batch_input(task), batch_input(task, scale=0)
    for name, at in places_of_sizes(task, data):
        for value in (0, 1, 2**31, 2**40, 2**63, 2**64 - 1, 2**64 - 8):
            word = value.to_bytes(8, "little")
            if word == data[at : at + 8]:
                continue
            found = executor.execute(data[:at] + word + data[at + 8 :])
            assert found.status != verdict.OK, (name, value)
            if value == 2**63:
                output, _ = guest.run(small[:at] + word + small[at + 8 :])
                assert output == b""


def test_truncated(task: BatchTask, executor: BatchExecutor) -> None:
    data = batch_input(task)
    for size in (0, 1, BatchInput.size - 1, BatchInput.size, len(data) - 8, len(data) - 1):
        assert executor.execute(data[:size]).status == verdict.MALFORMED
        short = bytearray(data[:size])
        at = BatchInput.fields["size"][1]
        if size >= at + 8:
            short[at : at + 8] = size.to_bytes(8, "little")
        assert executor.execute(bytes(short)).status != verdict.OK
    assert executor.execute(data + bytes(8)).status == verdict.MALFORMED


def test_changed_bytes(task: BatchTask, executor: BatchExecutor) -> None:
    """Refused, or another statement, or in padding."""
    data, dice, same = batch_input(task), Random(11), 0
    truth = executor.execute(data).statement_hash

    def run(changed: bytes) -> View:
        found = executor.execute(changed)
        assert found.status == verdict.OK or found.statement_hash == bytes(32)
        return found

    for _ in range(1_000):
        changed, at = bytearray(data), dice.randrange(len(data))
        if dice.random() < 0.7:
            changed[at] ^= 1 << dice.randrange(8)
        else:
            end = min(at + dice.choice((4, 8, 32)), len(data))
            changed[at:end] = dice.choice((b"\xff", b"\0", b"\x80")) * (end - at)
        if changed != data:
            same += run(bytes(changed)).statement_hash == truth
    assert same < 60


def test_an_arena_that_is_too_small(task: BatchTask, library: Library) -> None:
    assert BatchExecutor(library, 1 << 16).execute(batch_input(task)).status == verdict.CHUNK_REFUSED
