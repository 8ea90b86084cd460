"""RLP against the common fixtures, against PyPI's ``rlp`` and against a second decoder written here."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.kernel import rlp as kernel_rlp
from jovay.kernel.lang import U64, U256
from jovay.kernel.rlp import Cursor
from jovay.native.library import build
from rigs.archives import json_members
from rigs.buffers import Buffer

BASICS = "ethereum-tests-basics.tar.xz"
NATIVE = [
    kernel_rlp.item,
    kernel_rlp.open_list,
    kernel_rlp.take_string,
    kernel_rlp.take_list,
    kernel_rlp.take_bytes,
    kernel_rlp.take_u64,
    kernel_rlp.take_u256,
    kernel_rlp.close,
    kernel_rlp.header_size,
    kernel_rlp.string_size,
    kernel_rlp.u64_size,
    kernel_rlp.u256_size,
    kernel_rlp.write_list_header,
    kernel_rlp.write_string,
    kernel_rlp.write_u64,
    kernel_rlp.write_u256,
]


@pytest.fixture(scope="module")
def native() -> Any:
    return build(NATIVE)


def valid(native: Any, data: bytes) -> bool:
    """Whether the bytes are one item, canonical at every level."""
    return is_valid(native[kernel_rlp.item], data)


def is_valid(item: Any, data: bytes) -> bool:
    """The same by either way to call ``item``."""
    buffer = Buffer(data)
    end = buffer.address + len(data)

    def behind(at: int, end: int) -> int | None:
        """Where an item ends, if it is valid."""
        payload, size, kind = (int(part) for part in item(at, end))
        if kind >= kernel_rlp.MALFORMED:
            return None
        inner: int | None = payload
        while kind == kernel_rlp.LIST and inner is not None and inner < payload + size:
            inner = behind(inner, payload + size)
        return None if inner is None else payload + size

    return behind(buffer.address, end) == end


def as_items(value: Any) -> Any:
    """A fixture's ``in`` as nested byte strings."""
    if isinstance(value, list):
        return [as_items(v) for v in value]
    if isinstance(value, int):
        return value.to_bytes((value.bit_length() + 7) // 8, "big")
    if value.startswith("#"):
        return as_items(int(value[1:]))
    return value.encode("latin-1")


def encode(native: Any, value: Any) -> bytes:
    """Encode nested byte strings with the kernel's writers."""
    if isinstance(value, bytes):
        source = Buffer(value)
        size = native[kernel_rlp.string_size](source.address, len(value))
        out = Buffer(size)
        assert native[kernel_rlp.write_string](out.address, source.address, len(value)) == out.address + size
        assert out.intact
        return bytes(out)
    payload = b"".join(encode(native, v) for v in value)
    out = Buffer(native[kernel_rlp.header_size](len(payload)))
    native[kernel_rlp.write_list_header](out.address, len(payload))
    assert out.intact
    return bytes(out) + payload


def decode(native: Any, data: bytes) -> Any:
    """Decode with the kernel's items, recursing here."""
    buffer = Buffer(data)

    def at(address: int, end: int) -> tuple[Any, int]:
        payload, size, kind = native[kernel_rlp.item](address, end)
        assert kind in (kernel_rlp.STRING, kernel_rlp.LIST)
        if kind == kernel_rlp.STRING:
            return buffer.read(payload - buffer.address, size), payload + size
        items, position = [], payload
        while position < payload + size:
            value, position = at(position, payload + size)
            items.append(value)
        return items, payload + size

    value, end = at(buffer.address, buffer.address + len(data))
    assert end == buffer.address + len(data)
    return value


def test_fixtures_round_trip(native: Any) -> None:
    count = 0
    for path, cases in json_members(BASICS, "RLPTests/"):
        for name, case in cases.items():
            data = bytes.fromhex(case["out"].removeprefix("0x"))
            if case["in"] in ("INVALID", "VALID"):
                assert valid(native, data) == (case["in"] == "VALID"), (path, name)
            else:
                assert valid(native, data), name
                assert encode(native, as_items(case["in"])) == data, name
                assert decode(native, data) == as_items(case["in"]), name
            count += 1
    assert count > 50


nested = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=6), max_leaves=30)


@settings(max_examples=200, deadline=None)
@given(nested)
def test_encodes_and_decodes_like_pypi(native: Any, value: Any) -> None:
    data = rlp.encode(value)
    assert encode(native, value) == data
    assert valid(native, data)
    assert decode(native, data) == value


