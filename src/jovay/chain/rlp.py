"""Recursive length prefix encoding (Yellow Paper, appendix B), for what Python encodes and decodes singly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Item: TypeAlias = bytes | int | Sequence["Item"]
Decoded: TypeAlias = bytes | list["Decoded"]
MAX_DEPTH = 16


def encode(item: Item) -> bytes:
    """RLP of nested lists of bytes and non-negative integers (big-endian without leading zeros)."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return header(len(item), 0x80) + item
    body = b"".join([encode(part) for part in item])
    return header(len(body), 0xC0) + body


def encode_list(payload: bytes) -> bytes:
    """A list whose encoded entries are ``payload``."""
    return header(len(payload), 0xC0) + payload


def header(size: int, base: int) -> bytes:
    """The bytes before a payload of ``size``; ``base`` is 0x80 for strings, 0xc0 for lists."""
    if size < 56:
        return bytes((base + size,))
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((base + 55 + len(length),)) + length


def span(data: bytes, at: int) -> tuple[int, int]:
    """(start, end) of the payload of the item at ``at``; a single byte is its own payload."""
    head = data[at]
    if head < 0x80:
        return at, at + 1
    head -= 0xC0 if head >= 0xC0 else 0x80
    if head < 56:
        return at + 1, at + 1 + head
    start = at + 1 + head - 55
    return start, start + int.from_bytes(data[at + 1 : start], "big")


def decode(data: bytes) -> Decoded:
    """The one item that ``data`` holds. ``ValueError`` for what is truncated, too long or too deep.

    Meant for data that was checked when it came in: canonical forms are not enforced.
    """
    item, end = _decode(data, 0, len(data), 0)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes after the RLP item")
    return item


def decode_list(data: bytes) -> list[Decoded]:
    """The list that ``data`` holds; ``ValueError`` for anything else."""
    item = decode(data)
    if isinstance(item, bytes):
        raise ValueError("an RLP string where a list should be")
    return item


def _decode(data: bytes, at: int, limit: int, depth: int) -> tuple[Decoded, int]:
    if at >= limit or depth > MAX_DEPTH:
        raise ValueError("RLP ends early" if at >= limit else "RLP lists nest too deep")
    start, end = span(data, at)
    if end > limit:
        raise ValueError("an RLP item reaches beyond its list")
    if data[at] < 0xC0:
        return data[start:end], end
    items: list[Decoded] = []
    while start < end:
        item, start = _decode(data, start, end, depth + 1)
        items.append(item)
    return items, end
