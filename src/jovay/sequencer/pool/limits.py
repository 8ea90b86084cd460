"""Bounds of the pool."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PoolLimits:
    """Bounds of the pool. ``price_bump`` in percent; ``per_sender`` bounds what waits and what is ready alike.

    ``waiting`` transactions of all senders may wait for an earlier nonce or for money, ``lifetime`` seconds at most, so
    that they cannot keep out those that are ready. An account that runs code (EIP-7702) has at most ``per_delegated``
    in the pool, since one call can take what all of them would cost. ``memory`` bounds the bytes of the batches that
    pooled transactions came in. ``tries``: how many blocks may have no room for a transaction before it goes.

    ``transaction_gas`` must not be above the gas limit of blocks: nothing leaves the queue before its first.
    """

    transactions: int = 200_000
    per_sender: int = 16_384
    waiting_per_sender: int = 1_024
    waiting: int = 50_000
    per_delegated: int = 1
    lifetime: float = 3 * 3600.0
    memory: int = 1 << 30
    tries: int = 64
    transaction_bytes: int = 131_072
    transaction_gas: int = 1_000_000_000
    price_bump: int = 10
