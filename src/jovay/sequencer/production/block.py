"""What comes of making a block: its changes of the state first, receipts and body a little later; and figures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.chain.environment import BlockEnvironment
from jovay.state.machine import NativeMachine
from jovay.state.writes import WriteSet

from .touched import TouchedKeys

U64Array = npt.NDArray[np.uint64]


@dataclass(slots=True)
class BlockStatistics:
    """What happened while a block was made; times in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)
    groups: int = 0
    grouped: int = 0
    largest_group: int = 0
    deferred: int = 0
    misses: int = 0
    rounds: int = 0
    renewals: int = 0  # how often the serial rest made room in its view
    spent: int = 0  # gas that the executions took, repetitions included; slow precompiles count by their time

    def time(self, stage: str, since: float) -> float:
        """Add the time since ``since`` to ``stage``; answers now."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - since
        return now


@dataclass(frozen=True, slots=True)
class Draft:
    """A block on its way through the stages: what it was asked to be, and figures.

    ``in_order``: all run one after the other, and nothing that is valid is left out. ``bounded``: what takes long is
    set aside. ``needs``: what the block's gas can take of the world's tables.
    """

    environment: BlockEnvironment
    transactions: U64Array  # addresses of their records
    messages: int  # how many of them, the first ones, are L1 messages
    beside: Sequence[NativeMachine]  # those that executed the next of them
    bounded: bool
    in_order: bool
    stamp: int
    needs: tuple[int, int, int, int]
    statistics: BlockStatistics = field(default_factory=BlockStatistics)


@dataclass(frozen=True, slots=True)
class BlockBody:
    """The transactions of a block back to back, with their hashes (32), senders (20) and offsets (u32, n + 1)."""

    hashes: bytes
    senders: bytes
    offsets: bytes
    transactions: bytes


@dataclass(frozen=True, slots=True)
class Dropped:
    """Transactions that a block took and does not contain: their indexes, ascending, and the status of each."""

    indexes: U64Array
    statuses: U64Array

    def __len__(self) -> int:
        return len(self.indexes)

    def after(self, count: int) -> Dropped:
        """Those after the first ``count`` transactions, with indexes that count from there."""
        later = self.indexes >= count
        return Dropped(self.indexes[later] - np.uint64(count), self.statuses[later])

    def counts(self) -> dict[int, int]:
        """How many there are of each status."""
        statuses, counts = np.unique(self.statuses, return_counts=True)
        return dict(zip(statuses.tolist(), counts.tolist(), strict=True))


@dataclass(slots=True)
class ProducedBlock:
    """A block executed in memory. Arrays are copies, in block order; ``order`` indexes the given transactions."""

    environment: BlockEnvironment
    order: U64Array
    dropped: Dropped
    receipts: npt.NDArray[Any]
    logs: bytes
    log_data: bytes
    gas_used: int
    blob_gas_used: int
    bloom: bytes
    receipts_root: bytes
    transactions_root: bytes
    body: BlockBody
    writes: WriteSet
    touched: TouchedKeys | None  # what the block read or wrote, as it was before, where that is recorded
    statistics: BlockStatistics


@dataclass(frozen=True, slots=True)
class ExecutedBlock:
    """A block whose changes of the state are known while another thread still puts the rest together."""

    writes: WriteSet
    touched: TouchedKeys | None
    statistics: BlockStatistics
    _produced: Future[ProducedBlock]

    def finish(self) -> ProducedBlock:
        """The whole block; to be called before the producer's next one. Raises ``ArenaFullError``."""
        return self._produced.result()
