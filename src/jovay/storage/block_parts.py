"""One block as the block store takes it and gives it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from .errors import BadBlockError, PrunedDataError
from .frame import PARTS, FrameHeader, Part
from .hash_index import BLOCK


@dataclass(frozen=True, slots=True)
class BlockParts:
    """One block as it is stored.

    Everything is opaque bytes, except that lengths must agree (see ``Part``).
    """

    number: int
    hash: bytes
    header: bytes
    tx_hashes: bytes = b""
    senders: bytes = b""
    tx_offsets: bytes | npt.NDArray[np.uint32] | npt.NDArray[np.uint64] = bytes(4)
    transactions: bytes = b""
    receipts: bytes = b""
    logs: bytes = b""
    log_data: bytes = b""
    writes: bytes = b""
    standing: bytes = b""
    dropped: int = 0
    """Bit mask of ``Part``: pruned before, as in a block from a snapshot."""

    @property
    def tx_count(self) -> int:
        """Number of transactions (0 if the hashes are pruned)."""
        return len(self.tx_hashes) // 32

    def part(self, part: Part) -> bytes:
        """The part's bytes."""
        if self.dropped >> part & 1:
            raise PrunedDataError(self.number, part.name)
        value: bytes = getattr(self, FIELDS[part])
        return value

    def frozen(self) -> BlockParts:
        """The same block with ``bytes`` in every field, which no arena behind a memoryview can change."""
        if all(type(getattr(self, name)) is bytes for name in FIELDS):
            self._check()
            return self
        offsets = self.tx_offsets
        if not isinstance(offsets, bytes):
            if len(offsets) and int(offsets[-1]) >= 1 << 32:
                raise BadBlockError(
                    self.number, f"{int(offsets[-1])} bytes of transactions, at most 2^32 - 1 can be"
                )
            offsets = np.ascontiguousarray(offsets, np.uint32).tobytes()
        parts = [offsets if name == "tx_offsets" else bytes(getattr(self, name)) for name in FIELDS]
        block = _make(self.number, bytes(self.hash), parts, self.dropped)
        block._check()
        return block

    @classmethod
    def of(cls, header: FrameHeader, parts: Sequence[bytes]) -> BlockParts:
        """The block that a frame holds."""
        return _make(header.number, header.hash, parts, header.dropped)

    @property
    def weight(self) -> int:
        """Bytes that the block costs in memory, roughly."""
        return 1024 + sum(len(getattr(self, name)) for name in FIELDS)

    def _check(self) -> None:
        count = self.tx_count
        if self.number < 0 or len(self.hash) != 32 or not self.header:
            raise BadBlockError(self.number, f"hash of {len(self.hash)} bytes, header of {len(self.header)}")
        if len(self.tx_hashes) != 32 * count or count >= BLOCK:
            raise BadBlockError(self.number, f"{len(self.tx_hashes)} bytes of transaction hashes")
        if self.dropped:
            return
        if len(self.senders) != 20 * count:
            raise BadBlockError(self.number, f"{len(self.senders)} bytes of senders for {count} transactions")
        if len(self.receipts) % max(count, 1) or (self.receipts and not count):
            raise BadBlockError(
                self.number, f"{len(self.receipts)} bytes of receipts for {count} transactions"
            )
        offsets = np.frombuffer(self.tx_offsets, np.uint32)
        if len(offsets) != count + 1 or offsets[0] != 0 or offsets[-1] != len(self.transactions):
            raise BadBlockError(
                self.number, f"transaction offsets do not span {len(self.transactions)} bytes"
            )
        if np.any(offsets[1:] < offsets[:-1]):
            raise BadBlockError(self.number, "transaction offsets go back")


FIELDS = tuple(field.name for field in fields(BlockParts))[2 : 2 + PARTS]
assert tuple(part.name.lower() for part in Part) == FIELDS


def _make(number: int, block_hash: bytes, parts: Sequence[bytes], dropped: int) -> BlockParts:
    return BlockParts(number, block_hash, **dict(zip(FIELDS, parts, strict=True)), dropped=dropped)
