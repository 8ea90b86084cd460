"""Executing a stored chain again from its genesis, serially in a fresh world, and comparing every header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from jovay.chain.block_hashes import BlockHashes
from jovay.chain.genesis import Genesis
from jovay.chain.rules import ChainRules
from jovay.chain.types import Header
from jovay.kernel.protocol.gas import LOG
from jovay.kernel.protocol.limits import BLOCK_HASHES
from jovay.native.library import Library
from jovay.native.records import pointers_to
from jovay.state.genesis import genesis_state
from jovay.state.machine import SHARED
from jovay.state.trie import StateTrie
from jovay.state.world import NativeWorld
from jovay.storage.blocks import BlockStore
from jovay.storage.environments import stored_environment
from jovay.storage.headers import read_header

from .errors import ReexecutionError
from .portal import Portal
from .production.block import ProducedBlock
from .production.producer import BlockProducer


class Reexecution:
    """A fresh world that executes the blocks of a store, which must begin with block 0."""

    def __init__(
        self,
        library: Library,
        blocks: BlockStore,
        genesis: Genesis,
        accounts: int = 1 << 20,
        slots: int = 1 << 22,
    ) -> None:
        self._library, self._blocks, self._rules = library, blocks, ChainRules(genesis)
        self._world = NativeWorld(library, accounts=accounts, slots=slots, history=1 << 10)
        self._trie = StateTrie(library)
        self._portal = Portal(library)
        # One machine takes the logs of a whole block, however many shared them when it was made.
        gas = max(read_header(blocks, number).gas_limit for number in (0, blocks.latest))
        self._producer = BlockProducer(library, self._world, 1, gas=gas, shared=max(SHARED, gas // LOG))
        self._hashes = BlockHashes()
        self._begin(genesis)

    def _begin(self, genesis: Genesis) -> None:
        state = genesis_state(self._library, genesis)
        self._world.insert(state.accounts, state.slots, state.codes)
        self._compare(
            0,
            "state root",
            read_header(self._blocks, 0).state_root,
            self._trie.update(state),
        )

    def run(self, progress: Callable[[int], None] = lambda number: None) -> int:
        """Execute all blocks; the number of the last one. Raises ``ReexecutionError`` at the first difference."""
        parent = read_header(self._blocks, 0)
        for number in range(1, self._blocks.latest + 1):
            self._hashes.put(parent.number, parent.hash)
            parent = self._block(number, parent)
            progress(number)
        self._producer.close()
        return parent.number

    def _block(self, number: int, parent: Header) -> Header:
        header = read_header(self._blocks, number)
        self._compare(number, "parent hash", header.parent_hash, parent.hash)
        offsets, raw = self._blocks.transactions(number)
        batch = self._portal.decode(raw, offsets[1:].astype(np.uint64))
        senders = self._blocks.senders(number)
        self._compare(number, "senders", senders, np.ascontiguousarray(batch.records["sender"]).tobytes())
        environment = stored_environment(self._blocks, self._rules, header)
        environment = replace(environment, hashes=self._hashes, hashes_known=min(BLOCK_HASHES, number))
        produced = self._producer.produce(environment, pointers_to(batch.records), serial=True)
        self._compare_block(header, produced)
        return header

    def _compare_block(self, header: Header, produced: ProducedBlock) -> None:
        number = header.number
        self._compare(number, "transactions root", header.transactions_root, produced.transactions_root)
        self._compare(number, "receipts root", header.receipts_root, produced.receipts_root)
        self._compare(number, "logs bloom", header.logs_bloom, produced.bloom)
        self._compare(number, "gas used", header.gas_used, produced.gas_used)
        self._compare(number, "state root", header.state_root, self._trie.update(produced.writes))

    @staticmethod
    def _compare(number: int, what: str, stored: bytes | int, found: bytes | int) -> None:
        if stored != found:
            raise ReexecutionError(number, what, stored, found)
