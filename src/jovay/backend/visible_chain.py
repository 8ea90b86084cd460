"""Blocks, transactions, receipts and logs of the visible chain, from the block store."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.chain import rlp
from jovay.chain.receipts import encode_receipt
from jovay.chain.transactions import decode_transaction
from jovay.chain.types import Block, Hash32, Header, Inclusion, Log, Receipt, Transaction
from jovay.kernel.block.receipts import Receipt as ReceiptRecord
from jovay.kernel.block.receipts import StoredLog
from jovay.native.records import dtype_of, int_of
from jovay.rpc.backend.chain import LogFilter
from jovay.rpc.backend.errors import TooManyResultsError
from jovay.simulation.source import StoredTransaction
from jovay.storage.blocks import BlockStore
from jovay.storage.frame import Part
from jovay.storage.headers import read_header
from jovay.storage.logs_index import LogsIndex

from .errors import stored
from .stored import BlockReceipts, Keccak, Read, raw_transaction, reader

HEADERS_KEPT = 4_096


class VisibleChain:
    """The chain up to ``visible()``, its newest visible header; thread-safe."""

    def __init__(
        self, store: BlockStore, logs_index: LogsIndex, keccak: Keccak, visible: Callable[[], Header]
    ) -> None:
        self._store, self._index, self._keccak, self._visible = store, logs_index, keccak, visible
        self._headers: OrderedDict[int, Header] = OrderedDict()

    def forget(self) -> None:
        """Blocks have left the chain: drop what is remembered of any."""
        self._headers.clear()

    # ---- blocks ----------------------------------------------------------------------------------------------

    def head(self) -> int:
        """Number of the newest visible block."""
        return self._visible().number

    def _has(self, number: int) -> bool:
        return 0 <= number <= self._visible().number

    def number_of(self, block_hash: Hash32) -> int | None:
        """Number of a visible block."""
        with stored():
            number = self._store.number_of(block_hash)
        return number if number is not None and self._has(number) else None

    def header(self, number: int) -> Header | None:
        """Header of a visible block."""
        visible = self._visible()
        if not 0 <= number <= visible.number:
            return None
        if number == visible.number:
            return visible
        found = self._headers.get(number)
        if found is None:
            found = self._headers[number] = self._read_header(number)
            while len(self._headers) > HEADERS_KEPT:
                self._headers.popitem(last=False)
        return found

    def _read_header(self, number: int) -> Header:
        with stored():
            return read_header(self._store, number)

    def _known(self, number: int) -> Header:
        header = self.header(number)
        assert header is not None
        return header

    def block_hash(self, number: int) -> Hash32 | None:
        """Hash of a visible block; None if it is not stored any more."""
        if not self._has(number) or number < self._store.oldest:
            return None
        return self._store.hash_of(number)

    def stored_transactions(self, number: int) -> list[StoredTransaction]:
        """Envelopes and senders of a visible block's transactions, with what their receipts say."""
        with stored():
            offsets, raw = self._store.transactions(number)
            senders, records = self._store.senders(number), self._store.receipts(number)
        receipts = np.frombuffer(records, dtype_of(ReceiptRecord))
        columns = receipts["gas_used"].tolist(), receipts["l1_fee"].tolist()
        cuts = offsets.tolist()
        found = []
        for index, (gas_used, fee) in enumerate(zip(*columns, strict=True)):
            sender, envelope = senders[20 * index : 20 * index + 20], raw[cuts[index] : cuts[index + 1]]
            found.append(StoredTransaction(envelope, sender, gas_used, int_of(fee)))
        return found

    def block(self, number: int) -> Block | None:
        """Header and body of a visible block."""
        header = self.header(number)
        if header is None:
            return None
        transactions = self.transactions(number)
        return Block(
            header=header,
            transactions=transactions,
            withdrawals=None if header.withdrawals_root is None else (),
        )

    def transactions(self, number: int) -> list[Transaction]:
        """The transactions of a visible block."""
        with stored():
            offsets, raw = self._store.transactions(number)
            hashes, senders = self._store.tx_hashes(number), self._store.senders(number)
        cuts = offsets.tolist()
        return [
            decode_transaction(
                raw[cuts[i] : cuts[i + 1]], senders[20 * i : 20 * i + 20], hashes[32 * i : 32 * i + 32]
            )
            for i in range(len(cuts) - 1)
        ]

    def transaction_count(self, number: int) -> int | None:
        """How many transactions a visible block has."""
        with stored():
            return self._store.tx_count(number) if self._has(number) else None

    def transaction_hashes(self, number: int) -> bytes | None:
        """Hashes of a visible block's transactions, back to back."""
        with stored():
            return self._store.tx_hashes(number) if self._has(number) else None

    # ---- transactions and receipts ---------------------------------------------------------------------------

    def locate(self, transaction_hash: Hash32) -> tuple[int, int] | None:
        """(block number, index) of a visible transaction."""
        with stored():
            place = self._store.locate(transaction_hash)
        return place if place is not None and self._has(place[0]) else None

    def transaction(self, transaction_hash: Hash32) -> Inclusion | None:
        """A visible transaction."""
        place = self.locate(transaction_hash)
        return None if place is None else self._inclusion(*place)

    def transaction_at(self, number: int, index: int) -> Inclusion | None:
        """A visible transaction by its position."""
        count = self.transaction_count(number)
        return self._inclusion(number, index) if count is not None and 0 <= index < count else None

    def _inclusion(self, number: int, index: int) -> Inclusion:
        with stored():
            read = reader(self._store, number)
            raw, digest = raw_transaction(read, index), read(Part.TX_HASHES, 32 * index, 32)
            sender = read(Part.SENDERS, 20 * index, 20)
        return Inclusion(decode_transaction(raw, sender, digest), self._known(number), index)

    def raw_transaction(self, transaction_hash: Hash32) -> bytes | None:
        """Envelope of a visible transaction."""
        place = self.locate(transaction_hash)
        if place is None:
            return None
        with stored():
            return raw_transaction(reader(self._store, place[0]), place[1])

    def receipts(self, hashes: Sequence[Hash32]) -> list[Receipt | None]:
        """Receipts of visible transactions in the order of ``hashes``."""
        blocks: dict[int, BlockReceipts] = {}
        found: list[Receipt | None] = []
        with stored():
            for digest in hashes:
                place = self.locate(digest)
                if place is None:
                    found.append(None)
                    continue
                block = blocks.get(place[0])
                if block is None:
                    block = blocks[place[0]] = self._receipts_of(place[0])
                found.append(block.receipt(place[1]))
        return found

    def _receipts_of(self, number: int) -> BlockReceipts:
        return BlockReceipts(reader(self._store, number), self._known(number), self._keccak)

    def block_receipts(self, number: int) -> list[Receipt] | None:
        """All receipts of a visible block."""
        count = self.transaction_count(number)
        if count is None:
            return None
        with stored():
            block = BlockReceipts(self._whole(number), self._known(number), self._keccak)
            return [block.receipt(index) for index in range(count)]

    def _whole(self, number: int) -> Read:
        """A block read once, for what looks at all of it."""
        part_of = self._store.block(number).part
        return lambda part, start, length: part_of(part)[start : start + length]

    # ---- raw encodings ---------------------------------------------------------------------------------------

    def raw_header(self, number: int) -> bytes | None:
        """RLP of a header."""
        with stored():
            return self._store.header(number) if self._has(number) else None

    def raw_block(self, number: int) -> bytes | None:
        """RLP [header, transactions, no uncles, no withdrawals]."""
        header = self.header(number)
        if header is None:
            return None
        with stored():
            encoded = self._store.header(number)
            offsets, raw = self._store.transactions(number)
        cuts = offsets.tolist()
        bodies = [raw[low:high] for low, high in pairwise(cuts)]
        listed = b"".join([body if body[0] >= 0xC0 else rlp.encode(body) for body in bodies])
        rest = b"\xc0" if header.withdrawals_root is None else b"\xc0\xc0"
        return rlp.encode_list(encoded + rlp.encode_list(listed) + rest)

    def raw_receipts(self, number: int) -> list[bytes] | None:
        """Consensus encodings of a block's receipts."""
        receipts = self.block_receipts(number)
        if receipts is None:
            return None
        return [
            encode_receipt(r.type, r.status or 0, r.cumulative_gas_used, r.logs_bloom, r.logs)
            for r in receipts
        ]

    # ---- logs ------------------------------------------------------------------------------------------------

    def logs(self, query: LogFilter) -> list[Log]:
        """Matching logs in chain order; ``query.limit`` 0 means no limit."""
        found: list[Log] = []
        last = min(query.last, self.head())
        numbers = self._index.candidates(query.first, last, query.addresses, query.topics)
        for number in numbers.tolist():
            found += self._logs_of(number, query, query.limit - len(found) if query.limit else None)
        return found

    def _logs_of(self, number: int, query: LogFilter, most: int | None) -> list[Log]:
        with stored():
            records = self._store.read(number, Part.LOGS)
            if not records:
                return []
            rows = matching(records, query)
            if not len(rows):
                return []
            if most is not None and len(rows) > most:
                raise TooManyResultsError(query.limit, number - 1)
            return self._receipts_of(number).chosen_logs(records, rows)


