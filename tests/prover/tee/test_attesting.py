"""What an enclave signs: the statement of an honest batch, and of no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from coincurve import PublicKey
from eth_utils.crypto import keccak

from jovay.native.library import Library
from jovay.prover.batch import state_batch
from jovay.prover.task import BatchTask
from jovay.prover.tee.binding import proof_digest
from jovay.prover.tee.errors import EnclaveRefusedError
from jovay.prover.tee.launch import EnclaveProcess
from jovay.tracer.chunk import ChunkExecutor
from rigs.proven_batches import batches

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
    assert statement == state_batch(batch, ChunkExecutor(library, 8 << 30))
    digest = proof_digest(batch.l1_chain_id, VERIFIER, statement.hash)
    assert signer(signature, digest) == enclave.identity.enclave
    elsewhere = proof_digest(batch.l1_chain_id, b"\x08" * 20, statement.hash)
    assert signer(signature, elsewhere) != enclave.identity.enclave


def test_a_lie_is_refused_with_its_reason_and_it_goes_on(batch: BatchTask, enclave: EnclaveProcess) -> None:
    header = dataclasses.replace(batch.header, l1_msg_rolling_hash=b"\1" * 32)
    with pytest.raises(EnclaveRefusedError, match="L1 message rolling hash") as refused:
        enclave.prove(VERIFIER, dataclasses.replace(batch, header=header).encode())
    assert (refused.value.type, refused.value.final) == ("BatchMismatchError", True)
    assert enclave.prove(VERIFIER, batch.encode())


def test_bytes_that_are_no_task_are_refused(batch: BatchTask, enclave: EnclaveProcess) -> None:
    whole = batch.encode()
    for task in (b"", whole[:-1], whole + b"\0", whole[:50], b"JVB1" + b"\xff" * 200):
        with pytest.raises(EnclaveRefusedError) as refused:
            enclave.prove(VERIFIER, task)
        assert (refused.value.type, refused.value.final) == ("TaskFormatError", True)
    assert enclave.is_alive
