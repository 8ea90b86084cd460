"""Pooled transactions as values of the chain."""

from __future__ import annotations

from collections.abc import Sequence

from jovay.chain.transactions import decode_transaction
from jovay.chain.types import Address, Hash32, Inclusion, Transaction
from jovay.rpc.backend.pool import PoolContent
from jovay.sequencer.pool.pooled import Pooled
from jovay.sequencer.pool.txpool import TxPool


class PooledTransactions:
    """Those of one pool."""

    def __init__(self, pool: TxPool) -> None:
        self._pool = pool

    def get(self, digest: Hash32) -> Inclusion | None:
        """A pooled transaction."""
        entry = self._pool.get(digest)
        return None if entry is None else Inclusion(_transaction(entry))

    def raw(self, digest: Hash32) -> bytes | None:
        """Envelope of a pooled transaction."""
        entry = self._pool.get(digest)
        return None if entry is None else _raw(entry)

    def content(self, sender: Address | None) -> PoolContent:
        """All of them, or those of one sender."""
        ready, waiting = self._pool.content(sender)
        return PoolContent(_by_sender(ready), _by_sender(waiting))


def _raw(entry: Pooled) -> bytes:
    return entry.batch.envelope(entry.record)


def _transaction(entry: Pooled) -> Transaction:
    return decode_transaction(_raw(entry), entry.sender, entry.hash)


def _by_sender(groups: dict[bytes, list[Pooled]]) -> dict[Address, Sequence[Transaction]]:
    return {sender: [_transaction(entry) for entry in entries] for sender, entries in groups.items()}
