"""The batch header, which L1 composes itself from what it was given."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from eth_utils.crypto import keccak

from jovay.bridge.errors import FieldRangeError, WireError

_LAYOUT = struct.Struct(">BQ32s32s32s")
SIZE = _LAYOUT.size


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """105 bytes on the wire."""

    version: int
    index: int
    l1_msg_rolling_hash: bytes
    data_hash: bytes
    parent_batch_hash: bytes

    def encode(self) -> bytes:
        if not 0 <= self.version < 2**8:
            raise FieldRangeError("version of a batch", self.version, 2**8 - 1)
        if not 0 <= self.index < 2**64:
            raise FieldRangeError("index of a batch", self.index, 2**64 - 1)
        return _LAYOUT.pack(
            self.version, self.index, self.l1_msg_rolling_hash, self.data_hash, self.parent_batch_hash
        )

    @classmethod
    def decode(cls, data: bytes) -> BatchHeader:
        if len(data) != SIZE:
            raise WireError("batch header", f"{len(data)} bytes instead of {SIZE}")
        return cls(*_LAYOUT.unpack(data))

    @property
    def hash(self) -> bytes:
        """The batch hash."""
        return keccak(self.encode())
