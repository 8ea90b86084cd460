"""Records from Python: the kernel's own reads and writes are the reference."""

import ctypes
import gc
import weakref
from operator import index

import numpy as np
import pytest

from jovay.kernel.lang import U8, U16, U32, U64, U128, U256, Bytes, Nested, Ptr, Record
from jovay.native.arena import Arena, Buffer
from jovay.native.places import address
from jovay.native.records import (
    View,
    assign,
    dtype_of,
    int_of,
    new_array,
    new_record,
    pack,
    pointers_to,
    positions_of,
    read_record,
    spaced,
    values_of,
)
from rigs.records import array_at


class Inner(Record):
    value: U64


class Sample(Record):
    status: U8
    kind: U16
    gas: U32
    balance: U256
    small: U128
    sender: Bytes(20)
    tail: U8
    address: Ptr
    size: U64
    inner: Inner


class Whole(Record):
    before: U64
    part: Nested(Sample)


@pytest.fixture
def three():
    """Three records as the kernel writes them: address of the first, and what keeps them alive."""
    memory = ctypes.create_string_buffer(3 * Sample.size + 8)
    base = (ctypes.addressof(memory) + 7) // 8 * 8
    for i in range(3):
        row = Sample(base + i * Sample.size)
        row.status, row.kind, row.gas, row.tail = U8(i), U16(600 + i), U32(1 << 31), U8(9)
        row.address, row.size = U64(77), U64(5 + i)
        row.balance, row.small = U256((1 << 255) + i), U128((1 << 100) + i)
        ctypes.memmove(int(row.sender), bytes([i]) * 20, 20)
        row.inner = Inner(U64(4096 + i))
    return base, memory


VALUES = {
    "status": 2,
    "kind": 602,
    "gas": 1 << 31,
    "balance": (1 << 255) + 2,
    "small": (1 << 100) + 2,
    "sender": bytes([2]) * 20,
    "tail": 9,
    "address": 77,
    "size": 7,
    "inner": 4098,
}


def test_arrays_read_what_the_kernel_wrote(three):
    rows = array_at(three[0], 3, Sample)
    assert rows.dtype.itemsize == Sample.size
    assert rows["status"].tolist() == [0, 1, 2]
    assert rows["kind"].tolist() == [600, 601, 602]
    assert rows["gas"].tolist() == [1 << 31] * 3
    assert rows["inner"].tolist() == [4096, 4097, 4098]
    assert rows["sender"].tolist() == [bytes([i]) * 20 for i in range(3)]
    assert [int_of(value) for value in rows["balance"]] == [(1 << 255) + i for i in range(3)]
    assert [int_of(value) for value in rows["small"].tolist()] == [(1 << 100) + i for i in range(3)]
    assert len(array_at(three[0], 0, Sample)) == 0


def test_arrays_share_the_memory(three):
    array_at(three[0], 3, Sample)["gas"][1] = 21_000
    assert int(Sample(three[0] + Sample.size).gas) == 21_000


def test_arrays_of_records_that_are_apart(three):
    memory = np.frombuffer(three[1], np.uint8)[three[0] - ctypes.addressof(three[1]) :]
    rows = memory[: 2 * Sample.size].view(spaced(Sample, 2 * Sample.size))
    assert len(rows) == 1
    assert rows["size"].tolist() == [5]


def test_views_read_and_write_in_place(three):
    view = View(Sample, three[0] + 2 * Sample.size)
    assert {name: getattr(view, name) for name in VALUES} == values_of(view) == VALUES
    assert index(view) == address(view) == three[0] + 2 * Sample.size
    view.balance, view.sender, view.inner, view.size = 1, bytes(range(20)), 8, 3
    row = Sample(index(view))
    assert (int(row.balance), int(row.inner._pointer), int(row.size)) == (1, 8, 3)
    assert ctypes.string_at(int(row.sender), 20) == bytes(range(20))
    assert int(row.tail) == 9


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", 256),
        ("balance", 1 << 256),
        ("size", 1 << 64),
        ("small", -1),
        ("sender", bytes(19)),
        ("sender", bytes(21)),
        ("sender", 5),
    ],
)
def test_what_does_not_fit_is_refused(three, field, value):
    before = ctypes.string_at(three[0], 3 * Sample.size)
    with pytest.raises(OverflowError):
        setattr(View(Sample, three[0]), field, value)
    with pytest.raises(OverflowError):
        pack(Sample, {field: value})
    assert ctypes.string_at(three[0], 3 * Sample.size) == before


