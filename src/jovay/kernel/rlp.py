"""Recursive Length Prefix (Yellow Paper, appendix B): strict decoding at addresses, encoding sizes first.

Decoding accepts canonical encodings only, as consensus rules demand: the shortest form of every length,
single bytes below 0x80 as themselves, integers without leading zeros. Nothing past the given end is read. An
item is its payload's address and size; the next item starts where the payload ends.

A ``Cursor`` walks the items of one list. Its first error sticks, later reads return zeros, so that a decoder
reads all fields straight on and looks at ``status`` once.
"""

from jovay.kernel.lang import (
    U64,
    U256,
    Ptr,
    Record,
    clz,
    copy,
    kernel,
    load8,
    load64be,
    load256be,
    store8,
)

#: Kinds of an item; every kind from ``MALFORMED`` on is an error code.
STRING = 0
LIST = 1
MALFORMED = 16

END_OF_INPUT = 16
NON_CANONICAL_SIZE = 17
ELEMENT_TOO_LARGE = 18
EXPECTED_STRING = 19
EXPECTED_LIST = 20
TOO_LONG = 21
TOO_SHORT = 22
LEADING_ZERO = 23
TOO_FEW_ELEMENTS = 24
TOO_MANY_ELEMENTS = 25
MORE_THAN_ONE_VALUE = 26


# ---- decoding --------------------------------------------------------------------------------------------


@kernel
def item(at: Ptr, end: Ptr) -> tuple[U64, U64, U64]:
    """(payload address, payload size, kind) of the item at ``at``; kind is an error code if malformed."""
    if at >= end:
        return at, U64(0), U64(END_OF_INPUT)
    first = load8(at)
    if first < 0x80:
        return at, U64(1), U64(STRING)
    kind = U64(LIST) if first >= 0xC0 else U64(STRING)
    short = first & 0x3F
    payload = at + 1
    if short < 56:
        if short > end - payload:
            return payload, U64(0), U64(ELEMENT_TOO_LARGE)
        if first == 0x81:
            if load8(payload) < 0x80:
                return payload, U64(0), U64(NON_CANONICAL_SIZE)
        return payload, short, kind
    return _long_item(payload, end, short - 55, kind)


@kernel(inline=False)
def _long_item(at: Ptr, end: Ptr, width: U64, kind: U64) -> tuple[U64, U64, U64]:
    """The item whose payload size is written in ``width`` (1 to 8) bytes at ``at``."""
    if width > end - at:
        return at, U64(0), U64(ELEMENT_TOO_LARGE)
    size = U64(0)
    for i in range(width):
        size = size << 8 | load8(at + i)
    if load8(at) == 0 or size < 56:
        return at, U64(0), U64(NON_CANONICAL_SIZE)
    payload = at + width
    if size > end - payload:
        return payload, U64(0), U64(ELEMENT_TOO_LARGE)
    return payload, size, kind


class Cursor(Record):
    """Reads a list's items from ``at`` to ``end``. ``status``: the first error, ``index << 8 | code``."""

    at: Ptr
    end: Ptr
    status: U64
    index: U64  # items taken so far, so 1 for the first


CURSOR_SIZE = Cursor.size


@kernel
def enter_list(cursor: Cursor, at: Ptr, end: Ptr) -> None:
    """Put ``cursor`` on the items of the list at ``at``, which ends at ``end`` or before."""
    payload, size, kind = item(at, end)
    cursor.at, cursor.end, cursor.status, cursor.index = payload, payload + size, U64(0), U64(0)
    if kind >= MALFORMED:
        fail(cursor, kind)
    elif kind != LIST:
        fail(cursor, U64(EXPECTED_LIST))


@kernel
def open_list(cursor: Cursor, at: Ptr, end: Ptr) -> None:
    """Put ``cursor`` on the items of the list that fills ``at`` to ``end`` exactly."""
    enter_list(cursor, at, end)
    if cursor.end != end:
        fail(cursor, U64(MORE_THAN_ONE_VALUE))


@kernel
def fail(cursor: Cursor, code: U64) -> None:
    """Record an error unless there is one already, and let every later read fail."""
    if cursor.status == 0:
        cursor.status = cursor.index << 8 | code
    cursor.at = cursor.end


@kernel
def take(cursor: Cursor, kind: U64) -> tuple[U64, U64]:
    """(payload, size) of the next item, which must be of ``kind``; on error an empty one."""
    cursor.index += 1
    at, end = cursor.at, cursor.end
    if at == end:
        fail(cursor, U64(TOO_FEW_ELEMENTS))
        return end, U64(0)
    payload, size, found = item(at, end)
    if found != kind:
        code = found
        if found < MALFORMED:
            code = U64(EXPECTED_STRING) if kind == STRING else U64(EXPECTED_LIST)
        fail(cursor, code)
        return end, U64(0)
    cursor.at = payload + size
    return payload, size


@kernel(inline=False)
def take_string(cursor: Cursor) -> tuple[U64, U64]:
    """(address, size) of the next item, a byte string of any size."""
    return take(cursor, U64(STRING))


@kernel(inline=False)
def take_list(cursor: Cursor) -> tuple[U64, U64]:
    """(address, size) of the payload of the next item, a list."""
    return take(cursor, U64(LIST))


