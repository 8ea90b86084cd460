"""Write sets merged into one change of the flat state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jovay.execution import writes
from jovay.execution.writes import joined, last_of
from jovay.kernel.block.changes import SlotChange
from jovay.records import dtype_of

KEYS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40)


def slot_changes(keys: list[tuple[int, int]]) -> writes.Records:
    records = np.zeros(len(keys), dtype_of(SlotChange))
    for at, (address, key) in enumerate(keys):
        records[at]["address"], records[at]["key"] = address.to_bytes(32, "little"), key.to_bytes(32, "big")
        records[at]["value"] = at.to_bytes(32, "little")
    return records


@pytest.mark.parametrize("collide", [False, True], ids=["spread", "all alike"])
@given(keys=KEYS)
def test_the_last_record_of_a_key_stays(collide: bool, keys: list[tuple[int, int]]) -> None:
    spread = writes._SPREAD
    try:
        if collide:  # an adversary's choice of keys
            writes._SPREAD = np.zeros(8, np.uint64)
        found = last_of(slot_changes(keys), ("address", "key"))
    finally:
        writes._SPREAD = spread
    last = {key: at for at, key in enumerate(keys)}
    assert [int.from_bytes(row["value"].tobytes(), "little") for row in found] == sorted(last.values())


def test_joined_records_can_be_written() -> None:
    parts = [slot_changes([(1, 1)]), slot_changes([]), slot_changes([(2, 2), (3, 3)])]
    whole = joined(parts, SlotChange)
    assert whole.tolist() == np.concatenate(parts).tolist()
    whole["value"] = bytes(32)
    assert len(joined([], SlotChange)) == 0
