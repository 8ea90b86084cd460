"""From blocks to claims, on an L1 of anvil's: what the relayer does when others do something too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jovay.bridge.l1.batches import GENESIS_BATCH
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.record import Kind
from jovay.bridge.relayer.blocks import chunk_of
from jovay.bridge.relayer.claims import encode_proof
from jovay.bridge.relayer.controller import Proof
from jovay.bridge.relayer.store import Batch, RawData
from jovay.bridge.wire import blobs
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.payload import encode_chunks
from rigs.l2_blocks import MadeBlocks
from rigs.paths import MissingToolError
from rigs.relayed_l1 import COMMITTER, DAY, HOUR, MadeProofs, RelayedL1, mined_by_hand
from rigs.relayer import SteppedRelayer


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    try:
        with mined_by_hand() as url:
            yield url
    except MissingToolError as missing:
        pytest.skip(str(missing))


class Settled:
    """A made-up chain, its contracts and its provers."""

    def __init__(self, url: str, folder: Path) -> None:
        self.chain = MadeBlocks(start_ms=int(time.time() * 1000) - 60_000)
        self.l1 = RelayedL1(url, self.chain.blocks[0].hash)
        self.proofs = MadeProofs(self.l1, self.chain)
        self.folder = folder
        self.relayers = 0

    def relayer(self, name: str = "relayer", age: float = 0.0, idle: float = 0.0) -> SteppedRelayer:
        return SteppedRelayer(
            self.l1, self.chain, self.proofs, self.folder / name, age=age, idle=max(age, idle)
        )

    def blocks(self, count: int, messages: int = 0) -> None:
        """So many blocks, so many L1 messages in the first of them."""
        hashes = [self.l1.send_message() for _ in range(messages)]
        for _ in range(count):
            self.chain.add([self.chain.transaction() for _ in range(3)], hashes, later_ms=50)
            hashes = []

    def until(self, relayer: SteppedRelayer, done: Callable[[], bool], turns: int = 40) -> list[str]:
        """Turn and mine until ``done``; what went wrong on the way."""
        problems: list[str] = []
        for _ in range(turns):
            if done():
                return problems
            problems += relayer.turn()
            self.l1.mine()
        raise AssertionError(f"not done: {self.l1.reader.state()}, {problems}")

    def until_final(self, relayer: SteppedRelayer, block: int | None = None) -> list[str]:
        """Until L1 has the chain's last block, or this one, in a final batch."""
        number = self.chain.last.number if block is None else block

        def done() -> bool:
            batch = relayer.store.batch(self.l1.reader.state().finalized)
            return batch is not None and batch.last_block >= number

        problems = self.until(relayer, done)
        self.check(relayer)
        return problems

    def check(self, relayer: SteppedRelayer) -> None:
        """The store has what L1 has, and it is the whole chain in order."""
        state, before = self.l1.reader.state(), 0
        for index in range(1, state.committed + 1):
            batch = relayer.store.batch(index)
            assert batch is not None
            assert batch.hash == self.l1.reader.batch_hash(index, state)
            assert batch.first_block == before + 1
            before = batch.last_block
            assert batch.next_message == self.chain.blocks[before].next_l1_message
            assert batch.last_block_hash == self.chain.blocks[before].hash


@pytest.fixture
def settled(url: str, tmp_path: Path) -> Settled:
    return Settled(url, tmp_path)


def test_blocks_become_final_claims(settled: Settled) -> None:
    relayer = settled.relayer()
    settled.blocks(20, messages=3)
    assert settled.until_final(relayer) == []
    first = relayer.store.batch(1)
    assert first is not None
    assert first.chunks == ((1, 4), (5, 8))
    transaction = settled.l1.client.transaction(first.raw.l1_transaction)
    assert transaction is not None
    assert transaction.versioned_hashes == first.raw.versioned_hashes
    assert blobs.from_blobs(blobs.to_blobs(first.raw.da)) == first.raw.da
    status = relayer.relayer.progress.status()
    assert (status["committed"], status["finalized"], status["backlog"], status["failing_steps"]) == (
        3,
        3,
        0,
        0,
    )
    relayer.close()


def test_nothing_is_sealed_before_its_time(settled: Settled) -> None:
    relayer = settled.relayer(age=3_600.0)
    settled.blocks(5)
    for _ in range(3):
        assert relayer.turn() == []
        settled.l1.mine()
    assert relayer.store.last_index == 0
    settled.blocks(5)  # now a batch is full
    settled.until_final(relayer, block=8)
    assert relayer.store.last_index == 1
    relayer.close()


def test_blocks_that_carry_nothing_wait(settled: Settled) -> None:
    relayer = settled.relayer(idle=3_600.0)
    settled.chain.add()
    assert relayer.turn() == []
    assert relayer.store.last_index == 0
    settled.blocks(1)
    assert settled.until_final(relayer) == []
    assert relayer.store.last_index == 1
    relayer.close()


