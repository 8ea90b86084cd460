"""A real batch of a real chain: executed, proven by the zkVM with all its chips, and verified as L1 verifies it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.payload import encode_chunks
from jovay.bridge.wire.statement import Statement
from jovay.native.library import Library
from jovay.prover.errors import ProverError
from jovay.prover.task import BatchTask
from jovay.prover.zk import batch
from jovay.prover.zk.batch import BatchProver, make_prover
from jovay.prover.zk.errors import ZkError
from rigs.proven_batches import GENESIS, L1_CHAIN_ID, ROLLUP, published, take_chunk
from rigs.real_batch import CONFIG, ETHER, RealChain


def small_batch(library: Library) -> BatchTask:
    """One block with one transfer, in a blob."""
    chain = RealChain(library)
    chain.block([chain.transaction(2, int.from_bytes(chain.owners[3], "big"), ETHER, gas=21_000)])
    chunk, witness = take_chunk(chain)
    chain.close()
    da = DaData.of(2, encode_chunks([chunk], 2))
    hashes, data_hash = published(da, True)
    header = BatchHeader(2, 1, chain.rolling, data_hash, GENESIS.hash)
    return BatchTask(L1_CHAIN_ID, ROLLUP, CONFIG, GENESIS, header, da, hashes, [witness])


@dataclass(frozen=True)
class Proven:
    prover: BatchProver
    task: BatchTask
    statement: Statement
    proof: bytes
    told: list[tuple[str, float]]


@pytest.fixture(scope="module")
def proven(library: Library) -> Proven:
    prover, task = make_prover(), small_batch(library)
    told: list[tuple[str, float]] = []
    statement, proof = prover.prove(task.encode(), lambda *what: told.append(what))
    return Proven(prover, task, statement, proof, told)


def test_a_proof_is_of_its_statement_alone(proven: Proven) -> None:
    program, digest = proven.prover.program, proven.statement.hash
    batch.verify(program, digest, proven.proof)
    for other in (bytes(32), bytes([digest[0] ^ 1]) + digest[1:], digest[::-1]):
        with pytest.raises(ZkError):
            batch.verify(program, other, proven.proof)
    for at in (31, 40, 200, len(proven.proof) // 2, len(proven.proof) - 1):
        changed = bytearray(proven.proof)
        changed[at] ^= 1
        with pytest.raises(ZkError):
            batch.verify(program, digest, bytes(changed))
    for cut in (proven.proof[:-32], proven.proof + bytes(32), proven.proof[:31], b""):
        with pytest.raises(ZkError):
            batch.verify(program, digest, cut)


def test_progress_is_told(proven: Proven) -> None:
    shares = [share for _, share in proven.told]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
    assert {"execution", "verification"} < {stage for stage, _ in proven.told}


def test_a_batch_that_is_wrong_is_refused_by_name(proven: Proven) -> None:
    header = replace(proven.task.header, l1_msg_rolling_hash=bytes([1] * 32))
    wrong = replace(proven.task, header=header)
    with pytest.raises(ProverError, match="rolling hash"):
        proven.prover.prove(wrong.encode(), lambda *_: None)
    with pytest.raises(ProverError):
        proven.prover.prove(b"nothing", lambda *_: None)
