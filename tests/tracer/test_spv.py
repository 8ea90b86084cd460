"""Records of TracerDB: read as written, and their head bounds the witness that comes of them."""

from __future__ import annotations

import numpy as np
import pytest

from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.machine.environment import Block
from jovay.native.records import dtype_of
from jovay.state.spv import HEAD_BYTES, Sizes, Spv
from jovay.state.writes import WriteSet
from jovay.tracer.witness import BlockInput, largest_input


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


@pytest.mark.parametrize("codes", [[], [b"\1"], [b"\1" * 8, b"\2" * 13]])
def test_a_head_bounds_the_witness(codes: list[bytes]) -> None:
    recorded, transactions = spv(codes), [b"\2" * 110, b"\3" * 8]
    given = BlockInput(
        bytes(Block.size),
        bytes(32),
        bytes(32),
        WriteSet(recorded.accounts, recorded.slots, codes),
        recorded.proof,
        [bytes(32)] * recorded.ancestors,
        transactions,
    )
    sizes = Sizes.decode(b"".join(recorded.encode())[:HEAD_BYTES])
    bound, size = largest_input(sizes, [len(raw) for raw in transactions]), len(given.encode())
    assert size <= bound <= size + 7 * len(codes)