@kernel(inline=False)
def take_bytes(cursor: Cursor, size: U64) -> Ptr:
    """Address of the next item, a byte string of exactly ``size`` bytes; valid only if ``status`` stays 0."""
    payload, found = take(cursor, U64(STRING))
    if found < size:
        fail(cursor, U64(TOO_SHORT))
    elif found > size:
        fail(cursor, U64(TOO_LONG))
    return payload


@kernel(inline=False)
def take_u64(cursor: Cursor) -> U64:
    """The next item as an integer below 2⁶⁴."""
    payload, size = take(cursor, U64(STRING))
    if size > 8:
        fail(cursor, U64(TOO_LONG))
        return U64(0)
    if size != 0:
        if load8(payload) == 0:
            fail(cursor, U64(LEADING_ZERO))
            return U64(0)
    return read_u64(payload, size)


@kernel(inline=False)
def take_u256(cursor: Cursor) -> U256:
    """The next item as an integer below 2²⁵⁶."""
    payload, size = take(cursor, U64(STRING))
    if size > 32:
        fail(cursor, U64(TOO_LONG))
        return U256(0)
    if size != 0:
        if load8(payload) == 0:
            fail(cursor, U64(LEADING_ZERO))
            return U256(0)
    return read_u256(payload, size)


@kernel
def close(cursor: Cursor) -> U64:
    """The status; it is ``TOO_MANY_ELEMENTS`` if items are left."""
    if cursor.at != cursor.end:
        fail(cursor, U64(TOO_MANY_ELEMENTS))
    return cursor.status


@kernel
def read_u64(at: Ptr, size: U64) -> U64:
    """Big-endian integer of ``size`` ≤ 8 bytes."""
    value = U64(0)
    for i in range(size):
        value = value << 8 | load8(at + i)
    return value


@kernel
def read_u256(at: Ptr, size: U64) -> U256:
    """Big-endian integer of ``size`` ≤ 32 bytes."""
    if size == 32:
        return load256be(at)
    value = U256(0)
    while size > 8:
        value = value << 64 | U256(load64be(at))
        at += 8
        size -= 8
    return value << (size * 8) | U256(read_u64(at, size))


# ---- encoding --------------------------------------------------------------------------------------------


@kernel
def width_of(value: U64) -> U64:
    """Bytes of an integer that is not 0. Most are short, and not every machine can count zeros."""
    width = U64(1)
    while value > 0xFF:
        value = value >> 8
        width += 1
    return width


@kernel
def header_size(size: U64) -> U64:
    """Bytes of the header of a list, or of a string but a single byte below 0x80, of ``size`` bytes."""
    if size < 56:
        return U64(1)
    return 1 + width_of(size)


@kernel
def string_size(at: Ptr, size: U64) -> U64:
    """Bytes of the encoding of the ``size`` bytes at ``at``."""
    if size == 1:
        return U64(1) if load8(at) < 0x80 else U64(2)
    return header_size(size) + size


@kernel
def u64_size(value: U64) -> U64:
    """Bytes of the encoding of an integer."""
    return U64(1) if value < 0x80 else 1 + width_of(value)


@kernel
def u256_size(value: U256) -> U64:
    """Bytes of the encoding of an integer."""
    if value >> 64 == 0:
        return u64_size(U64(value))
    return 1 + (263 - clz(value)) // 8


@kernel
def _write_header(out: Ptr, size: U64, base: U64) -> Ptr:
    if size < 56:
        store8(out, base + size)
        return out + 1
    width = width_of(size)
    store8(out, base + 55 + width)
    return _write_bytes(out + 1, size, width)


@kernel
def _write_bytes(out: Ptr, value: U64, width: U64) -> Ptr:
    """The low ``width`` ≤ 8 bytes of ``value``, big-endian."""
    for i in range(width):
        store8(out + i, value >> ((width - 1 - i) * 8))
    return out + width


@kernel
def write_list_header(out: Ptr, payload_size: U64) -> Ptr:
    """Header of a list whose items take ``payload_size`` bytes. All writers return the address after."""
    return _write_header(out, payload_size, U64(0xC0))


@kernel(inline=False)
def write_string(out: Ptr, at: Ptr, size: U64) -> Ptr:
    """The byte string of ``size`` bytes at ``at``."""
    if size == 1:
        byte = load8(at)
        if byte < 0x80:
            store8(out, byte)
            return out + 1
    out = _write_header(out, size, U64(0x80))
    copy(out, at, size)
    return out + size


@kernel(inline=False)
def write_u64(out: Ptr, value: U64) -> Ptr:
    """An integer, without leading zeros."""
    if value < 0x80:
        store8(out, U64(0x80) if value == 0 else value)
        return out + 1
    width = width_of(value)
    store8(out, 0x80 + width)
    return _write_bytes(out + 1, value, width)


@kernel(inline=False)
def write_u256(out: Ptr, value: U256) -> Ptr:
    """An integer, without leading zeros."""
    if value >> 64 == 0:
        return write_u64(out, U64(value))
    width = (263 - clz(value)) // 8
    store8(out, 0x80 + width)
    out += 1
    first = width & 7
    out = _write_bytes(out, U64(value >> (width - first) * 8), first)
    width -= first
    while width != 0:
        width -= 8
        out = _write_bytes(out, U64(value >> width * 8), U64(8))
    return out