def test_garbage_by_the_same_key_is_not_taken_over(settled: Settled) -> None:
    """Whoever has the key commits data that are not this chain's: nothing follows until they are reverted."""
    relayer = settled.relayer()
    settled.blocks(3)
    chunk = Chunk((settled.chain.blocks[1].context, settled.chain.blocks[3].context._replace(number=2)))
    da = DaData.of(2, encode_chunks([chunk], 2))
    rollup = settled.l1.rollup
    header = BatchHeader(2, 1, bytes(32), da.digest, GENESIS_BATCH.hash)
    data = rollup.encode("commitBatchWithDaProof", header.encode(), 0, da.calldata)
    settled.l1.send(rollup.address, data, sender=RawKey(COMMITTER).address)
    assert settled.l1.reader.state().committed == 1
    assert any("is not of this chain" in problem for problem in relayer.turn())
    assert relayer.store.last_index == 0
    settled.l1.revert_to(0)
    settled.until_final(relayer)
    relayer.close()


def test_a_chain_that_goes_back_is_cut_anew(settled: Settled) -> None:
    """A batch that was made and not sent is dropped; one that L1 has cannot be gone on from."""
    relayer = settled.relayer()
    settled.blocks(6)
    manager = relayer.relayer.commits
    send, manager.send = manager.send, lambda request: None  # type: ignore[method-assign]
    assert relayer.turn() == []
    assert relayer.store.last_index == 1
    manager.send = send  # type: ignore[method-assign]
    settled.chain.rewind(2)
    settled.blocks(4)
    assert settled.until_final(relayer) == []
    settled.chain.rewind(5)
    settled.blocks(2)
    assert any("another one in the node" in problem for problem in relayer.turn())
    relayer.close()


def test_a_lost_store_is_read_from_l1(settled: Settled) -> None:
    relayer = settled.relayer()
    settled.blocks(18, messages=2)
    settled.until_final(relayer)
    relayer.close()
    other = settled.relayer("elsewhere")
    settled.blocks(3)
    assert settled.until_final(other) == []
    other.close()
    # and the first one finds what the other has done
    relayer = settled.relayer()
    settled.blocks(3)
    assert settled.until_final(relayer) == []
    relayer.close()


def test_what_is_reverted_is_committed_again(settled: Settled) -> None:
    relayer = settled.relayer()
    settled.blocks(20, messages=2)
    settled.until(relayer, lambda: settled.l1.reader.state().committed == 3)
    finalized = settled.l1.reader.state().finalized
    settled.l1.revert_to(finalized)
    assert settled.l1.reader.state().committed == finalized < 3
    problems = settled.until_final(relayer)
    assert any("taken back" in problem for problem in problems)
    relayer.close()


def test_a_wrong_proof_is_not_sent(settled: Settled) -> None:
    relayer = settled.relayer()
    settled.blocks(3)
    settled.until(relayer, lambda: settled.l1.reader.state().committed == 1)
    settled.proofs.lies = [
        {"last_block_hash": b"\1" * 32},
        {"openings": []},
        {"post_state_root": b"\1" * 32, "chain_config_hash": b"\1" * 32},
        {"data_digest": b"\1" * 32},
    ]
    nonce = settled.l1.client.nonce(relayer.relayer.claims.address)
    problems = settled.until_final(relayer)
    assert len(settled.proofs.again) == 4
    assert sum(problem.count("the proof of batch 1 is refused") for problem in problems) == 4
    assert settled.l1.client.nonce(relayer.relayer.claims.address) == nonce + 2
    relayer.close()


def test_overdue_messages_are_in_the_next_batch(settled: Settled) -> None:
    relayer = settled.relayer(age=10**6)
    settled.blocks(3)
    settled.blocks(10, messages=2)
    settled.l1.client.call("evm_increaseTime", HOUR)
    settled.l1.mine()
    settled.until(relayer, lambda: settled.l1.reader.state().committed == 1)
    batch = relayer.store.batch(1)
    assert batch is not None
    assert batch.next_message == 2
    relayer.close()


def test_a_batch_that_anyone_committed_is_taken_over(tmp_path: Path) -> None:
    """After T1, with both proofs, as calldata: the relayer comes back and goes on behind it."""
    with mined_by_hand() as url:
        settled = Settled(url, tmp_path)
        chain, l1 = settled.chain, settled.l1
        settled.blocks(2, messages=1)
        chain.add([chain.transaction()], later_ms=3 * DAY * 1_000)
        l1.client.call("evm_increaseTime", 3 * DAY + HOUR // 60)
        l1.mine()
        da = DaData.of(2, encode_chunks([chunk_of(chain.blocks[1:])], 2))
        rolled = chain.last.rolling_hash
        header = BatchHeader(2, 1, rolled, da.digest, GENESIS_BATCH.hash)
        batch = Batch(RawData(header, da, ()), ((1, 3),), 1, chain.last.hash, chain.last.context.timestamp)
        settled.proofs.prove(batch, GENESIS_BATCH, ())
        found = settled.proofs.proof(batch, Kind.TEE)
        assert isinstance(found, Proof)
        proof = encode_proof(found, [])
        root = found.statement.post_state_root
        arguments = 2, 1, da.calldata, root, bytes(32), proof, proof
        l1.call(l1.rollup.address, l1.rollup.encode("commitAndVerify", *arguments))
        assert l1.reader.state().finalized == 1

        relayer = settled.relayer()
        settled.blocks(8)
        assert settled.until_final(relayer) == []
        assert relayer.store.hash_of(1) == header.hash
        relayer.close()
