"""Kernel records of stored blocks as values of the chain: single receipts and logs, read by position."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from jovay.chain import rlp
from jovay.chain.rules import MIN_BLOB_BASE_FEE
from jovay.chain.transactions import recipient
from jovay.chain.types import Address, Header, Log, Receipt
from jovay.kernel.block.receipts import Receipt as ReceiptRecord
from jovay.kernel.block.receipts import StoredLog
from jovay.native.records import dtype_of, int_of
from jovay.storage.block_parts import FIELDS
from jovay.storage.blocks import BlockStore
from jovay.storage.frame import Part

Read: TypeAlias = Callable[[Part, int, int], bytes]
"""(part, start, length) → bytes of one block."""
Keccak: TypeAlias = Callable[[bytes], bytes]

_OFFSETS = struct.Struct("<II")


def reader(store: BlockStore, number: int) -> Read:
    """How to read pieces of a block: from memory where it is there, else from its place in the log."""
    recent = store.recent(number)
    if recent is None or recent.dropped:
        return lambda part, start, length: store.read(number, part, start, length)
    parts: list[bytes] = [getattr(recent, name) for name in FIELDS]
    return lambda part, start, length: parts[part][start : start + length]


def raw_transaction(read: Read, index: int) -> bytes:
    """Envelope of one transaction."""
    low, high = _OFFSETS.unpack(read(Part.TX_OFFSETS, 4 * index, 8))
    return read(Part.TRANSACTIONS, low, high - low)


class BlockReceipts:
    """Receipts of one block, made one by one."""

    def __init__(self, read: Read, header: Header, keccak: Keccak) -> None:
        self._read, self._header, self._keccak = read, header, keccak

    def receipt(self, index: int) -> Receipt:
        """Receipt of the transaction at ``index``, which must exist."""
        read, header = self._read, self._header
        size = ReceiptRecord.size
        record = np.frombuffer(read(Part.RECEIPTS, size * index, size), dtype_of(ReceiptRecord)).item()
        status, kind, gas, cumulative, first_log, log_count, blob_gas, price, created, l1_fee, bloom = record
        digest = read(Part.TX_HASHES, 32 * index, 32)
        sender = read(Part.SENDERS, 20 * index, 20)
        raw = raw_transaction(read, index)
        to = recipient(raw)
        return Receipt(
            transaction_hash=digest,
            transaction_index=index,
            block_hash=header.hash,
            block_number=header.number,
            block_timestamp=header.timestamp,
            sender=sender,
            to=to,
            type=kind,
            status=status,
            gas_used=gas,
            cumulative_gas_used=cumulative,
            effective_gas_price=int_of(price),
            logs_bloom=bloom,
            logs=self.logs(first_log, log_count) if log_count else (),
            contract_address=self._created(created, raw, sender) if to is None else None,
            blob_gas_used=blob_gas if kind == 3 else None,
            blob_gas_price=MIN_BLOB_BASE_FEE if kind == 3 else None,
            l1_fee=int_of(l1_fee) or None,
        )

    def _created(self, created: bytes, raw: bytes, sender: Address) -> Address:
        """Address of a creation; of one that failed the address that it would have had, as geth shows it."""
        if any(created):
            return created[19::-1]
        start, _ = rlp.span(raw, 0)
        if raw[0] < 0x80:  # typed: the chain id comes before the nonce
            start, _ = rlp.span(raw, 1)
            start = rlp.span(raw, start)[1]
        low, high = rlp.span(raw, start)
        nonce = int.from_bytes(raw[low:high], "big")
        return self._keccak(rlp.encode([sender, nonce]))[12:]

    def logs(self, first: int, count: int) -> tuple[Log, ...]:
        """``count`` logs of the block from number ``first`` on."""
        records = self._read(Part.LOGS, StoredLog.size * first, StoredLog.size * count)
        table = np.frombuffer(records, dtype_of(StoredLog))
        return tuple([self._log(first + at, row) for at, row in enumerate(table.tolist())])

    def chosen_logs(self, records: bytes, numbers: npt.NDArray[np.int64]) -> list[Log]:
        """Some logs by their numbers, of the records of all the block's logs."""
        table = np.frombuffer(records, dtype_of(StoredLog))[numbers]
        return list(map(self._log, numbers.tolist(), table.tolist()))

    def _log(self, number: int, row: tuple[bytes, bytes, int, int, int, int]) -> Log:
        """Log ``number`` of the block by the fields of its record."""
        address, topics, topic_count, offset, size, index = row
        header = self._header
        return Log(
            address=address[19::-1],
            topics=tuple([topics[low : low + 32] for low in range(0, 32 * topic_count, 32)]),
            data=self._read(Part.LOG_DATA, offset, size) if size else b"",
            block_hash=header.hash,
            block_number=header.number,
            block_timestamp=header.timestamp,
            transaction_hash=self._read(Part.TX_HASHES, 32 * index, 32),
            transaction_index=index,
            log_index=number,
        )
