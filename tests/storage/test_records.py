"""Records as numpy types: the kernel's own reads and writes are the reference."""

import ctypes

import numpy as np
import pytest

from jovay.kernel.lang import U8, U16, U32, U64, U128, U256, Ptr, Record
from jovay.kernel.lang.record import Bytes
from jovay.storage.errors import CorruptStoreError
from jovay.storage.records import dtype_of, empty_records, records, word, word_bytes, words


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
    pointer: Ptr
    inner: Inner


def test_kernel_writes_python_reads() -> None:
    memory = ctypes.create_string_buffer(3 * Sample.size + 8)
    base = (ctypes.addressof(memory) + 7) // 8 * 8
    for i in range(3):
        row = Sample(base + i * Sample.size)
        row.status, row.kind, row.gas, row.tail, row.pointer = (
            U8(i),
            U16(600 + i),
            U32(1 << 31),
            U8(9),
            U64(77),
        )
        row.balance, row.small = U256((1 << 255) + i), U128((1 << 100) + i)
        ctypes.memmove(int(row.sender), bytes([i]) * 20, 20)
        row.inner = Inner(U64(4096 + i))
    blob = ctypes.string_at(base, 3 * Sample.size)
    rows = records(blob, Sample)
    assert rows.dtype.itemsize == Sample.size
    assert rows["status"].tolist() == [0, 1, 2]
    assert rows["kind"].tolist() == [600, 601, 602]
    assert rows["gas"].tolist() == [1 << 31] * 3
    assert rows["tail"].tolist() == [9] * 3
    assert rows["pointer"].tolist() == [77] * 3
    assert rows["inner"].tolist() == [4096, 4097, 4098]
    assert rows["balance"].shape == (3, 32)
    assert words(rows["balance"]) == [(1 << 255) + i for i in range(3)]
    assert [word(value) for value in rows["small"]] == [(1 << 100) + i for i in range(3)]
    assert rows["sender"].tobytes() == bytes([0]) * 20 + bytes([1]) * 20 + bytes([2]) * 20
    assert not rows.flags.writeable


def test_python_writes_kernel_reads() -> None:
    rows = empty_records(Sample, 2)
    rows["gas"] = [21_000, 53_000]
    rows["balance"] = word_bytes([5, (1 << 256) - 1], 32)
    rows["sender"][1] = np.frombuffer(bytes(range(20)), np.uint8)
    blob = ctypes.create_string_buffer(rows.tobytes())
    second = Sample(ctypes.addressof(blob) + Sample.size)
    assert int(second.gas) == 53_000
    assert int(second.balance) == (1 << 256) - 1
    assert ctypes.string_at(int(second.sender), 20) == bytes(range(20))


def test_bad_lengths_and_values() -> None:
    assert len(records(b"", Sample)) == 0
    with pytest.raises(CorruptStoreError):
        records(bytes(Sample.size + 1), Sample)
    with pytest.raises(OverflowError):
        word_bytes([1 << 128], 16)
    assert dtype_of(Sample) is dtype_of(Sample)
