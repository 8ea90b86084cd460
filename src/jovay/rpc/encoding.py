"""JSON of results in pieces: an encoder's call cannot be interrupted, so it is never given much at once.

A result may hold iterators, which become arrays without ever being there as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from jovay.rpc.errors import RESPONSE_TOO_LARGE, RpcError
from jovay.turns import READS

_encode = msgspec.json.Encoder().encode
_PIECE = 64
"""Entries of an array that are encoded together."""
_DEEPEST = 3
"""Levels of objects and arrays that are looked through for long arrays."""


def too_large() -> RpcError:
    """The answer would be longer than the node's limit."""
    return RpcError("response too large", RESPONSE_TOO_LARGE)


def encode(result: Any, limit: int | None = None) -> bytes:
    """JSON of a handler's result, of at most ``limit`` bytes; ``msgspec.Raw`` goes in as it is."""
    if _is_short(result, _DEEPEST):
        content = _encode(result)
        if limit is not None and len(content) > limit:
            raise too_large()
        return content
    parts, size = [], 0
    for part in _pieces(result, _DEEPEST):
        parts.append(part)
        size += len(part)
        if limit is not None and size > limit:
            raise too_large()
    return b"".join(parts)


def _is_short(value: Any, levels: int) -> bool:
    """Whether no long array stands in the outer levels."""
    if isinstance(value, dict):
        return not levels or (len(value) <= _PIECE and all(_is_short(v, levels - 1) for v in value.values()))
    if isinstance(value, list):
        return len(value) <= _PIECE and (not levels or all(_is_short(v, levels - 1) for v in value[:4]))
    return not isinstance(value, Iterator)


def _pieces(value: Any, levels: int) -> Iterator[bytes]:
    if isinstance(value, Iterator):
        yield from _long(value)
    elif isinstance(value, list) and len(value) > _PIECE:
        yield from _long(iter(value))
    elif levels and isinstance(value, list):
        yield from _joined(b"[", [(b"", item) for item in value], b"]", levels)
    elif levels and isinstance(value, dict):
        yield from _joined(b"{", [(_encode(str(k)) + b":", item) for k, item in value.items()], b"}", levels)
    else:
        yield _encode(value)


def _joined(head: bytes, members: list[tuple[bytes, Any]], end: bytes, levels: int) -> Iterator[bytes]:
    yield head
    for position, (name, item) in enumerate(members):
        yield b"," + name if position else name
        yield from _pieces(item, levels - 1)
    yield end


def _long(values: Iterator[Any]) -> Iterator[bytes]:
    separator = b"["
    while piece := list(islice(values, _PIECE)):
        with READS.unbroken():
            content = _encode(piece)
        READS.pass_on()
        yield separator + content[1:-1]
        separator = b","
    yield b"[]" if separator == b"[" else b"]"
