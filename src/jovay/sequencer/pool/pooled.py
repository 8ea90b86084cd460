"""Transactions of the pool as Python sees them: one by one where somebody asks, as columns where a block takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, overload

import numpy as np
import numpy.typing as npt

from jovay.kernel.transaction.record import TRANSACTION_SIZE
from jovay.native.records import int_of
from jovay.sequencer.portal import DecodedBatch

U64Array = npt.NDArray[np.uint64]


class Turns(Protocol):
    """A pool, which knows what became of the turns that it gave."""

    def is_gone(self, reference: int) -> bool:
        """Whether the transaction with this turn has left the pool."""


class Pooled:
    """One transaction, at one turn: ``reference`` is the kernel's, ``address`` that of its record in ``batch``."""

    __slots__ = ("__weakref__", "_pool", "address", "arrived", "batch", "reference")

    def __init__(
        self, pool: Turns, reference: int, address: int, batch: DecodedBatch, arrived: float
    ) -> None:
        self._pool, self.reference, self.address = pool, reference, address
        self.batch, self.arrived = batch, arrived

    @property
    def record(self) -> Any:
        """The decoded transaction."""
        return self.batch.records[(self.address - self.batch.first_address) // TRANSACTION_SIZE]

    @property
    def hash(self) -> bytes:
        """Of the transaction."""
        return bytes(self.record["hash"])

    @property
    def sender(self) -> bytes:
        """Address."""
        return bytes(self.record["sender"])

    @property
    def nonce(self) -> int:
        """Of the transaction."""
        return int(self.record["nonce"])

    @property
    def max_fee(self) -> int:
        """Wei per gas, at most."""
        return int_of(self.record["max_fee"])

    @property
    def tip(self) -> int:
        """Wei per gas for the block's maker, at most."""
        return int_of(self.record["max_priority_fee"])

    @property
    def gone(self) -> bool:
        """Whether it left the pool, or waits for another turn."""
        return self._pool.is_gone(self.reference)


class Taken(Sequence[Pooled]):
    """Transactions that a block took, in order; their memory lives as long as this does."""

    def __init__(self, pool: Turns, table: U64Array, batches: Sequence[DecodedBatch]) -> None:
        """``table``: rows of references, addresses of Transaction records, times of arrival (monotonic, as bits)."""
        self._pool, self._batches = pool, batches
        self._table: U64Array = np.ascontiguousarray(table)  # so that its rows are what the kernel reads
        self.references: U64Array = self._table[0]
        self.addresses: U64Array = self._table[1]
        self.arrived: npt.NDArray[np.float64] = self._table[2].view(np.float64)

    @classmethod
    def none(cls, pool: Turns) -> Taken:
        """No transactions."""
        return cls(pool, np.zeros((3, 0), np.uint64), ())

    @classmethod
    def of(cls, pool: Turns, entries: Sequence[Pooled]) -> Taken:
        """Single transactions as one."""
        arrived = np.array([entry.arrived for entry in entries], np.float64).view(np.uint64)
        columns = [[entry.reference for entry in entries], [entry.address for entry in entries]]
        table = np.array([*columns, arrived.tolist()], np.uint64).reshape(3, -1)
        return cls(pool, table, [entry.batch for entry in entries])

    def batches(self) -> tuple[list[DecodedBatch], npt.NDArray[np.intp]]:
        """The batches that they came with, and for each transaction which one."""
        found = sorted(self._batches, key=lambda batch: batch.first_address)
        firsts = np.array([batch.first_address for batch in found], np.uint64)
        return found, np.searchsorted(firsts, self.addresses, "right") - 1

    def chosen(self, order: npt.NDArray[Any]) -> Taken:
        """Those at the indexes ``order``."""
        return Taken(self._pool, self._table[:, order.astype(np.intp)], self._batches)

    def followed_by(self, others: Taken) -> Taken:
        """These and then those."""
        return Taken(self._pool, np.hstack([self._table, others._table]), [*self._batches, *others._batches])

    def __len__(self) -> int:
        return int(self._table.shape[1])

    @overload
    def __getitem__(self, index: int) -> Pooled: ...
    @overload
    def __getitem__(self, index: slice) -> Taken: ...
    def __getitem__(self, index: int | slice) -> Pooled | Taken:
        if isinstance(index, slice):
            return Taken(self._pool, self._table[:, index], self._batches)
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        batches, (owner,) = self[index : index + 1 or None].batches()
        batch = batches[owner]
        reference, address, arrived = self._table[:, index].tolist()
        return Pooled(self._pool, reference, address, batch, float(np.uint64(arrived).view(np.float64)))

    def __iter__(self) -> Iterator[Pooled]:
        return (self[index] for index in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        mine, others = [e.reference for e in self], [getattr(e, "reference", None) for e in other]
        return mine == others

    __hash__ = None  # type: ignore[assignment]
