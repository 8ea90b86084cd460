"""What an enclave signs: the statement of an honest batch, and of no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from coincurve import PublicKey
from eth_utils.crypto import keccak

from jovay.bridge.wire import blobs
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.payload import decode_chunks, encode_chunks
from jovay.chain.settled import SettledConfig
from jovay.kernel.protocol.forks import CANCUN
from jovay.native.library import Library
from jovay.prover.batch import BatchExecutor, state_batch
from jovay.prover.task import BatchTask
from jovay.prover.tee.binding import proof_digest
from jovay.prover.tee.errors import EnclaveRefusedError
from jovay.prover.tee.launch import EnclaveProcess
from jovay.tracer.chunk_witness import ChunkWitness
from rigs.plain_batch import value_at
from rigs.proven_batches import batches, published

VERIFIER = b"\x07" * 20


@pytest.fixture(scope="module")
def batch(library: Library) -> BatchTask:
    return batches(library)[0]


@pytest.fixture(scope="module")
def enclave() -> Iterator[EnclaveProcess]:
    enclave = EnclaveProcess("simulated")
    yield enclave
    enclave.close()


def signer(signature: bytes, digest: bytes) -> bytes:
    """The address that ``ecrecover`` gives."""
    assert signature[64] in (27, 28)
    key = PublicKey.from_signature_and_message(
        signature[:64] + bytes((signature[64] - 27,)), digest, hasher=None
    )
    return keccak(key.format(compressed=False)[1:])[12:]


def test_an_honest_batch_is_signed_by_the_key_that_the_quote_shows(
    batch: BatchTask, enclave: EnclaveProcess, library: Library
) -> None:
    statement, signature = enclave.prove(VERIFIER, batch.encode())
    assert statement == state_batch(batch, BatchExecutor(library, 8 << 30))
    digest = proof_digest(batch.l1_chain_id, VERIFIER, statement.hash)
    assert signer(signature, digest) == enclave.identity.enclave
    elsewhere = proof_digest(batch.l1_chain_id, b"\x08" * 20, statement.hash)
    assert signer(signature, elsewhere) != enclave.identity.enclave


def test_a_lie_is_refused_with_its_reason_and_it_goes_on(batch: BatchTask, enclave: EnclaveProcess) -> None:
    header = replace(batch.header, l1_msg_rolling_hash=b"\1" * 32)
    with pytest.raises(EnclaveRefusedError, match="L1 message rolling hash") as refused:
        enclave.prove(VERIFIER, replace(batch, header=header).encode())
    assert (refused.value.type, refused.value.final) == ("BatchMismatchError", True)
    assert enclave.prove(VERIFIER, batch.encode())


def test_bytes_that_are_no_task_are_refused(batch: BatchTask, enclave: EnclaveProcess) -> None:
    whole = batch.encode()
    for task in (b"", whole[:-1], whole + b"\0", whole[:50], b"JVB1" + b"\xff" * 200):
        with pytest.raises(EnclaveRefusedError) as refused:
            enclave.prove(VERIFIER, task)
        assert (refused.value.type, refused.value.final) == ("TaskFormatError", True)
    assert enclave.is_alive


def refusal(enclave: EnclaveProcess, task: BatchTask) -> str:
    with pytest.raises(EnclaveRefusedError) as refused:
        enclave.prove(VERIFIER, task.encode())
    assert refused.value.final
    return str(refused.value)


def changed(value: Any) -> Any:
    """Something else of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ 1
    if isinstance(value, bytes):
        return value[:-1] + bytes((value[-1] ^ 1,))
    first, *rest = value
    return type(value)((changed(first), *rest))


def with_header(task: BatchTask, **fields: Any) -> BatchTask:
    return replace(task, header=replace(task.header, **fields))


def with_witness(task: BatchTask, place: int = 0, **fields: Any) -> BatchTask:
    witnesses = list(task.witnesses)
    witnesses[place] = replace(witnesses[place], **fields)
    return replace(task, witnesses=witnesses)