def matching(records: bytes, query: LogFilter) -> npt.NDArray[np.int64]:
    """Positions of the stored logs that match a filter."""
    table = np.frombuffer(records, dtype_of(StoredLog))
    keep = np.ones(len(table), np.bool_)
    if query.addresses:
        keep &= _among(_bytes_of(table, "address")[:, :20], [address[::-1] for address in query.addresses])
    if query.topics:
        keep &= table["topic_count"] >= len(query.topics)
        topics = _bytes_of(table, "topics")
        for position, wanted in enumerate(query.topics):
            if wanted and keep.any():
                keep &= _among(topics[:, 32 * position : 32 * position + 32], wanted)
    return np.flatnonzero(keep)


def _bytes_of(table: npt.NDArray[Any], field: str) -> npt.NDArray[np.uint8]:
    """A field of raw bytes as rows."""
    column = np.ascontiguousarray(table[field])
    return column.view(np.uint8).reshape(len(table), -1)


def _among(column: npt.NDArray[np.uint8], wanted: Sequence[bytes]) -> npt.NDArray[np.bool_]:
    """Which rows equal one of ``wanted``."""
    either = np.zeros(len(column), np.bool_)
    for value in wanted:
        either |= (column == np.frombuffer(value, np.uint8)).all(axis=1)
    return either
