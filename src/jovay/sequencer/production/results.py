"""Receipts, logs, roots and body of an executed block, out of its runs."""

from __future__ import annotations

from jovay.kernel.block import body, receipts
from jovay.kernel.block.body import Body
from jovay.kernel.block.receipts import BlockReceipts, Receipt, StoredLog
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.places import Place
from jovay.native.records import View, new_record
from jovay.state.errors import ArenaFullError
from jovay.state.world import MEGABYTE

from .block import BlockBody, U64Array


class Results:
    """Arenas for one block of up to ``capacity`` transactions and so many logs with so many bytes of data."""

    def __init__(self, library: Library, capacity: int, logs: int, log_bytes: int) -> None:
        self._library, self._max_logs = library, logs
        self.receipts = Arena(capacity * Receipt.size, name="results.receipts")
        self.logs = Arena(logs * StoredLog.size, name="results.logs")
        self.log_data = Arena(log_bytes, name="results.log_data")
        self._scratch = Arena(1024 * MEGABYTE, name="results.scratch")

    def write_receipts(self, runs: Place, order: U64Array, included: int) -> View:
        """Write receipts and logs of the runs in the order of their indexes. Raises ``ArenaFullError``."""
        spec = new_record(
            BlockReceipts,
            {
                "receipts": self.receipts,
                "logs": self.logs,
                "log_data": self.log_data,
                "log_capacity": self._max_logs,
                "log_data_capacity": self.log_data.size,
                "scratch": self._scratch,
                "scratch_size": self._scratch.size,
            },
        )
        if self._library[receipts.build_receipts](spec, runs, order, included):
            raise ArenaFullError("the block's receipts do not fit")
        return spec

    def body(self, runs: Place, order: U64Array, included: int) -> BlockBody:
        """The transactions in block order. Raises ``ArenaFullError``."""
        at = self._scratch.address
        places = {"hashes": at, "senders": at + 32 * included, "offsets": at + 52 * included + 64}
        places["offsets"] -= places["offsets"] % 64
        places["transactions"] = places["offsets"] + 4 * included + 64
        places["capacity"] = self._scratch.address + self._scratch.size - places["transactions"]
        spec = new_record(Body, places)
        if self._library[body.write_body](runs, order, included, spec):
            raise ArenaFullError("the block's transactions do not fit")
        read = self._scratch.read
        return BlockBody(
            read(32 * included, spec.hashes),
            read(20 * included, spec.senders),
            read(4 * (included + 1), spec.offsets),
            read(spec.size, spec.transactions),
        )