def committed(task: BatchTask, first: list[tuple[Any, list[bytes]]]) -> BatchTask:
    """The batch as a sequencer commits it that lies about the blocks of its first chunk."""
    _, second = decode_chunks(task.da.payload(), 2)
    da = DaData.of(2, encode_chunks([Chunk.of(first), second], 2))
    hashes, data_hash = published(da, in_blobs=True)
    return with_header(replace(task, da=da, versioned_hashes=hashes), data_hash=data_hash)


@pytest.mark.parametrize("name", BatchHeader.__slots__)
def test_every_field_of_the_header(batch: BatchTask, enclave: EnclaveProcess, name: str) -> None:
    assert refusal(enclave, with_header(batch, **{name: changed(getattr(batch.header, name))}))


@pytest.mark.parametrize("name", BatchHeader.__slots__)
def test_every_field_of_the_parent(batch: BatchTask, enclave: EnclaveProcess, name: str) -> None:
    parent = replace(batch.parent, **{name: changed(getattr(batch.parent, name))})
    assert "parent batch hash" in refusal(enclave, replace(batch, parent=parent))


# Under EIP-1559 the least fee is the fixed one: the same blocks, and another hash in the statement.
@pytest.mark.parametrize("name", sorted({*SettledConfig.__slots__} - {"base_fee_rule"}))
def test_every_field_of_the_configuration(batch: BatchTask, enclave: EnclaveProcess, name: str) -> None:
    value = getattr(batch.config, name)
    changes = [((0, CANCUN),), ((1 << 63, value[0][1]),)] if name == "forks" else [changed(value)]
    for change in changes:
        other = replace(batch, config=replace(batch.config, **{name: change}))
        assert refusal(enclave, other), change


@pytest.mark.parametrize("name", ChunkWitness.__slots__)
@pytest.mark.parametrize("place", [0, 1])
def test_every_field_of_a_witness(batch: BatchTask, enclave: EnclaveProcess, name: str, place: int) -> None:
    value = getattr(batch.witnesses[place], name)
    if name == "hashes":
        change: Any = [(1, b"\1" * 32)]
    elif name == "touched":
        accounts = value.accounts.copy()
        accounts["balance"][0] = b"\1".ljust(32, b"\0")
        change = replace(value, accounts=accounts)
    else:
        change = changed(value)
    assert refusal(enclave, with_witness(batch, place, **{name: change}))


def test_every_value_of_the_state(batch: BatchTask, enclave: EnclaveProcess) -> None:
    """Slots, balances, nonces and code, one by one; and each of them left out."""
    touched = batch.witnesses[0].touched
    lies = []
    for kind, records in (("accounts", touched.accounts), ("slots", touched.slots)):
        fields = ("balance", "nonce", "code_hash", "exists") if kind == "accounts" else ("value",)
        for number in range(len(records)):
            lies.append((f"{kind} without {number}", {kind: np.delete(records, number)}))
            for name in fields:
                other = records.copy()
                raw = bytearray(other[name][number].tobytes())
                raw[0] ^= 1
                other[name][number] = np.frombuffer(bytes(raw), other.dtype[name])[0]
                lies.append((f"{name} of {kind} {number}", {kind: other}))
    for number, code in enumerate(touched.codes):
        rest = [one for place, one in enumerate(touched.codes) if place != number]
        lies.append((f"without code {number}", {"codes": rest}))
        lies.append((f"code {number}", {"codes": [*rest, changed(code)]}))
    honest = enclave.prove(VERIFIER, batch.encode())[0]
    signed = []
    for what, change in lies:
        lie = with_witness(batch, touched=replace(touched, **change))
        try:
            found = enclave.prove(VERIFIER, lie.encode())[0]
        except EnclaveRefusedError:
            continue
        if found != honest:  # a key that nothing reads may be left out
            signed.append(what)
    assert signed == []
    assert enclave.is_alive


