"""A recorded block at hand for changes: its witness, its state's trie, and what executing other blocks gives there."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from jovay.chain.environment import BlockEnvironment
from jovay.kernel.machine.environment import Block
from jovay.native.library import Library
from jovay.native.records import pointers_to, read_record, values_of
from jovay.sequencer.portal import Portal
from jovay.sequencer.production.producer import BlockProducer
from jovay.state.trie import StateTrie
from jovay.tracer.witness import StatelessResult

from .parts import HEAD, get, take_apart
from .record import FORK_NAMES, Recorded, record, small_trie, with_hashes, world_of


class Source:
    """The block of a seed."""

    def __init__(self, library: Library, seed: int) -> None:
        self.library, self.seed = library, seed
        self.recorded: Recorded = record(library, FORK_NAMES[seed % 3], seed)
        self.witness = self.recorded.input.encode(scale=0)
        self.parent_root = self.recorded.input.parent_root

    @cached_property
    def trie(self) -> StateTrie:
        """The trie before the block."""
        trie = small_trie(self.library)
        trie.update(self.recorded.genesis)
        return trie

    def made_of(self, witness: bytes) -> tuple[bytes, bytes, bytes, int, bytes] | None:
        """What the producer, which has the whole state, makes of the block in an accepted witness.

        State root, receipts root, transactions root, gas used, bloom; None where it drops a transaction.
        """
        parts = take_apart(witness)
        environment = with_hashes(environment_in(witness), parts.hashes)
        ends = np.cumsum([len(raw) for raw in parts.transactions], dtype=np.uint64)
        batch = Portal(self.library).decode(b"".join(parts.transactions), ends)
        if batch.statuses.any():
            return None
        producer = BlockProducer(self.library, world_of(self.library, self.recorded.genesis), 1, 64)
        try:
            block = producer.produce(environment, pointers_to(batch.records), serial=True)
        finally:
            producer.close()
        if len(block.order) != len(ends):
            return None
        after = small_trie(self.library)
        after.update(self.recorded.genesis)
        root = after.update(block.writes)
        return root, block.receipts_root, block.transactions_root, block.gas_used, block.bloom


def results_of(result: StatelessResult) -> tuple[bytes, bytes, bytes, int, bytes]:
    """The same of a stateless execution."""
    return (
        result.state_root,
        result.receipts_root,
        result.transactions_root,
        result.gas_used,
        result.bloom,
    )


def environment_in(witness: bytes) -> BlockEnvironment:
    """The environment in a witness's head."""
    at = HEAD["block.number"][0]
    block = values_of(read_record(Block, witness, at))
    block |= {"hashes": 0, "hashes_known": 0, "fees_to_coinbase": bool(block["fees_to_coinbase"])}
    del block["blob_target_update_fraction"]
    parent = get(witness, HEAD["parent_hash"])
    return BlockEnvironment(parent_hash=parent.to_bytes(32), **block)
