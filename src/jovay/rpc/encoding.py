"""JSON of results in pieces: an encoder's call cannot be interrupted, so it is never given much at once.

A result may hold iterators, which become arrays without ever being there as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from jovay.rpc.errors import RESPONSE_TOO_LARGE, RpcError
from jovay.turns import READS

_encode = msgspec.json.Encoder().encode
_PIECE = 64 << 10
"""Bytes of JSON that are made in one go, about."""
_TOGETHER = 64
"""Entries of an array that are encoded together."""
_EACH = 8
"""Bytes of a number, and of what surrounds a member."""
Text = bytes | bytearray
"""JSON; a bytearray where it is long, grown in place, since copying it takes long as well."""


class Fragments:
    """JSON that is put together elsewhere, piece by piece."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces


def too_large() -> RpcError:
    """The answer would be longer than the node's limit."""
    return RpcError("response too large", RESPONSE_TOO_LARGE)


def encode(result: Any, limit: int | None = None, head: bytes = b"") -> Text:
    """``head`` and JSON of a handler's result, of at most ``limit`` bytes; ``msgspec.Raw`` goes in as it is."""
    if weigh(result, _PIECE) <= _PIECE:
        content = _encode(result)
        if limit is not None and len(content) > limit:
            raise too_large()
        return head + content if head else content
    text = bytearray(head)
    for piece in _pieces(result):
        text += piece
        if limit is not None and len(text) - len(head) > limit:
            raise too_large()
        READS.pass_on()
    return text


def weigh(value: Any, most: int) -> int:
    """Bytes of its JSON, about; they are counted up to ``most``. What comes piece by piece weighs more than that."""
    kind = type(value)
    if kind is str:
        return len(value)
    if kind is dict or kind is list:
        weight = 0
        for member in value.values() if kind is dict else value:
            weight += _EACH + (len(member) if type(member) is str else weigh(member, most - weight))
            if weight > most:
                break
        return weight
    if value is None or kind is int or kind is bool:
        return _EACH
    if isinstance(value, msgspec.Raw):
        return len(memoryview(value))
    return most + 1 if isinstance(value, Iterator | Fragments) else _EACH


def _pieces(value: Any) -> Iterator[bytes | memoryview]:
    """JSON of what weighs more than a piece."""
    if isinstance(value, str):
        yield b'"'
        for start in range(0, len(value), _PIECE):
            yield _whole(value[start : start + _PIECE])[1:-1]
        yield b'"'
    elif isinstance(value, msgspec.Raw):
        content = memoryview(value)
        yield from (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))
    elif isinstance(value, Fragments):
        yield from value.pieces
    elif isinstance(value, dict):
        separator = b"{"
        for name, member in value.items():
            yield separator + _encode(str(name)) + b":"
            yield from _pieces(member) if weigh(member, _PIECE) > _PIECE else (_whole(member),)
            separator = b","
        yield b"}"
    else:
        yield from _array(value)


def _array(values: Any) -> Iterator[bytes | memoryview]:
    """JSON of a long array, or one that holds much: what is light together, what is heavy in pieces."""
    light: list[Any] = []
    separator, sum_ = b"[", 0
    for value in values:
        weight = weigh(value, _PIECE)
        if light and (sum_ + weight > _PIECE or len(light) == _TOGETHER):
            yield separator + _whole(light)[1:-1]
            separator, light, sum_ = b",", [], 0
        if weight <= _PIECE:
            light.append(value)
            sum_ += weight + _EACH
            continue
        yield separator
        yield from _pieces(value)
        separator = b","
    if light:
        yield separator + _whole(light)[1:-1]
        separator = b","
    yield b"[]" if separator == b"[" else b"]"


def _whole(value: Any) -> bytes:
    with READS.unbroken():
        return _encode(value)
