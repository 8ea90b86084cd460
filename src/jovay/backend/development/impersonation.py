"""Unsigned transactions of development: any address may send where it is impersonated.

Such a transaction is stored with a signature that no key can have made: r is the sender's address, s is 0. So its
hash depends on the sender, it can never be valid elsewhere, and whoever replays the chain takes the sender from the
store, as for every other transaction.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from jovay.chain.envelope import envelope
from jovay.chain.types import Transaction
from jovay.rpc.backend.errors import BackendError
from jovay.sequencer.portal import DecodedBatch, Portal


def stored_form(transaction: Transaction, chain_id: int) -> Transaction:
    """The transaction with the signature of an impersonated sender."""
    v = 0 if transaction.type else 35 + 2 * chain_id
    return msgspec.structs.replace(transaction, v=v, r=int.from_bytes(transaction.sender, "big"), s=0)


def decoded(
    portal: Portal, transaction: Transaction, keccak: Callable[[bytes], bytes], chain_id: int
) -> DecodedBatch:
    """A batch of the one transaction, ready for the pool: its fields decoded, its sender given."""
    unsigned = stored_form(transaction, chain_id)
    # The decoder wants a signature in range; what executes has no use for it. Both forms lie in one buffer, so that
    # the fields may stay in the one while the block gets the other.
    passable, stored = envelope(msgspec.structs.replace(unsigned, r=1, s=1)), envelope(unsigned)
    batch = portal.decode(passable + stored, [len(passable), len(passable) + len(stored)])
    record = batch.records[0]
    if int(record["gas_limit"]) != transaction.gas or int(record["nonce"]) != transaction.nonce:
        raise BackendError("the transaction cannot be encoded")
    record["raw"], record["raw_size"] = batch.records[1]["raw"], batch.records[1]["raw_size"]
    record["sender"], record["hash"] = np.void(transaction.sender), np.void(keccak(stored))
    return DecodedBatch(batch.raw, batch.records[:1], np.zeros(1, np.uint64))
