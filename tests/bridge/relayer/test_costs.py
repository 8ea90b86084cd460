"""The accounts: what receipts say, of all that was sent for a batch, as L1 has it now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.record import Kind
from jovay.bridge.l1.transactions import Policy, Request, TxManager
from jovay.bridge.relayer.costs import BatchCost, Costs
from jovay.bridge.relayer.store import Batch, BatchStore, RawData
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.block_context import BlockContext
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.payload import encode_chunks
from rigs.simulated_l1 import GWEI, SimulatedL1

ROLLUP = b"\xaa" * 20
GAS = 21_000
POLICY = Policy(preflight=False, confirmations=5)


def batch(index: int, *transactions: bytes) -> Batch:
    context = BlockContext(3, index, 1_000 * index, 7, 10**8, len(transactions) + 1, 1)
    chunk = Chunk.of([(context, transactions)])
    da = DaData.of(2, encode_chunks([chunk], 2))
    header = BatchHeader(2, index, bytes(32), bytes(32), bytes((index,)) * 32)
    return Batch(RawData(header, da, ()), ((index, index),), index, bytes(32), 1_000 * index)


class Books:
    """A relayer's two accounts on L1."""

    def __init__(self, folder: Path) -> None:
        self.l1 = SimulatedL1()
        self.store = BatchStore(folder / "batches", ROLLUP, 31_337)
        self.commits, self.claims = (
            TxManager(self.l1, RawKey(bytes(31) + bytes((number,))), folder / f"{number}", POLICY)
            for number in (1, 2)
        )
        self.costs = Costs(self.store, self.commits, self.claims, kinds=lambda _: [Kind.TEE])

    def send(self, manager: TxManager, what: str, to: bytes = ROLLUP) -> None:
        manager.send(Request(to, b"", f"{what} #0", gas=100_000))
        self.step()

    def step(self) -> None:
        for _ in range(2):
            self.commits.step()
            self.claims.step()
            self.l1.mine()
        self.commits.step()
        self.claims.step()


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    made = Books(tmp_path)
    yield made
    for part in (made.store, made.commits, made.claims):
        part.close()


def test_a_batch_costs_what_was_paid_for_it(books: Books) -> None:
    books.store.add(batch(1, b"\x02" * 110, b"\xf8" + b"\x01" * 89))
    books.store.add(batch(2))
    assert books.costs.of(3) is None
    books.l1.doomed = {b"\xbb" * 20: b""}
    books.send(books.commits, "commit batch 1 0xaa", to=b"\xbb" * 20)  # it is mined, and reverts
    assert books.costs.of(1) is None
    books.send(books.commits, "commit batch 1 0xcc")
    books.send(books.commits, "commit batch 11 0xcc")  # another batch
    assert books.costs.of(1) is None
    books.l1.gas_price = 3 * GWEI
    books.send(books.claims, "claim 1 of batch 1 0xcc")
    cost = books.costs.of(1)
    assert cost == BatchCost(1, 3 * GAS, (2 + 3) * GAS * GWEI, 0, 0, 200, cost.published if cost else 0, 1)
    assert books.costs.recent(5) == [cost]
    assert books.costs.spent() == cost.total + GAS * GWEI


def test_a_reorganisation_changes_the_books(books: Books) -> None:
    books.store.add(batch(1, b"\x02" * 110))
    books.send(books.commits, "commit batch 1 0xcc")
    books.send(books.claims, "claim 1 of batch 1 0xcc")
    before = books.costs.of(1)
    assert before is not None
    books.l1.reorg(4, lost=True, length=4)
    books.commits.step()
    assert books.costs.of(1) is None
    books.l1.gas_price = 9 * GWEI // 8
    books.step()
    after = books.costs.of(1)
    assert after is not None
    assert after.total == before.total * 9 // 8