def reference_valid(data: bytes) -> bool:
    """Strictness by re-encoding: bytes are valid iff they are the encoding of what they decode to."""
    try:
        return bool(rlp.encode(rlp.decode(data, strict=True)) == data)
    except rlp.exceptions.RLPException:
        return False


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.binary(max_size=80), nested.map(rlp.encode)), st.data())
def test_mutations_agree_with_pypi(native: Any, data: bytes, draw: Any) -> None:
    mutable = bytearray(data)
    for _ in range(draw.draw(st.integers(0, 3))):
        if mutable:
            mutable[draw.draw(st.integers(0, len(mutable) - 1))] = draw.draw(st.integers(0, 255))
    data = bytes(mutable)
    assert valid(native, data) == reference_valid(data)
    assert is_valid(lambda at, end: kernel_rlp.item(U64(at), U64(end)), data) == reference_valid(data)


@pytest.mark.parametrize(
    "header", ["b8", "b838", "bb00ffffff", "bf" + "ff" * 8, "ff" + "ff" * 8, "f7" + "00" * 8]
)
def test_sizes_past_the_end(native: Any, header: str) -> None:
    assert not valid(native, bytes.fromhex(header))


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.integers(0, 2**256 - 1), st.integers(0, 300), st.integers(0, 256).map(lambda n: 2**256 - 1 >> n)
    )
)
def test_integers(native: Any, value: int) -> None:
    expected = rlp.encode(value)
    out = Buffer(native[kernel_rlp.u256_size](value))
    assert native[kernel_rlp.write_u256](out.address, value) == out.address + len(expected)
    assert (bytes(out), out.intact) == (expected, True)
    again = Buffer(len(expected))
    kernel_rlp.write_u256(U64(again.address), U256(value))
    assert bytes(again) == expected
    assert take(native, kernel_rlp.take_u256, expected) == (value, 0)
    if value < 2**64:
        out = Buffer(native[kernel_rlp.u64_size](value))
        native[kernel_rlp.write_u64](out.address, value)
        assert (bytes(out), out.intact) == (expected, True)
        assert take(native, kernel_rlp.take_u64, expected) == (value, 0)
    else:
        assert take(native, kernel_rlp.take_u64, expected) == (0, 1 << 8 | kernel_rlp.TOO_LONG)


def take(native: Any, reader: Any, item: bytes, *more: int) -> tuple[Any, int]:
    """What ``reader`` returns for the only item of a list, and the status after closing."""
    source, cursor = Buffer(_list_of(item)), Buffer(Cursor.size)
    native[kernel_rlp.open_list](cursor.address, source.address, source.address + source.size)
    value = native[reader](cursor.address, *more)
    return value, native[kernel_rlp.close](cursor.address)


def _list_of(payload: bytes) -> bytes:
    assert len(payload) < 56
    return bytes([0xC0 + len(payload)]) + payload


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("00", kernel_rlp.LEADING_ZERO),
        ("820001", kernel_rlp.LEADING_ZERO),
        ("8105", kernel_rlp.NON_CANONICAL_SIZE),
        ("c0", kernel_rlp.EXPECTED_STRING),
        ("a1" + "01" * 33, kernel_rlp.TOO_LONG),
        ("8201", kernel_rlp.ELEMENT_TOO_LARGE),
        ("", kernel_rlp.TOO_FEW_ELEMENTS),
    ],
)
def test_integer_errors(native: Any, item: str, code: int) -> None:
    source, cursor = Buffer(_list_of(bytes.fromhex(item))), Buffer(Cursor.size)
    native[kernel_rlp.open_list](cursor.address, source.address, source.address + source.size)
    assert native[kernel_rlp.take_u256](cursor.address) == 0
    assert native[kernel_rlp.take_u64](cursor.address) == 0
    assert native[kernel_rlp.close](cursor.address) == 1 << 8 | code, "the first error sticks"


def test_fixed_sizes_lists_and_leftovers(native: Any) -> None:
    data = rlp.encode([b"ab", [b"c", b"d"], b"left"])
    source, cursor = Buffer(data), Buffer(Cursor.size)
    native[kernel_rlp.open_list](cursor.address, source.address, source.address + len(data))
    at = native[kernel_rlp.take_bytes](cursor.address, 2)
    assert source.read(at - source.address, 2) == b"ab"
    assert native[kernel_rlp.take_list](cursor.address)[1] == 2
    assert native[kernel_rlp.close](cursor.address) == 2 << 8 | kernel_rlp.TOO_MANY_ELEMENTS
    for size, code in ((1, kernel_rlp.TOO_LONG), (3, kernel_rlp.TOO_SHORT)):
        native[kernel_rlp.open_list](cursor.address, source.address, source.address + len(data))
        native[kernel_rlp.take_bytes](cursor.address, size)
        assert Cursor(cursor.address).status == 1 << 8 | code
    native[kernel_rlp.open_list](cursor.address, source.address, source.address + len(data) - 1)
    assert native[kernel_rlp.close](cursor.address) == kernel_rlp.ELEMENT_TOO_LARGE
    longer = Buffer(data + b"\0")
    native[kernel_rlp.open_list](cursor.address, longer.address, longer.address + longer.size)
    assert native[kernel_rlp.close](cursor.address) == kernel_rlp.MORE_THAN_ONE_VALUE
