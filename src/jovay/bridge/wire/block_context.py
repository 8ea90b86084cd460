"""What is published of a block beside its transactions."""

from __future__ import annotations

import struct
from typing import NamedTuple

from jovay.bridge.errors import FieldRangeError, WireError

_LAYOUT = struct.Struct(">IQqQQHH")
SIZE = _LAYOUT.size
_LIMITS = (2**32, 2**64, 2**63, 2**64, 2**64, 2**16, 2**16)


class BlockContext(NamedTuple):
    """40 bytes on the wire. ``timestamp`` in milliseconds; ``transactions`` counts L1 messages too."""

    spec_version: int
    number: int
    timestamp: int
    base_fee: int
    gas_limit: int
    transactions: int
    l1_messages: int

    def encode(self) -> bytes:
        for name, value, limit in zip(self._fields, self, _LIMITS, strict=True):
            if not 0 <= value < limit:
                raise FieldRangeError(f"{name} of block {self.number}", value, limit - 1)
        return _LAYOUT.pack(*self)

    @classmethod
    def decode(cls, data: bytes, at: int = 0) -> BlockContext:
        """The context whose first byte is ``data[at]``."""
        if len(data) - at < SIZE:
            raise WireError("block context", f"{len(data) - at} bytes instead of {SIZE}", at)
        context = cls._make(_LAYOUT.unpack_from(data, at))
        if context.timestamp < 0:
            raise WireError("block context", f"a time stamp of {context.timestamp} ms", at)
        if context.l1_messages > context.transactions:
            raise WireError(
                "block context",
                f"{context.l1_messages} L1 messages among {context.transactions} transactions",
                at,
            )
        return context
