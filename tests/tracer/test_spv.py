"""Records of TracerDB: read as written."""

from __future__ import annotations

import numpy as np
import pytest

from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.native.records import dtype_of
from jovay.state.spv import Spv


def spv(codes: list[bytes]) -> Spv:
    accounts = np.zeros(3 + len(codes), dtype_of(AccountChange))
    for i, code in enumerate(codes):
        accounts[i]["code_size"], accounts[i]["code_hash"] = len(code), np.void(bytes([i + 1]) * 32)
    slots = np.zeros(5, dtype_of(SlotChange))
    return Spv.of(accounts, slots, slots[::3], 7, b"\1\3\5")


def test_what_is_written_is_read() -> None:
    written = spv([b"\1" * 9])
    data = b"".join(written.encode())
    read = Spv.decode(data)
    for name in ("accounts", "slots", "founded"):
        assert getattr(read, name).tobytes() == getattr(written, name).tobytes()
    assert (read.ancestors, read.code_hashes, read.code_bytes, read.proof) == (7, (b"\1" * 32,), 9, b"\1\3\5")
    for damaged in (data[:20], data[:-1], data + b"\0"):
        with pytest.raises(ValueError, match="an SPV of"):
            Spv.decode(damaged)
