"""Chunks: consecutive blocks that are proven together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jovay.bridge.errors import FieldRangeError, WireError
from jovay.bridge.wire import block_context
from jovay.bridge.wire.block_context import BlockContext

#: Bytes of the number of blocks, by batch version.
COUNT_SIZES = {0: 1, 1: 1, 2: 4}
_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Chunk:
    """``transactions``: each a u32 length and the signed bytes, those of all blocks in order, without L1 messages."""

    blocks: tuple[BlockContext, ...]
    transactions: bytes = b""

    @classmethod
    def of(cls, blocks: Iterable[tuple[BlockContext, Sequence[bytes]]]) -> Chunk:
        """The chunk of blocks with their signed transactions (those of L1 messages left out)."""
        contexts: list[BlockContext] = []
        parts: list[bytes] = []
        for context, transactions in blocks:
            carried = context.transactions - context.l1_messages
            if len(transactions) != carried:
                raise FieldRangeError(f"transactions of block {context.number}", len(transactions), carried)
            contexts.append(context)
            for raw in transactions:
                parts += (len(raw).to_bytes(_LENGTH, "big"), raw)
        return cls(tuple(contexts), b"".join(parts))

    def encode(self, version: int) -> bytes:
        """In the form of a batch ``version``."""
        size = COUNT_SIZES[version]
        count = len(self.blocks)
        if not 0 < count < 1 << 8 * size:
            raise FieldRangeError("blocks of a chunk", count, (1 << 8 * size) - 1)
        return b"".join(
            (count.to_bytes(size, "big"), *(block.encode() for block in self.blocks), self.transactions)
        )

    @classmethod
    def decode(cls, data: bytes, version: int) -> Chunk:
        """The chunk that ``data`` holds, checked: consecutive numbers, times that do not fall, every byte used."""
        size = COUNT_SIZES[version]
        count = int.from_bytes(data[:size], "big")
        end = size + count * block_context.SIZE
        if not count or end > len(data):
            raise WireError("chunk", f"{count} blocks in {len(data)} bytes", 0)
        blocks = tuple(BlockContext.decode(data, at) for at in range(size, end, block_context.SIZE))
        for before, block in pairwise(blocks):
            if block.number != before.number + 1 or block.timestamp < before.timestamp:
                raise WireError("chunk", f"{_shown(block)} after {_shown(before)}")
        chunk = cls(blocks, data[end:])
        carried = sum(block.transactions - block.l1_messages for block in blocks)
        found = sum(1 for _ in chunk.each_transaction())
        if found != carried:
            raise WireError("chunk", f"{found} transactions where its blocks have {carried}")
        return chunk

    def each_transaction(self) -> Iterator[bytes]:
        """The signed transactions in order."""
        data, at, size = self.transactions, 0, len(self.transactions)
        while at < size:
            start = at + _LENGTH
            at = start + int.from_bytes(data[at:start], "big")
            if at > size or start > size:
                raise WireError("chunk", "a transaction reaches beyond its end", start)
            yield data[start:at]

    def by_block(self) -> Iterator[tuple[BlockContext, list[bytes]]]:
        """Each block's context with its signed transactions."""
        transactions = self.each_transaction()
        for block in self.blocks:
            yield block, [next(transactions) for _ in range(block.transactions - block.l1_messages)]


def _shown(block: BlockContext) -> str:
    return f"block {block.number} at {block.timestamp} ms"
