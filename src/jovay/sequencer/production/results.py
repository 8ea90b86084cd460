"""Receipts, logs, roots and body of an executed block, out of its runs."""

from __future__ import annotations

import ctypes

from jovay.kernel.block import body, receipts
from jovay.kernel.block.body import Body
from jovay.kernel.block.receipts import BlockReceipts, Receipt, StoredLog
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.records import View, new_record
from jovay.state.errors import ArenaFullError
from jovay.state.world import MEGABYTE

from .block import BlockBody


class Results:
    """Arenas for one block of up to ``capacity`` transactions and so many logs with so many bytes of data."""

    def __init__(self, library: Library, capacity: int, logs: int, log_bytes: int) -> None:
        self._library, self._max_logs = library, logs
        self.receipts = Arena(capacity * Receipt.size, name="results.receipts")
        self.logs = Arena(logs * StoredLog.size, name="results.logs")
        self.log_data = Arena(log_bytes, name="results.log_data")
        self._scratch = Arena(1024 * MEGABYTE, name="results.scratch")

    def write_receipts(self, runs: int, order: int, included: int) -> View:
        """Write receipts and logs of the runs at ``runs`` in the order at ``order``. Raises ``ArenaFullError``."""
        spec = new_record(
            BlockReceipts,
            {
                "receipts": self.receipts.address,
                "logs": self.logs.address,
                "log_data": self.log_data.address,
                "log_capacity": self._max_logs,
                "log_data_capacity": self.log_data.size,
                "scratch": self._scratch.address,
                "scratch_size": self._scratch.size,
            },
        )
        self._spec = spec  # keeps the record alive behind the view
        at = ctypes.addressof(spec)
        if self._library[receipts.build_receipts](at, runs, order, included):
            raise ArenaFullError("the block's receipts do not fit")
        return View(BlockReceipts, at)

    def body(self, runs: int, order: int, included: int) -> BlockBody:
        """The transactions in block order. Raises ``ArenaFullError``."""
        at = self._scratch.address
        places = {"hashes": at, "senders": at + 32 * included, "offsets": at + 52 * included + 64}
        places["offsets"] -= places["offsets"] % 64
        places["transactions"] = places["offsets"] + 4 * included + 64
        places["capacity"] = self._scratch.address + self._scratch.size - places["transactions"]
        spec = new_record(Body, places)
        if self._library[body.write_body](runs, order, included, ctypes.addressof(spec)):
            raise ArenaFullError("the block's transactions do not fit")
        size = View(Body, ctypes.addressof(spec)).size
        return BlockBody(
            ctypes.string_at(places["hashes"], 32 * included),
            ctypes.string_at(places["senders"], 20 * included),
            ctypes.string_at(places["offsets"], 4 * (included + 1)),
            ctypes.string_at(places["transactions"], size),
        )
