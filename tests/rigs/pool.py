"""Transactions for a pool without signatures: decoded by the kernel, with senders of the test's choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.chain import rlp
from jovay.chain.types import EMPTY_CODE_HASH
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.machine.environment import Block
from jovay.kernel.protocol.forks import OSAKA
from jovay.kernel.state.world import BaseAccount, find_account
from jovay.kernel.transaction import batch
from jovay.kernel.transaction.record import Transaction
from jovay.native.library import Library
from jovay.native.records import View, dtype_of, pack
from jovay.sequencer.pool.pooled import Taken
from jovay.sequencer.pool.txpool import TxPool
from jovay.sequencer.portal import DecodedBatch
from jovay.sequencer.production.block import Dropped
from jovay.state.world import NativeWorld
from jovay.state.writes import WriteSet, empty

#: The environment that a pool judges by.
BLOCK = {"number": 1, "timestamp": 1, "gas_limit": 10**9, "base_fee": 1, "chain_id": 1, "fork": OSAKA}


@dataclass(frozen=True)
class Draft:
    """A transaction as a test writes it; ``sender`` is a number."""

    sender: int
    nonce: int
    fee: int = 100
    tip: int = 10
    gas: int = 21_000
    value: int = 0
    data: bytes = b""

    def raw(self) -> bytes:
        fields: list[rlp.Item] = [
            1, self.nonce, self.tip, self.fee, self.gas, self.sender.to_bytes(20, "big"), self.value, self.data,
            [], 0, 1, 1,
        ]  # fmt: skip
        return b"\x02" + rlp.encode(fields)


def block_record() -> bytes:
    """A kernel ``Block`` with ``BLOCK``."""
    return pack(Block, BLOCK)


def decoded(library: Library, drafts: Sequence[Draft]) -> DecodedBatch:
    """What the portal would make of the drafts, had they been signed by their senders."""
    raws = [draft.raw() for draft in drafts]
    raw = np.frombuffer(bytearray(b"".join(raws)) + bytearray(64), np.uint8)
    sizes = np.array([len(r) for r in raws], np.uint64)
    pointers = np.cumsum(sizes) - sizes + np.uint64(raw.ctypes.data)
    records, statuses = np.zeros(len(drafts), dtype_of(Transaction)), np.zeros(len(drafts), np.uint64)
    scratch = np.zeros(4096 * (1 + len(drafts)) + 2 * len(raw), np.uint8)
    arrays = (pointers, sizes, records, statuses, scratch)
    library[batch.decode_batch](len(drafts), *(array.ctypes.data for array in arrays))
    assert not statuses.any()
    for record, draft in zip(records, drafts, strict=True):
        record["sender"] = draft.sender.to_bytes(20, "big")
    return DecodedBatch(raw, records, statuses)


def funded(library: Library, senders: Sequence[int], balance: int = 10**24) -> NativeWorld:
    """A small world with these accounts."""
    world = NativeWorld(library, accounts=10_000, slots=10_000, code_bytes=1 << 20, history=1 << 12)
    records = np.zeros(len(senders), dtype_of(AccountChange))
    for record, sender in zip(records, senders, strict=True):
        record["address"], record["balance"] = sender.to_bytes(32, "little"), balance.to_bytes(32, "little")
        record["code_hash"], record["exists"] = EMPTY_CODE_HASH[::-1], 1
    writes = WriteSet(records, empty(SlotChange))
    world.insert(writes.accounts, writes.slots, [])
    return world


def changes(world: NativeWorld, senders: Iterable[int]) -> npt.NDArray[Any]:
    """AccountChange records that say what these accounts are in a world."""
    found = list(dict.fromkeys(senders))
    records = np.zeros(len(found), dtype_of(AccountChange))
    for record, sender in zip(records, found, strict=True):
        base = account(world, sender)
        record["address"], record["balance"] = (
            sender.to_bytes(32, "little"),
            base.balance.to_bytes(32, "little"),
        )
        record["code_hash"] = base.code_hash.to_bytes(32, "little")
        record["nonce"], record["exists"] = base.nonce, base.exists
    return records


def left_out(statuses: Mapping[int, int]) -> Dropped:
    """Indexes of taken transactions with the statuses for which they are not in their block."""
    order = sorted(statuses)
    return Dropped(np.array(order, np.uint64), np.array([statuses[i] for i in order], np.uint64))


def make_block(
    pool: TxPool, taken: Taken, statuses: Mapping[int, int] | None = None, touched: Iterable[int] = ()
) -> Taken:
    """Execute a block, but for those with a status: nonces rise, and the pool is told. What is in the block."""
    dropped, world = left_out(statuses or {}), pool._world
    senders = [int.from_bytes(entry.sender, "big") for entry in taken]
    order = [i for i in range(len(taken)) if i not in (statuses or {})]
    for i in order:
        account(world, senders[i]).nonce = taken[i].nonce + 1
    pool.executed(taken, dropped, changes(world, [*(senders[i] for i in order), *touched]))
    return taken.chosen(np.array(order, np.uint64))


def account(world: NativeWorld, address: int) -> View:
    """An account's record in a world."""
    found = world.library[find_account](world, address)
    assert found
    return world.tables.arena.record(BaseAccount, found)
