"""What batches cost on L1, wei by wei: by the receipts of all transactions that were sent for them.

Nothing is written down here: receipts lie with the transaction managers (and change there when L1 is reorganised),
bytes with the batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from jovay.bridge.l1.record import Kind
from jovay.bridge.l1.records import L1Receipt
from jovay.bridge.l1.transactions import TxManager
from jovay.bridge.relayer.outbox import claim_of, commit_of
from jovay.bridge.relayer.store import Batch, BatchStore
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.payload import decode_chunks

#: Batches looked at for each whose cost is wanted: others may have sent them, or their claims are not there yet.
_LOOK_BACK = 2


@dataclass(frozen=True, slots=True)
class BatchCost:
    """A batch's cost: gas and blob gas with what was paid for them (wei), of commits and claims, failed ones too.

    ``charged`` are the bytes of transactions that paid for their data on L2, ``published`` those of the DA data,
    ``last_block`` the number of its last L2 block.
    """

    index: int
    gas: int
    gas_fee: int
    blob_gas: int
    blob_fee: int
    charged: int
    published: int
    last_block: int

    @property
    def total(self) -> int:
        """Wei."""
        return self.gas_fee + self.blob_fee


class Costs:
    """The accounts of a relayer. ``kinds``: of the provers whose claims it makes of a batch."""

    def __init__(
        self,
        store: BatchStore,
        commits: TxManager,
        claims: TxManager,
        kinds: Callable[[int], Sequence[Kind]],
    ) -> None:
        self._store, self._commits, self._claims, self._kinds = store, commits, claims, kinds

    def of(self, index: int) -> BatchCost | None:
        """A batch's cost; None until its commit and all of its claims are in blocks, and for one that others sent."""
        batch = self._store.batch(index)
        if batch is None:
            return None
        sent = [self._commits.receipts(commit_of(index))]
        sent += [self._claims.receipts(claim_of(kind, index)) for kind in self._kinds(index)]
        if not all(any(receipt.succeeded for receipt in receipts) for receipts in sent):
            return None
        return _cost(batch, [receipt for receipts in sent for receipt in receipts])

    def recent(self, count: int) -> list[BatchCost]:
        """Of the newest batches those whose cost is known, newest first, at most so many."""
        last = self._store.last_index
        found = map(self.of, range(last, max(0, last - _LOOK_BACK * count), -1))
        return list(islice(filter(None, found), count))

    def spent(self) -> int:
        """Wei that all transactions took so far, whatever they were for."""
        return self._commits.spent() + self._claims.spent()


def _cost(batch: Batch, receipts: Sequence[L1Receipt]) -> BatchCost:
    return BatchCost(
        index=batch.index,
        gas=sum(receipt.gas_used for receipt in receipts),
        gas_fee=sum(receipt.gas_used * receipt.gas_price for receipt in receipts),
        blob_gas=sum(receipt.blob_gas_used for receipt in receipts),
        blob_fee=sum(receipt.blob_gas_used * receipt.blob_gas_price for receipt in receipts),
        charged=charged_bytes(batch.raw.da),
        published=len(batch.raw.da.data),
        last_block=batch.last_block,
    )


@lru_cache(maxsize=256)
def charged_bytes(da: DaData) -> int:
    """Bytes of a batch's transactions as they were signed: for these their senders pay on L2."""
    chunks = decode_chunks(da.payload(), da.batch_version)
    return sum(len(raw) for chunk in chunks for raw in chunk.each_transaction())
