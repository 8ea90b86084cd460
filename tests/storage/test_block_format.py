"""What a block is stored as: a change of any record in it needs another ``FORMAT``, or old blocks read as nonsense."""

from __future__ import annotations

import hashlib

from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.block.receipts import Receipt, StoredLog
from jovay.native.records import dtype_of
from jovay.state.writes import WriteSet, empty
from jovay.storage.frame import FORMAT, Part

#: By format, a digest of the layouts. After a change, raise ``FORMAT`` and add a line.
KNOWN = {2: "e0b6caf4c3c97856", 3: "71b8099d4588256b"}


def digest() -> str:
    """Names, places and widths of all fields, the parts' order, and the head of a write set."""
    records = [
        (
            record.__name__,
            sorted((at, name, kind.itemsize) for name, (kind, at) in fields.items()),
            record.size,
        )
        for record in (Receipt, StoredLog, AccountChange, SlotChange)
        if (fields := dtype_of(record).fields) is not None
    ]
    head = WriteSet(empty(AccountChange), empty(SlotChange), [b"\1\2"]).encode()
    return hashlib.sha256(repr((records, [part.name for part in Part], head)).encode()).hexdigest()[:16]


def test_another_layout_has_another_format() -> None:
    assert KNOWN.get(FORMAT) == digest(), "stored blocks look different: raise FORMAT in storage/frame.py"
    assert len(set(KNOWN.values())) == len(KNOWN)
