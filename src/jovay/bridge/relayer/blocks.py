"""L2 blocks as they are published: read from the node, and checked to be one chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from eth_utils.crypto import keccak

from jovay.bridge.relayer.errors import BlocksError
from jovay.bridge.wire import block_context
from jovay.bridge.wire.block_context import BlockContext
from jovay.bridge.wire.chunk import Chunk
from jovay.chain import rlp

#: Bytes of blocks that are asked for at once.
READ_BYTES = 1 << 23


@dataclass(frozen=True, slots=True)
class Block:
    """``transactions``: each a u32 length and the signed bytes, without L1 messages. ``next_l1_message`` and
    ``rolling_hash`` are those after the block; ``header`` is RLP. What it costs a prover, as far as the node has
    recorded it, else 0: ``witness_bytes`` at most, about so many RISC-V ``cycles``.
    """

    hash: bytes
    header: bytes
    context: BlockContext
    transactions: bytes
    next_l1_message: int
    rolling_hash: bytes
    gas_used: int
    witness_bytes: int = 0
    cycles: int = 0

    @property
    def number(self) -> int:
        return self.context.number

    @property
    def parent_hash(self) -> bytes:
        """The header's first field."""
        start, _ = rlp.span(self.header, 0)
        return self.header[start + 1 : start + 33]

    @property
    def size(self) -> int:
        """Bytes in a chunk."""
        return block_context.SIZE + len(self.transactions)

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Block:
        """A block as ``jovay_getBlockTraces`` gives it; ``BlocksError`` where it contradicts itself."""
        block = cls(
            hash=_bytes(fields["hash"]),
            header=_bytes(fields["header"]),
            context=BlockContext.decode(_bytes(fields["context"])),
            transactions=_bytes(fields["transactions"]),
            next_l1_message=_number(fields["nextL1Message"]),
            rolling_hash=_bytes(fields["rollingHash"]),
            gas_used=_number(fields["gasUsed"]),
            witness_bytes=_number(fields.get("witnessBytes") or 0),
            cycles=_number(fields.get("cycles") or 0),
        )
        if keccak(block.header) != block.hash:
            raise BlocksError(block.number, "its hash is not that of its header")
        carried = block.context.transactions - block.context.l1_messages
        found = sum(1 for _ in Chunk((), block.transactions).each_transaction())
        if found != carried:
            raise BlocksError(block.number, f"{found} transactions where its context has {carried}")
        return block


class Node(Protocol):
    """A JSON-RPC client of the L2 node."""

    def call(self, method: str, *params: Any) -> Any: ...


class BlockSource:
    """Blocks of the node in order."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def since(self, first: int, most: int = READ_BYTES) -> tuple[list[Block], int]:
        """Stored blocks from ``first`` on, one at least if there is one and in about ``most`` bytes, and the number of
        the newest there is.
        """
        found = self._node.call("jovay_getBlockTraces", hex(first), hex(most))
        blocks = [Block.read(fields) for fields in found["blocks"]]
        for number, block in enumerate(blocks, first):
            if block.number != number:
                raise BlocksError(number, f"the node answered with block {block.number}")
        for before, block in pairwise(blocks):
            follow(before, block)
        return blocks, _number(found["head"])


def follow(before: Block, block: Block) -> None:
    """``BlocksError`` unless ``block`` is the next one."""
    if block.number != before.number + 1 or block.parent_hash != before.hash:
        raise BlocksError(block.number, f"does not follow block {before.number}")
    if block.context.timestamp < before.context.timestamp:
        raise BlocksError(block.number, "is older than the block before it")
    if block.next_l1_message != before.next_l1_message + block.context.l1_messages:
        raise BlocksError(block.number, "its count of L1 messages does not go on from the block before")


def chunk_of(blocks: Sequence[Block]) -> Chunk:
    """The chunk of consecutive blocks."""
    return Chunk(tuple(block.context for block in blocks), b"".join(block.transactions for block in blocks))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _number(value: int | str) -> int:
    return int(value, 16) if isinstance(value, str) else value