def test_transactions_left_out_altered_or_turned(batch: BatchTask, enclave: EnclaveProcess) -> None:
    first, _ = decode_chunks(batch.da.payload(), 2)
    blocks = list(first.by_block())
    context, (one, two) = blocks[0]
    for lie in (
        [(context._replace(transactions=2), [two]), *blocks[1:]],
        [(context, [two, one]), *blocks[1:]],
        [(context, [one, one]), *blocks[1:]],
        [(context, [one, changed(two)]), *blocks[1:]],
        [(context._replace(timestamp=context.timestamp - 1000), [one, two]), *blocks[1:]],
        [(context._replace(base_fee=8), [one, two]), *blocks[1:]],
        [(context._replace(gas_limit=1), [one, two]), *blocks[1:]],
        [(context._replace(spec_version=context.spec_version - 1), [one, two]), *blocks[1:]],
        blocks[:1],
    ):
        assert refusal(enclave, committed(batch, lie)).startswith(("ChunkRefused", "BatchMismatch", "Wire"))


def test_messages_that_l1_did_not_send(batch: BatchTask, enclave: EnclaveProcess) -> None:
    witness = batch.witnesses[0]
    assert refusal(enclave, with_witness(batch, l1_messages=[changed(witness.l1_messages[0])]))
    assert refusal(enclave, with_witness(batch, l1_messages=[]))
    assert refusal(enclave, with_witness(batch, l1_messages=[*witness.l1_messages, *witness.l1_messages]))
    assert "chunk 1" in refusal(
        enclave, with_witness(batch, 1, l1_messages=batch.witnesses[1].l1_messages[::-1])
    )
    skipped = with_header(batch, l1_msg_rolling_hash=batch.witnesses[1].rolling_hash)
    assert "L1 message rolling hash" in refusal(enclave, skipped)


def test_data_that_are_not_those_of_the_blobs(batch: BatchTask, enclave: EnclaveProcess) -> None:
    assert "data hash" in refusal(enclave, replace(batch, versioned_hashes=[b"\1" * 32]))
    assert "data hash" in refusal(enclave, replace(batch, versioned_hashes=[]))
    twice = [*batch.versioned_hashes, *batch.versioned_hashes]
    both = with_header(replace(batch, versioned_hashes=twice), data_hash=blobs.data_hash(twice))
    assert "number of blobs" in refusal(enclave, both)


def test_another_blob_is_another_statement(batch: BatchTask, enclave: EnclaveProcess) -> None:
    """Whoever commits a blob that holds other data gets openings that it does not have: L1 finds out."""
    blob = blobs.to_blobs(DaData.of(0, b""))[0]
    hashes = [blobs.versioned_hash(blobs.commitment_of(blob))]
    lie = with_header(replace(batch, versioned_hashes=hashes), data_hash=blobs.data_hash(hashes))
    ((z, y),) = enclave.prove(VERIFIER, lie.encode())[0].openings
    assert value_at(blob, z) != y


def test_another_chain_is_another_statement(batch: BatchTask, enclave: EnclaveProcess) -> None:
    """An enclave does not know which contract asks: the statement says it, and L1 puts in its own."""
    honest = enclave.prove(VERIFIER, batch.encode())[0]
    for name in ("l1_chain_id", "rollup"):
        other = replace(batch, **{name: changed(getattr(batch, name))})
        assert enclave.prove(VERIFIER, other.encode())[0] == replace(
            honest, **{name: changed(getattr(honest, name))}
        )


def test_changed_bytes_anywhere_in_a_task(batch: BatchTask, enclave: EnclaveProcess) -> None:
    """They are refused or change nothing; or the statement is of other data, which the committed blob does not hold."""
    honest, whole, random = enclave.prove(VERIFIER, batch.encode())[0], batch.encode(), Random(8)
    (blob,) = blobs.to_blobs(batch.da)
    for _ in range(200):
        at, bit = random.randrange(len(whole)), 1 << random.randrange(8)
        task = bytearray(whole)
        task[at] ^= bit
        try:
            found = enclave.prove(VERIFIER, bytes(task))[0]
        except EnclaveRefusedError:
            continue
        if found.data_digest != honest.data_digest:
            ((z, y),) = found.openings
            assert value_at(blob, z) != y
            found = replace(found, data_digest=honest.data_digest, openings=honest.openings)
        assert replace(found, l1_chain_id=honest.l1_chain_id, rollup=honest.rollup) == honest, (at, bit)
    assert enclave.is_alive
