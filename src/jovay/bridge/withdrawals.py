"""L2 messages as L1 pays them out: every message, its place in the message tree, and proofs for the tree as it was.

The complete nodes of an append-only tree never change, so they are stored once; the few on the right edge follow from
them and the number of leaves. A proof for any earlier count costs one look for each level.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from jovay.bridge.errors import MessageOrderError
from jovay.bridge.wire.message_tree import ZEROS
from jovay.storage.kv import KV, META, Batch

_ARGUMENTS = ("address", "address", "uint256", "uint256", "bytes")
_RELAY = keccak(text=f"relayMsgWithProof({','.join(_ARGUMENTS)},(uint256,bytes))")[:4]
_PREFIX = b"l2-messages/"
_NODE, _MESSAGE, _READ = b"n", b"m", b"r"
_WORD = 8
#: Blocks without messages after which it is written down how far they were read.
_SILENT_BLOCKS = 4_096


@dataclass(frozen=True, slots=True)
class L2Message:
    """Message ``nonce`` of ``L2Mailbox``, sent in ``block``; ``call`` is what its leaf is the Keccak-256 of."""

    nonce: int
    block: int
    call: bytes

    @property
    def leaf(self) -> bytes:
        return keccak(self.call)

    @property
    def fields(self) -> tuple[str, str, int, int, bytes]:
        """Sender, target, value in wei, nonce, data."""
        sender, target, value, nonce, data = decode(_ARGUMENTS, self.call[4:])
        return sender, target, value, nonce, data

    def claim(self, batch: int, siblings: Iterable[bytes]) -> bytes:
        """Calldata of ``L1Mailbox.relayMsgWithProof``, valid once ``batch`` is final."""
        proof = batch, b"".join(siblings)
        return _RELAY + encode((*_ARGUMENTS, "(uint256,bytes)"), (*self.fields, proof))


class L2Messages:
    """All messages of the blocks read so far, stored with their tree; one thread appends, any number ask.

    ``write`` brings a batch to stable storage.
    """

    def __init__(self, kv: KV, write: Callable[[Batch], None]) -> None:
        self._kv, self._write = kv, write
        self._lock = threading.Lock()
        stored = kv.get(META, _PREFIX + _READ)
        self._count = int.from_bytes(stored[:_WORD], "big") if stored else 0
        self._block = int.from_bytes(stored[_WORD : 2 * _WORD], "big") if stored else 0
        self._hash = stored[2 * _WORD :] if stored else b""
        self._stored_block = self._block

    @property
    def count(self) -> int:
        """Number of leaves."""
        return self._count

    @property
    def read(self) -> tuple[int, bytes]:
        """The last block whose messages are here, and its hash (empty before the first)."""
        return self._block, self._hash

    def append(self, messages: Iterable[L2Message], block: int, block_hash: bytes) -> None:
        """The next messages, which are all of the blocks up to ``block``. Raises ``MessageOrderError``."""
        with self._lock:
            batch, count, new = Batch(), self._count, dict[bytes, bytes]()
            for message in messages:
                if message.nonce != count:
                    raise MessageOrderError(message.nonce, count)
                batch.put(META, _key(_MESSAGE, count), message.block.to_bytes(_WORD, "big") + message.call)
                self._grow(new, count, message.leaf)
                count += 1
            if count == self._count and block - self._stored_block < _SILENT_BLOCKS:
                self._block, self._hash = (
                    block,
                    block_hash,
                )  # after a start these blocks are looked at once more
                return
            batch.put_many(META, list(new), list(new.values()))
            self._finish(batch, count, block, block_hash)

    def _grow(self, new: dict[bytes, bytes], index: int, node: bytes) -> None:
        """Note the nodes that leaf ``index`` completes."""
        level = 0
        new[_node(level, index)] = node
        while index & 1:
            left = _node(level, index - 1)
            node = keccak((new.get(left) or self._stored(left)) + node)
            level, index = level + 1, index >> 1
            new[_node(level, index)] = node

    def _finish(self, batch: Batch, count: int, block: int, block_hash: bytes) -> None:
        record = count.to_bytes(_WORD, "big") + block.to_bytes(_WORD, "big") + block_hash
        batch.put(META, _PREFIX + _READ, record)
        self._write(batch)
        self._count, self._block, self._hash = count, block, block_hash
        self._stored_block = block

    def rewind(self, block: int, block_hash: bytes) -> None:
        """Forget the messages after ``block``: it is the last that is known to be on the chain."""
        with self._lock:
            count, batch = self.count_at(block), Batch()
            batch.delete_range(META, _key(_MESSAGE, count), _key(_MESSAGE, (1 << 64) - 1))
            for level in range(len(ZEROS)):
                batch.delete_range(META, _node(level, count >> level), _node(level, (1 << 56) - 1))
            self._finish(batch, count, min(block, self._block), block_hash)

    def message(self, nonce: int) -> L2Message | None:
        """A message by its number."""
        if not 0 <= nonce < self._count:
            return None
        record = self._stored(_key(_MESSAGE, nonce))
        return L2Message(nonce, int.from_bytes(record[:_WORD], "big"), record[_WORD:])

    def count_at(self, block: int) -> int:
        """Number of messages that blocks up to ``block`` sent."""
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            message = self.message(middle)
            assert message is not None
            low, high = (middle + 1, high) if message.block <= block else (low, middle)
        return low

    def root(self, count: int) -> bytes:
        """Root of the tree with the first ``count`` leaves; zero without leaves."""
        height = max(count - 1, 0).bit_length()
        return self._at(height, 0, count) if count else bytes(32)

    def proof(self, nonce: int, count: int) -> list[bytes]:
        """Siblings of leaf ``nonce`` among the first ``count``, from the bottom up."""
        if not 0 <= nonce < count <= self._count:
            raise IndexError(f"leaf {nonce} of {count}, and {self._count} are there")
        return [self._at(level, (nonce >> level) ^ 1, count) for level in range((count - 1).bit_length())]

    def _at(self, level: int, index: int, count: int) -> bytes:
        """A node of the tree with ``count`` leaves."""
        first, size = index << level, 1 << level
        if first >= count:
            return ZEROS[level]
        if first + size <= count:
            return self._stored(_node(level, index))
        left, right = 2 * index, 2 * index + 1
        return keccak(self._at(level - 1, left, count) + self._at(level - 1, right, count))

    def _stored(self, key: bytes) -> bytes:
        found = self._kv.get(META, key)
        assert found is not None, key
        return found


def _key(kind: bytes, number: int) -> bytes:
    return _PREFIX + kind + number.to_bytes(_WORD, "big")


def _node(level: int, index: int) -> bytes:
    """Nodes in the order of levels, then places."""
    return _key(_NODE, level << 56 | index)
