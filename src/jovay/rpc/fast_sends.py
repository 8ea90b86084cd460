"""Batches of transactions, JSON in its usual form or binary, read and answered by the kernel in one pass each."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from functools import cache
from typing import overload

import msgspec

from jovay.kernel.lang import KernelFunction
from jovay.kernel.transaction import wire
from jovay.native import kernel
from jovay.native.arena import Buffer, borrowed
from jovay.native.records import new_record
from jovay.rpc.backend.pool import RawBatch

_PAIR = 8
"""Bytes of an id's place: where it begins and how long it is, 32 bits each."""


@cache
def _native(function: KernelFunction) -> Callable[..., int]:
    return kernel.load().brief(function)


class RawIds(Sequence[msgspec.Raw]):
    """The ids of a batch as they stand in its body."""

    def __init__(self, body: bytes, places: Buffer, count: int) -> None:
        self.body, self.places = body, places
        self._pairs = array("I", places.read(_PAIR * count))

    def __len__(self) -> int:
        return len(self._pairs) // 2

    @overload
    def __getitem__(self, index: int) -> msgspec.Raw: ...
    @overload
    def __getitem__(self, index: slice) -> list[msgspec.Raw]: ...
    def __getitem__(self, index: int | slice) -> msgspec.Raw | list[msgspec.Raw]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        start, size = self._pairs[2 * at : 2 * at + 2]
        return msgspec.Raw(self.body[start : start + size])

    def size(self) -> int:
        """Bytes of all ids."""
        return sum(self._pairs[1::2])


def scan(body: bytes) -> tuple[RawIds, RawBatch] | None:
    """Ids and transactions of a batch of the usual form; None for anything else, well-formed or not."""
    room = len(body) // wire.ENTRY_SIZE + 1
    parts = {
        "data": Buffer(len(body) // 2 + 1),
        "ends": Buffer(8 * room),
        "ids": Buffer(_PAIR * room),
    }
    found = new_record(wire.Sends, parts)
    if not _native(wire.scan_sends)(borrowed(body, 1), len(body), found):
        return None
    count = found.count
    ids = RawIds(body, parts["ids"], count)
    return ids, RawBatch(parts["data"].read(found.size), array("Q", parts["ends"].read(8 * count)))


FRAME_ERRORS = {
    wire.TRUNCATED_LENGTH: "truncated length",
    wire.TRUNCATED_TRANSACTION: "truncated transaction",
}


def split(body: bytes, most: int) -> RawBatch | str:
    """Transactions of a binary batch, or what is wrong with it."""
    room = min(most, len(body) // 4)
    data, ends = Buffer(len(body)), Buffer(8 * room)
    found = new_record(wire.Sends, {"data": data, "ends": ends})
    status = _native(wire.split_frames)(borrowed(body), len(body), most, found)
    if status != wire.FRAMES:
        return FRAME_ERRORS.get(status, f"more than {most} transactions")
    return RawBatch(data.read(found.size), array("Q", ends.read(8 * found.count)).tolist())


def answers(ids: RawIds, hashes: bytes) -> bytes:
    """The answers, each a hash."""
    count = len(ids)
    out = Buffer(count * wire.ANSWER_SIZE + ids.size() + 2)
    size = _native(wire.format_hashes)(borrowed(ids.body), ids.places, count, borrowed(hashes), out)
    return out.read(size)
