"""L2 blocks as the relayer reads them, made up: linked headers, transactions of random bytes, L1 messages by count."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_utils.crypto import keccak

from jovay.bridge.relayer.blocks import Block
from jovay.bridge.wire.block_context import BlockContext
from jovay.bridge.wire.l1_message import rolling_hash
from jovay.chain import rlp
from jovay.kernel.protocol.forks import OSAKA

BASE_FEE, GAS_LIMIT = 10_000_000, 100_000_000


@dataclass
class MadeBlocks:
    """Block 0 is genesis. A node that answers ``jovay_getBlockTraces`` by them."""

    start_ms: int = 1_700_000_000_000
    seed: int = 1
    blocks: list[Block] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    most_at_once: int = 1_000

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._append(self.start_ms, [], 0, bytes(32))

    @property
    def last(self) -> Block:
        return self.blocks[-1]

    def add(
        self,
        transactions: Sequence[bytes] = (),
        messages: Sequence[bytes] = (),
        later_ms: int = 1_000,
        gas: int = 0,
    ) -> Block:
        """The next block; ``messages`` are hashes of L1 messages that it executes."""
        self.messages += messages
        rolled = rolling_hash(messages, self.last.rolling_hash)
        count = len(messages)
        return self._append(self.last.context.timestamp + later_ms, transactions, count, rolled, gas)

    def transaction(self, size: int = 110) -> bytes:
        """Bytes that do not compress."""
        return self.random.randbytes(size)

    def rewind(self, number: int) -> None:
        """The chain ends with this block again."""
        del self.blocks[number + 1 :]
        del self.messages[self.last.next_l1_message :]

    def _append(
        self, at_ms: int, transactions: Sequence[bytes], messages: int, rolled: bytes, gas: int = 0
    ) -> Block:
        number = len(self.blocks)
        parent = self.blocks[-1] if self.blocks else None
        header = rlp.encode([parent.hash if parent else bytes(32), number, at_ms, list(transactions), rolled])
        context = BlockContext(
            OSAKA, number, at_ms, BASE_FEE, GAS_LIMIT, len(transactions) + messages, messages
        )
        carried = b"".join(len(raw).to_bytes(4, "big") + raw for raw in transactions)
        before = parent.next_l1_message if parent else 0
        gas += 21_000 * len(transactions)
        block = Block(keccak(header), header, context, carried, before + messages, rolled, gas)
        self.blocks.append(block)
        return block

    # ---- the node's RPC

    def call(self, method: str, *params: Any) -> Any:
        assert method == "jovay_getBlockTraces", method
        first = int(params[0], 16)
        found = self.blocks[first : first + self.most_at_once]
        return {"blocks": [fields(block) for block in found], "head": hex(self.last.number)}


def fields(block: Block) -> dict[str, Any]:
    """As ``jovay_getBlockTraces`` gives a block."""
    return {
        "number": hex(block.number),
        "hash": "0x" + block.hash.hex(),
        "header": "0x" + block.header.hex(),
        "context": "0x" + block.context.encode().hex(),
        "transactions": "0x" + block.transactions.hex(),
        "l1Messages": hex(block.context.l1_messages),
        "nextL1Message": hex(block.next_l1_message),
        "rollingHash": "0x" + block.rolling_hash.hex(),
        "gasUsed": hex(block.gas_used),
    }
