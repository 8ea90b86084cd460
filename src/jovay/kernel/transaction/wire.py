"""Batches of transactions as clients send them: raw transactions out of a body, and the answers to JSON.

The body ends with a zero byte, which is no part of any JSON text, so that nothing here reads past it. What is not
exactly the usual form (see ``scan_entry``) is refused as a whole: a general decoder looks at it then.
"""

from ..lang import (
    U8,
    U64,
    Ptr,
    Record,
    Table,
    address_of,
    copy,
    kernel,
    load8,
    load32,
    store8,
    store32,
    store64,
)

NONE = 0xFF
#: Value of a hexadecimal digit.
DIGIT = Table(U8, [int(chr(c), 16) if chr(c) in "0123456789abcdefABCDEF" else NONE for c in range(256)])
HEX = Table(U8, b"0123456789abcdef")
VERSION = Table(U8, b'"2.0"\0')
METHOD = Table(U8, b'"eth_sendRawTransaction"\0')
KEY_VERSION, KEY_METHOD = Table(U8, b'"jsonrpc"\0'), Table(U8, b'"method"\0')
KEY_PARAMS, KEY_ID = Table(U8, b'"params"\0'), Table(U8, b'"id"\0')
BEGIN, RESULT = Table(U8, b'{"jsonrpc":"2.0","id":'), Table(U8, b',"result":"0x')
BEGIN_SIZE, RESULT_SIZE = len(BEGIN), len(RESULT)

#: The shortest entry there is, and what an answer takes beside its id.
ENTRY_SIZE = len('{"jsonrpc":"2.0","id":0,"method":"eth_sendRawTransaction","params":["0x"]}')
ANSWER_SIZE = BEGIN_SIZE + RESULT_SIZE + 64 + 3
QUOTE, COMMA, COLON, OPEN, CLOSE, OPEN_OBJECT, CLOSE_OBJECT, BACKSLASH = b'",:[]{}\\'
ZERO, NINE, DELETE, SPACE = b"09\x7f "
#: Longer numbers are left to the general decoder.
MOST_DIGITS = 18
ID, PARAMS, ALL = 1, 2, 15


class Sends(Record):
    """Where things go: the transactions back to back, the end of each (U64), start and length of each id (U32)."""

    data: Ptr
    size: U64
    ends: Ptr
    ids: Ptr
    count: U64


@kernel(inline=True)
def skip(at: Ptr) -> Ptr:
    """Past white space."""
    while True:
        c = load8(at)
        if c != 32 and c != 10 and c != 13 and c != 9:
            return at
        at += 1


@kernel
def after(at: Ptr, text: Ptr) -> Ptr:
    """Past ``text``, which ends with a zero byte; 0 if something else stands there."""
    while True:
        c = load8(text)
        if c == 0:
            return at
        if load8(at) != c:
            return U64(0)
        at += 1
        text += 1


@kernel
def after_id(at: Ptr) -> Ptr:
    """Past a plain number or a string of printable ASCII without escapes; else 0."""
    first = load8(at)
    if first == QUOTE:
        at += 1
        while True:
            c = load8(at)
            if c == QUOTE:
                return at + 1
            if c < SPACE or c >= DELETE or c == BACKSLASH:
                return U64(0)
            at += 1
    start = at
    while ZERO <= load8(at) and load8(at) <= NINE:
        at += 1
    if at == start or at - start > MOST_DIGITS or (first == ZERO and at - start > 1):
        return U64(0)
    return at


@kernel
def after_transaction(at: Ptr, out: Sends) -> Ptr:
    """Past ``["0x…"]``, whose bytes go to ``out``; 0 if it is anything else."""
    if load8(at) != OPEN:
        return U64(0)
    at = skip(at + 1)
    if load8(at) != QUOTE or load8(at + 1) != ZERO or load8(at + 2) != 120:
        return U64(0)
    at += 3
    target = out.data + out.size
    while True:
        high = DIGIT[load8(at)]
        if high == NONE:
            break
        low = DIGIT[load8(at + 1)]
        if low == NONE:
            return U64(0)
        store8(target, (high << 4) | low)
        target += 1
        at += 2
    if load8(at) != QUOTE:
        return U64(0)
    out.size = target - out.data
    at = skip(at + 1)
    return at + 1 if load8(at) == CLOSE else U64(0)