def test_unknown_fields_are_refused(three):
    view = View(Sample, three[0])
    with pytest.raises(AttributeError, match="nonce"):
        _ = view.nonce
    with pytest.raises(AttributeError, match="nonce"):
        view.nonce = 1
    with pytest.raises(AttributeError, match="nonce"):
        assign(view, {"nonce": 1})


def test_bytes_and_back(three):
    data = pack(Sample, VALUES)
    assert values_of(read_record(Sample, data + b"more")) == VALUES
    assert read_record(Sample, b"before" + data, 6).kind == 602
    assert ctypes.string_at(three[0] + 2 * Sample.size, Sample.size) == data
    assert bytes(new_record(Sample, VALUES)) == data
    assert bytes(new_record(Sample)) == bytes(Sample.size)
    assert np.frombuffer(data, dtype_of(Sample))[0]["kind"] == 602
    assert dtype_of(Sample) is dtype_of(Sample)


def test_a_record_inside_another_is_a_view_in_place():
    whole = new_record(Whole, {"before": 3})
    whole.part.gas = 7
    whole.part.balance = 1 << 255
    assert index(whole.part) == index(whole) + 8
    assert whole.part.gas == View(Sample, index(whole) + 8).gas == 7
    assert read_record(Whole, bytes(whole)).part.balance == 1 << 255
    assert pack(Whole, {"before": 3, "part": pack(Sample, {"gas": 7, "balance": 1 << 255})}) == bytes(whole)
    assert new_array(Whole, 2)["part"][1].tobytes() == bytes(Sample.size)


def test_a_record_inside_another_keeps_what_its_pointers_lead_to():
    arena, whole = Arena(4096), new_record(Whole)
    whole.part.address, map_ = arena, weakref.ref(arena._map)
    del arena
    gc.collect()
    assert map_() is not None
    whole.part.address = 0
    gc.collect()
    assert map_() is None


def test_records_in_bytes_end_where_the_bytes_end():
    data = pack(Sample, VALUES)
    for at in (-1, 1, len(data)):
        with pytest.raises(IndexError):
            read_record(Sample, data, at)
    found = read_record(Sample, data)
    with pytest.raises(TypeError):
        found.kind = 1
    with pytest.raises(TypeError):
        address(found)


def test_a_pointer_field_keeps_what_it_leads_to():
    arena = Arena(4096)
    map_, view = weakref.ref(arena._map), new_record(Sample)
    view.address, view.inner = arena, new_record(Inner, {"value": 5})
    assert view.address == arena.address
    del arena
    gc.collect()
    assert map_() is not None
    assert View(Inner, view.inner).value == 5
    view.address = 0
    gc.collect()
    assert map_() is None


def test_pointers_to_records_and_back():
    rows = new_array(Sample, 5)
    pointers = pointers_to(rows)
    assert pointers.tolist() == [address(rows) + k * Sample.size for k in range(5)]
    assert positions_of(pointers[[3, 0]], rows).tolist() == [3, 0]
    View(Sample, int(pointers[4])).kind = 7
    assert rows["kind"].tolist() == [0, 0, 0, 0, 7]


def test_places():
    data = b"some bytes"
    assert ctypes.string_at(address(data), len(data)) == data
    rows = np.arange(6, dtype=np.uint64)
    assert address(rows[2:]) == address(rows) + 16
    with pytest.raises(ValueError, match="gaps"):
        address(rows[::2])
    assert address(U64(7)) == 7
    with pytest.raises(TypeError):
        address("text")
    assert ctypes.string_at(address(Buffer(data)), len(data)) == data == bytes(Buffer(data))
    assert bytes(Buffer(3)) == bytes(3)
