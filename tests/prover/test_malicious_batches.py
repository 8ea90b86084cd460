"""Batches that somebody forged, given to the program that is proven, with all its system calls: it refuses what the
native program refuses, for the same reason, and says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import rlp

from jovay.bridge.wire.blobs import data_hash
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.payload import decode_chunks, encode_chunks
from jovay.kernel.curves.secp256k1 import ORDER
from jovay.kernel.programs import guests, verdict
from jovay.native.emulator import Emulator, Execution
from jovay.native.library import Library
from jovay.prover.batch import BatchExecutor, batch_input
from jovay.prover.task import BatchTask
from jovay.prover.zk.machine.accelerators import ACCELERATORS
from jovay.tracer.guest import Guest
from rigs.proven_batches import batches, published

CYCLES = 1 << 26


@pytest.fixture(scope="module")
def executor(library: Library) -> BatchExecutor:
    return BatchExecutor(library, 1 << 30)


@pytest.fixture(scope="module")
def emulator() -> Emulator:
    return Emulator(Guest(guests.batch, ACCELERATORS).elf)


@pytest.fixture(scope="module")
def task(library: Library) -> BatchTask:
    """The second batch of a chain: two chunks of two blocks."""
    return batches(library, 2, in_blobs=True)[1]


def published_as(task: BatchTask, chunks: Sequence[Chunk]) -> BatchTask:
    """The header names what is published, so that all fits but what is in it."""
    da = DaData.of(2, encode_chunks(chunks, 2))
    hashes, named = published(da, bool(task.versioned_hashes))
    return replace(task, da=da, versioned_hashes=hashes, header=replace(task.header, data_hash=named))


Change = Callable[[BatchTask], BatchTask]


def transaction(change: Callable[[list[int]], None]) -> Change:
    """The first transaction with other fields: chain, nonce, tip, fee, gas, to, value, data, access list; signature."""

    def changed(task: BatchTask) -> BatchTask:
        first, *rest = decode_chunks(task.da.payload(), 2)
        (context, raws), *blocks = first.by_block()
        fields = rlp.decode(raws[0][1:])
        numbers = [
            int.from_bytes(f, "big") if isinstance(f, bytes) and i not in (5, 7) else f
            for i, f in enumerate(fields)
        ]
        change(numbers)
        raws = [raws[0][:1] + rlp.encode(numbers), *raws[1:]]
        return published_as(task, [Chunk.of([(context, raws), *blocks]), *rest])

    return changed


def put(place: int, value: Callable[[int], int]) -> Change:
    def change(fields: list[int]) -> None:
        fields[place] = value(fields[place])

    return transaction(change)


def high_s(fields: list[int]) -> None:
    fields[9], fields[11] = 1 - fields[9], ORDER - fields[11]


def block(**fields: Callable[[int], int]) -> Change:
    """The last block of the first chunk with another context."""

    def changed(task: BatchTask) -> BatchTask:
        first, *rest = decode_chunks(task.da.payload(), 2)
        last = first.blocks[-1]
        other = last._replace(**{name: change(getattr(last, name)) for name, change in fields.items()})
        return published_as(task, [replace(first, blocks=(*first.blocks[:-1], other)), *rest])

    return changed


def witness(place: int, **fields: Callable[..., object]) -> Change:
    def changed(task: BatchTask) -> BatchTask:
        witnesses = list(task.witnesses)
        found = {name: change(getattr(witnesses[place], name)) for name, change in fields.items()}
        witnesses[place] = replace(witnesses[place], **found)  # type: ignore[arg-type]
        return replace(task, witnesses=witnesses)

    return changed


def without_a_transaction(task: BatchTask) -> BatchTask:
    first, *rest = decode_chunks(task.da.payload(), 2)
    (context, raws), *blocks = first.by_block()
    fewer = context._replace(transactions=context.transactions - 1)
    return published_as(task, [Chunk.of([(fewer, raws[1:]), *blocks]), *rest])


def flipped(data: bytes, at: int, bits: int = 1) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


def header(**fields: Callable[..., object]) -> Change:
    def changed(task: BatchTask) -> BatchTask:
        found = {name: change(getattr(task.header, name)) for name, change in fields.items()}
        return replace(task, header=replace(task.header, **found))  # type: ignore[arg-type]

    return changed


FORGED: dict[str, Change] = {
    "another r": put(10, lambda r: r ^ 1),
    "another s": put(11, lambda s: s ^ 1),
    "another parity": put(9, lambda parity: 1 - parity),
    "s of the upper half": transaction(high_s),
    "r = 0": put(10, lambda _: 0),
    "s = 0": put(11, lambda _: 0),
    "r = order": put(10, lambda _: ORDER),
    "r of no point": put(10, lambda _: 5),
    "parity of 2": put(9, lambda _: 2),
    "another chain": put(0, lambda chain: chain + 1),
    "nonce before": put(1, lambda nonce: nonce - 1),
    "nonce beyond": put(1, lambda nonce: nonce + 1),
    "another value": put(6, lambda value: value + 1),
    "less gas than it takes": put(4, lambda _: 20_999),
    "a transaction less": without_a_transaction,
    "another time": block(timestamp=lambda time: time - 100_000),
    "another base fee": block(base_fee=lambda fee: fee + 1),
    "another gas limit": block(gas_limit=lambda limit: limit + 1),
    "another number": block(number=lambda number: number + 1),
    "another sibling": witness(0, multiproof=lambda proof: flipped(proof, -1)),
    "a sibling that is not reduced": witness(0, multiproof=lambda proof: proof[:-4] + b"\xff" * 4),
    "another node": witness(1, multiproof=lambda proof: flipped(proof, len(proof) // 2)),
    "no multiproof": witness(0, multiproof=lambda proof: b""),
    "another parent": witness(0, parent_header=lambda header: flipped(header, 40)),
    "messages in another order": witness(1, l1_messages=lambda messages: list(reversed(messages))),
    "a message less": witness(1, l1_messages=lambda messages: messages[:-1]),
    "a message twice": witness(1, l1_messages=lambda messages: [messages[0], messages[0]]),
    "another message": witness(1, l1_messages=lambda messages: [*messages[:-1], flipped(messages[-1], -1)]),
    "messages from further on": witness(0, first_l1_message=lambda number: number + 1),
    "other messages before": witness(0, rolling_hash=lambda found: flipped(found, 0)),
    "witnesses of each other": lambda task: replace(task, witnesses=task.witnesses[::-1]),
    "a parent batch that is none": header(parent_batch_hash=lambda found: flipped(found, 0)),
    "another index": header(index=lambda index: index + 1),
    "other messages in the header": header(l1_msg_rolling_hash=lambda found: flipped(found, 0)),
    "other data": header(data_hash=lambda found: flipped(found, 0)),
    "another version": header(version=lambda version: 1),
    "the parent of another": lambda task: replace(task, parent=replace(task.parent, data_hash=bytes(32))),
}


def run(emulator: Emulator, task: BatchTask) -> Execution:
    return emulator.run(batch_input(task, scale=0), CYCLES)


def test_the_true_one_is_stated(task: BatchTask, executor: BatchExecutor, emulator: Emulator) -> None:
    found, expected = run(emulator, task), executor.execute(batch_input(task, scale=0))
    assert (found.reason, found.status) == ("exit", verdict.OK)
    assert found.output == expected.statement_hash


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_one_is_refused(
    task: BatchTask, executor: BatchExecutor, emulator: Emulator, name: str
) -> None:
    data = batch_input(FORGED[name](task), scale=0)
    assert data != batch_input(task, scale=0)
    expected, found = executor.execute(data), emulator.run(data, CYCLES)
    assert expected.status != verdict.OK
    assert found.output == b""
    if found.exited:  # there is no proof of a run that does not
        assert found.status == expected.status


def test_other_blobs_are_another_statement(
    task: BatchTask, executor: BatchExecutor, emulator: Emulator
) -> None:
    """Versioned hashes of other data: their openings are not those of these data, which L1 finds out."""
    true = run(emulator, task)
    other = replace(task, versioned_hashes=[flipped(task.versioned_hashes[0], -1)])
    assert run(emulator, other).output == b""
    named = replace(other, header=replace(task.header, data_hash=data_hash(other.versioned_hashes)))
    found = run(emulator, named)
    assert found.exited
    assert found.output not in (b"", true.output)
    assert found.output == executor.execute(batch_input(named, scale=0)).statement_hash
