"""A node and its L1: as the sequencer whose messages come from there, or as a follower whose blocks do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from jovay.bridge.follower.follower import Follower
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.data import BeaconNode, BlobArchive, BlobSource, RawDataSource
from jovay.bridge.l1.following import Following
from jovay.bridge.l1.following_errors import WrongContractsError
from jovay.bridge.l1.reader import FINALIZED, L1Reader
from jovay.bridge.l1.record import L1Record
from jovay.bridge.l1.watch import L1Watcher
from jovay.chain.settlement import Settlement
from jovay.sequencer.sequencer import Sequencer
from jovay.storage.headers import read_header

from .node_backend import NodeBackend

log = logging.getLogger("jovay.l1")
#: What is known of L1, in the folder of the chain's data.
RECORD = "l1.sqlite3"
#: Seconds between two looks at a development chain, and at another.
_QUICK, _USUAL = 0.25, 4.0


@dataclass(frozen=True)
class L1Settings:
    """``url`` of an L1 node's JSON-RPC; where blobs come from: a ``beacon`` node, an ``archive``, ``raw_data`` of
    somebody who keeps batches. ``confirmations``: None is as usual for such an L1. ``follow``: the chain is derived.
    """

    url: str
    beacon: str | None = None
    archive: str | None = None
    raw_data: str | None = None
    confirmations: int | None = None
    follow: bool = False

    def sources(self, settlement: Settlement) -> list[BlobSource]:
        """In the order in which they are asked. Anvil is its own beacon node."""
        beacon = self.beacon or (self.url if settlement.is_on_development_l1 else None)
        found: list[BlobSource] = [BeaconNode(beacon)] if beacon else []
        found += [BlobArchive(self.archive)] if self.archive else []
        return found + ([RawDataSource(self.raw_data)] if self.raw_data else [])

    def reader(
        self, settlement: Settlement, record: L1Record, genesis: tuple[bytes, bytes] | None
    ) -> L1Reader:
        """Development chains count at once, others once a block is final."""
        confirmations = self.confirmations
        if confirmations is None:
            confirmations = 0 if settlement.is_on_development_l1 else FINALIZED
        return L1Reader(L1Client(self.url), settlement, record, confirmations, genesis)


def follow_l1(
    backend: NodeBackend, settlement: Settlement, settings: L1Settings, folder: Path, running: ExitStack
) -> Following:
    """Follow L1 until ``running`` ends, with what is known of it in ``folder``."""
    sequencer = backend.sequencer
    blocks, record = sequencer.data.blocks, L1Record(folder / RECORD)
    running.callback(record.close)
    first = read_header(blocks, 0) if blocks.oldest == 0 else None
    reader = settings.reader(settlement, record, (first.state_root, first.hash) if first else None)
    sources = settings.sources(settlement)
    development = settlement.is_on_development_l1
    failed = sequencer.fail if settings.follow else _halting(sequencer)
    if settings.follow:
        step = Follower(sequencer, reader, sources, sequencer.rewind_to).step
    else:
        step = L1Watcher(sequencer, reader, sources, sequencer.rewind_to if development else None).step
    if backend.settlement is not None:
        backend.settlement.see_l1(record.view)
    following = Following(step, failed, _QUICK if development else _USUAL)
    running.callback(following.stop)
    following.start()
    return following


def _halting(sequencer: Sequencer) -> Callable[[BaseException], None]:
    """The wrong L1 ends a node; anything else ends the making of blocks, and what is there can still be read."""

    def failed(error: BaseException) -> None:
        (sequencer.fail if isinstance(error, WrongContractsError) else sequencer.halt)(error)

    return failed
