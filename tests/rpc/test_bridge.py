"""jovay_* of settled chains: batches, messages to L1, the data fee, progress, news of finality."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from chain.test_settlement import SETTLEMENT
from jovay.rpc.backend import Backend
from jovay.rpc.backend.events import NewFinality
from jovay.rpc.backend.settlement import BacklogStatus, BatchInfo, BatchStep, SyncStatus, Withdrawal
from rigs.rpc import Rpc, RpcError
from rpc.memory_backend import MemoryBackend
from rpc.serving import ALICE, BOB, Served, serve, transfer
from rpc.sockets import ask, client, heard, run

STEP = BatchStep(b"\1" * 32, 1_700_000_000)
COMMITTED = BatchInfo(index=1, first_block=1, last_block=4, commit=STEP)
ATTESTED = BatchInfo(index=1, first_block=1, last_block=4, commit=STEP, tee=STEP)
PROVEN = BatchInfo(index=1, first_block=1, last_block=4, commit=STEP, tee=STEP, zk=STEP)


@dataclass
class Settled:
    """A settled chain as a test says it is."""

    batches: dict[int, BatchInfo] = field(default_factory=dict)
    messages: dict[int, Withdrawal] = field(default_factory=dict)
    sent: dict[bytes, list[int]] = field(default_factory=dict)
    contracts = SETTLEMENT

    def batch(self, index: int) -> BatchInfo | None:
        return self.batches.get(index)

    def batch_of(self, number: int) -> BatchInfo | None:
        return next((b for b in self.batches.values() if b.first_block <= number <= b.last_block), None)

    def messages_of(self, transaction_hash: bytes) -> list[int]:
        return self.sent.get(transaction_hash, [])

    def withdrawal(self, nonce: int) -> Withdrawal | None:
        return self.messages.get(nonce)

    def l1_fee_per_byte(self) -> int:
        return 7

    def sync(self) -> SyncStatus:
        return SyncStatus(
            l1_head=90, messages_seen=5, messages_executed=4, latest=12, committed=8, attested=4, proven=0,
            backlog=BacklogStatus(blocks=8, bytes=900, most_blocks=100, most_bytes=1_000, stall="full"),
            committed_batch=2, attested_batch=1, proven_batch=0,
        )  # fmt: skip

    def provers(self) -> Any:
        return {"platform": "simulated"}


class SettledBackend(MemoryBackend):
    """A chain in memory that settles."""

    def __init__(self) -> None:
        super().__init__()
        self.settlement = Settled()

    def interfaces(self) -> Backend:
        return Backend(
            chain=self, state=self, pool=self, executor=self, events=self, keccak=super().interfaces().keccak,
            client_version="memory/v0", settlement=self.settlement,
        )  # fmt: skip


@pytest.fixture
def settled() -> Iterator[tuple[Settled, Rpc, Served]]:
    backend = SettledBackend()
    backend.fund(ALICE, 10**21)
    with serve(backend) as served:
        yield backend.settlement, served.rpc(), served


def test_a_chain_that_does_not_settle_says_so(rpc: Rpc) -> None:
    for method in ("jovay_getSettlement", "jovay_syncStatus", "jovay_proverInfo"):
        with pytest.raises(RpcError, match="does not settle on L1"):
            rpc.call(method)


def test_contracts_are_those_of_the_genesis_file(settled) -> None:
    _, rpc, _ = settled
    assert rpc.call("jovay_getSettlement") == SETTLEMENT.to_json()


def test_a_batch_by_its_index_and_by_its_blocks(settled) -> None:
    chain, rpc, _ = settled
    chain.batches[1] = ATTESTED
    found = rpc.call("jovay_getBatch", 1)
    assert found == rpc.call("jovay_getBatch", "0x1")
    assert (found["status"], found["firstBlock"], found["lastBlock"]) == ("attested", "0x1", "0x4")
    assert found["commit"] == {"transactionHash": "0x" + "01" * 32, "timestamp": hex(1_700_000_000)}
    assert found["zk"] is None
    assert rpc.call("jovay_getBatch", 2) is None
    assert rpc.call("jovay_getBatchByBlock", "0x0") is None
    with pytest.raises(RpcError, match="invalid argument 0"):
        rpc.call("jovay_getBatch", "one")


@pytest.mark.parametrize(
    ("batch", "state"),
    [(None, "executed"), (COMMITTED, "committed"), (ATTESTED, "attested"), (PROVEN, "claimable")],
)
def test_a_message_has_the_state_of_its_batch(settled, batch: BatchInfo | None, state: str) -> None:
    chain, rpc, _ = settled
    chain.messages[3] = Withdrawal(
        sender=ALICE, target=BOB, value=5, nonce=3, data=b"", hash=b"\3" * 32, block=2, batch=batch,
        siblings=(b"\4" * 32,) if batch else (), claim=b"claim" if batch else None,
    )  # fmt: skip
    chain.sent[b"\5" * 32] = [3]
    found = rpc.call("jovay_getWithdrawalProof", "0x3")
    assert found["state"] == state
    assert [found] == rpc.call("jovay_getWithdrawalProof", "0x" + "05" * 32)
    if batch is None:
        assert (found["batch"], found["proof"], found["claim"]) == (None, None, None)
    else:
        assert found["proof"] == ["0x" + "04" * 32]
        assert found["claim"] == {"to": "0x" + "02" * 20, "data": "0x" + b"claim".hex()}
    assert rpc.call("jovay_getWithdrawalProof", 4) is None
    assert rpc.call("jovay_getWithdrawalProof", "0x" + "06" * 32) == []


def test_the_data_fee_is_that_of_the_signed_bytes(settled) -> None:
    _, rpc, _ = settled
    raw = transfer(0)
    known = rpc.call("jovay_estimateL1Fee", "0x" + raw.hex())
    assert known == {"feePerByte": "0x7", "bytes": hex(len(raw)), "fee": hex(7 * len(raw))}
    fields = {"from": "0x" + ALICE.hex(), "to": "0x" + BOB.hex(), "value": "0x1"}
    guess = rpc.call("jovay_estimateL1Fee", fields)
    assert len(raw) <= int(guess["bytes"], 16) <= len(raw) + 16


def test_progress_and_provers(settled) -> None:
    _, rpc, _ = settled
    status = rpc.call("jovay_syncStatus")
    assert status["l1Head"] == "0x5a"
    assert status["backlog"] == {
        "blocks": "0x8", "bytes": "0x384", "mostBlocks": "0x64", "mostBytes": "0x3e8", "stall": "full",
    }  # fmt: skip
    assert status["messages"] == {"seen": "0x5", "executed": "0x4"}
    assert status["batches"] == {"committed": "0x2", "attested": "0x1", "proven": "0x0"}
    assert rpc.call("jovay_proverInfo") == {"platform": "simulated"}


@pytest.mark.parametrize("method", ["eth_subscribe", "jovay_subscribe"])
def test_finality_is_told(backend: MemoryBackend, served: Served, method: str) -> None:
    async def listen() -> None:
        async with client(served) as connection:
            identifier = await ask(connection, method, "finality")
            backend.emit(NewFinality(stage="committed", block=9, batch=2, transaction=b"\1" * 32, time=5))
            backend.emit(NewFinality(stage="reverted", block=4))
            assert await heard(connection, identifier) == {
                "stage": "committed",
                "blockNumber": "0x9",
                "batchIndex": "0x2",
                "transactionHash": "0x" + "01" * 32,
                "timestamp": "0x5",
            }
            assert (await heard(connection, identifier))["stage"] == "reverted"

    run(listen)
