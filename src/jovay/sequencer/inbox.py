"""The inbox: messages from L1, in the order of the mailbox, on their way into blocks.

Whoever follows L1 offers them; the next blocks begin with them. What is not executed yet is in memory only: after a
start L1 is read again from ``next`` on. What is executed is part of its block, and so is how far the queue had come.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jovay.kernel.transaction.record import L1_MESSAGE, TRANSACTION_SIZE
from jovay.storage.blocks import BlockStore
from jovay.storage.frame import Part
from jovay.storage.standing import Standing, read_standing

from .errors import InboxError
from .portal import DecodedBatch, Portal

#: Messages, and their bytes, that wait at most; whoever offers comes back with the others.
MOST_WAITING, MOST_BYTES = 65_536, 64 << 20


@dataclass(frozen=True, slots=True)
class Message:
    """Number ``n`` of the queue as a transaction; its record is at ``address`` in ``batch``."""

    raw: bytes
    hash: bytes
    gas: int
    address: int
    batch: DecodedBatch


class Inbox:
    """Thread-safe: one thread offers, one makes blocks, any read. ``standing`` is the newest block's.

    ``wake`` is called when there is something to put into a block. Messages have ``most_gas`` at most, 0 where the
    chain takes none.
    """

    def __init__(
        self,
        portal: Portal,
        blocks: BlockStore,
        keccak: Callable[[bytes], bytes],
        wake: Callable[[], None],
        most_gas: int,
    ) -> None:
        self._portal, self._blocks, self._keccak, self._wake = portal, blocks, keccak, wake
        self._most_gas = most_gas
        self._lock = threading.Lock()
        self._waiting: deque[Message] = deque()
        self._bytes = 0
        self.standing = Standing(0)

    def __len__(self) -> int:
        """Messages that wait."""
        return len(self._waiting)

    @property
    def next(self) -> int:
        """Number of the next message to offer."""
        with self._lock:
            return self._next

    @property
    def _next(self) -> int:
        return self.standing.next_message + len(self._waiting)

    # ---- for who follows L1 ----------------------------------------------------------------------------------

    def offer(self, first: int, raws: Sequence[bytes]) -> int:
        """Messages number ``first`` and following, as 0x7f transactions; the number of the next one to offer.

        That is less than all where there is no more room. Those that are known already must be the same. Raises
        ``InboxError``, and takes none, where a message is missing before them, is another than before, or is none.
        """
        if not self._most_gas:
            raise InboxError(first, "this chain does not settle on L1")
        with self._lock:
            if first > self._next:
                raise InboxError(first, f"number {self._next} is the next one")
            known = min(len(raws), self._next - first)
            for number, raw in enumerate(raws[:known], first):
                if self._message(number) not in (raw, None):
                    raise InboxError(number, "it was another one before")
            fresh = self._decoded(first + known, raws[known:])
            for message in fresh:
                if len(self._waiting) >= MOST_WAITING or self._bytes >= MOST_BYTES:
                    break
                self._waiting.append(message)
                self._bytes += len(message.raw)
            following = self._next
        if fresh:
            self._wake()
        return following

    def _decoded(self, first: int, raws: Sequence[bytes]) -> list[Message]:
        if not raws:
            return []
        batch = self._portal.decode(b"".join(raws), np.cumsum([len(raw) for raw in raws]).astype(np.uint64))
        records, found = batch.records, []
        for index, raw in enumerate(raws):
            record, number = records[index], first + index
            if batch.statuses[index] or int(record["kind"]) != L1_MESSAGE:
                raise InboxError(number, f"0x{raw[:64].hex()} is no message")
            if int(record["nonce"]) != number:
                raise InboxError(number, f"it says that it is number {int(record['nonce'])}")
            if (gas := int(record["gas_limit"])) > self._most_gas:
                raise InboxError(number, f"its gas, {gas}, is more than that of a block, {self._most_gas}")
            address = batch.first_address + index * TRANSACTION_SIZE
            found.append(Message(raw, bytes(record["hash"]), gas, address, batch))
        return found

    def rewind(self, number: int) -> None:
        """Forget the messages from ``number`` on, which have left L1. Raises ``InboxError`` where blocks have them."""
        with self._lock:
            if number < self.standing.next_message:
                raise InboxError(number, f"blocks have all up to number {self.standing.next_message - 1}")
            while self._next > number:
                self._bytes -= len(self._waiting.pop().raw)

    # ---- for who makes blocks --------------------------------------------------------------------------------

    def head(self, gas: int, most: int) -> list[Message]:
        """The next messages, as many as ``gas`` pays for, but one at least if there is one; ``most`` at most."""
        with self._lock:
            found: list[Message] = []
            for message in self._waiting:
                gas -= message.gas
                if found and (gas < 0 or len(found) >= most):
                    break
                found.append(message)
            return found

    def executed(self, messages: Sequence[Message], milliseconds: int, size: int = 0) -> Standing:
        """A block has these messages, the next ones, and ``size`` bytes of it are published; where the chain stands."""
        with self._lock:
            rolling, number = self.standing.rolling_hash, self.standing.next_message
            for message in messages:
                rolling = self._keccak(rolling + message.hash)
                if self._waiting and self._waiting[0] is message:
                    self._bytes -= len(self._waiting.popleft().raw)
                else:  # L1 was led back while the block was made: what comes after it is to be offered anew
                    self._waiting.clear()
                    self._bytes = 0
            published = self.standing.published + size
            self.standing = Standing(milliseconds, number + len(messages), rolling, published)
            return self.standing

    def start_over(self, standing: Standing) -> None:
        """The chain goes on from another block: what waited is to be offered again."""
        with self._lock:
            self._waiting.clear()
            self._bytes, self.standing = 0, standing

    # ---- reading ---------------------------------------------------------------------------------------------

    def position(self, block: int) -> tuple[int, bytes]:
        """Number of the next message after a stored block, and the rolling hash of all before it."""
        standing = read_standing(self._blocks, block)
        return standing.next_message, standing.rolling_hash

    def message(self, number: int) -> bytes | None:
        """A message that waits or is in a stored block; None if there is none, or its block is pruned."""
        with self._lock:
            return self._message(number)

    def _message(self, number: int) -> bytes | None:
        first = self.standing.next_message
        if number >= first:
            return self._waiting[number - first].raw if number < self._next else None
        block = self.block_of(number)
        if block is None or self._blocks.block(block).dropped >> Part.TRANSACTIONS & 1:
            return None
        before = self.position(block - 1)[0]
        return self._blocks.transaction(block, number - before)

    def block_of(self, number: int) -> int | None:
        """The stored block that has a message; None if none does, or it is pruned."""
        oldest, latest = max(self._blocks.oldest, 0), self._blocks.latest
        blocks = range(oldest, latest + 1)
        found = oldest + bisect_right(blocks, number, key=lambda block: self.position(block)[0])
        return found if oldest < found <= latest else None