@kernel
def scan_value(body: Ptr, at: Ptr, out: Sends) -> tuple[Ptr, U64]:
    """Past one member from its key on, and its bit of ``ALL``; 0 if it is not one of the four in its usual form."""
    bit, value = U64(ID), after(at, address_of(KEY_ID))
    if value == 0:
        bit, value = U64(PARAMS), after(at, address_of(KEY_PARAMS))
    if value == 0:
        bit, value = U64(4), after(at, address_of(KEY_METHOD))
    if value == 0:
        bit, value = U64(8), after(at, address_of(KEY_VERSION))
    if value == 0:
        return value, bit
    value = skip(value)
    if load8(value) != COLON:
        return U64(0), bit
    value = skip(value + 1)
    end = U64(0)
    if bit == ID:
        end = after_id(value)
        store32(out.ids + out.count * 8, value - body)
        store32(out.ids + out.count * 8 + 4, end - value)
    elif bit == PARAMS:
        end = after_transaction(value, out)
    elif bit == 4:
        end = after(value, address_of(METHOD))
    else:
        end = after(value, address_of(VERSION))
    return end, bit


@kernel
def scan_entry(body: Ptr, at: Ptr, out: Sends) -> Ptr:
    """Past an object with exactly ``jsonrpc``, ``method``, ``params`` and ``id``, each once and plain; else 0."""
    if load8(at) != OPEN_OBJECT:
        return U64(0)
    seen = U64(0)
    while True:
        at, bit = scan_value(body, skip(at + 1), out)
        if at == 0 or seen & bit != 0:
            return U64(0)
        seen |= bit
        at = skip(at)
        if load8(at) == CLOSE_OBJECT:
            break
        if load8(at) != COMMA:
            return U64(0)
    if seen != ALL:
        return U64(0)
    store64(out.ends + out.count * 8, out.size)
    out.count += 1
    return at + 1


@kernel
def scan_sends(body: Ptr, size: U64, out: Sends) -> U64:
    """1 if the ``size`` bytes are an array of such objects and ``out`` has them, else 0.

    ``out`` needs ``size`` / 2 bytes of data: each one written takes two digits. It needs room for one more end and id
    than ``size`` / ``ENTRY_SIZE``: an id is noted before its entry is known to be whole. The body is below 4 GiB.
    """
    out.size = U64(0)
    out.count = U64(0)
    at = skip(body)
    if load8(at) != OPEN:
        return U64(0)
    while True:
        at = scan_entry(body, skip(at + 1), out)
        if at == 0:
            return at
        at = skip(at)
        if load8(at) != COMMA:
            break
    if load8(at) != CLOSE:
        return U64(0)
    return U64(1) if skip(at + 1) == body + size else U64(0)


FRAMES, TRUNCATED_LENGTH, TRUNCATED_TRANSACTION, TOO_MANY = range(4)


@kernel
def split_frames(body: Ptr, size: U64, most: U64, out: Sends) -> U64:
    """The binary form: transactions behind their lengths, 32 bits big-endian. FRAMES, or what is wrong.

    ``out`` needs ``size`` bytes of data, and room for ``most`` ends; it has no ids.
    """
    out.size = U64(0)
    out.count = U64(0)
    at = U64(0)
    while at < size:
        if size - at < 4:
            return U64(TRUNCATED_LENGTH)
        head = body + at
        length = (load8(head) << 24) | (load8(head + 1) << 16) | (load8(head + 2) << 8) | load8(head + 3)
        at += 4
        if length > size - at:
            return U64(TRUNCATED_TRANSACTION)
        if out.count == most:
            return U64(TOO_MANY)
        copy(out.data + out.size, body + at, length)
        at += length
        out.size += length
        store64(out.ends + out.count * 8, out.size)
        out.count += 1
    return U64(FRAMES)


@kernel
def format_hashes(body: Ptr, ids: Ptr, n: U64, hashes: Ptr, out: Ptr) -> U64:
    """The answers to ``n`` requests as a JSON array, each a hash of 32 bytes; the length of the text.

    ``out`` needs ``ANSWER_SIZE`` and the id's length for each, and two bytes.
    """
    at = out
    for i in range(n):
        store8(at, U64(OPEN if i == 0 else COMMA))
        copy(at + 1, address_of(BEGIN), U64(BEGIN_SIZE))
        at += BEGIN_SIZE + 1
        size = U64(load32(ids + U64(i) * 8 + 4))
        copy(at, body + U64(load32(ids + U64(i) * 8)), size)
        at += size
        copy(at, address_of(RESULT), U64(RESULT_SIZE))
        at += RESULT_SIZE
        for k in range(32):
            byte = load8(hashes + U64(i) * 32 + U64(k))
            store8(at, HEX[byte >> 4])
            store8(at + 1, HEX[byte & 15])
            at += 2
        store8(at, U64(QUOTE))
        store8(at + 1, U64(CLOSE_OBJECT))
        at += 2
    store8(at, U64(CLOSE))
    return at + 1 - out
