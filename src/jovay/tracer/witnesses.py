"""Execution witnesses of stored blocks: the block is executed again, and what it looked at is proven."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator

import numpy as np

from jovay.chain.types import EMPTY_CODE_HASH, ExecutionWitness, Header
from jovay.native.library import Library
from jovay.simulation.context import HASHES, BlockContext
from jovay.simulation.simulate import Simulator
from jovay.simulation.source import ChainSource
from jovay.state.errors import UnknownBlockError, WitnessError
from jovay.state.historical_tries import HistoricalTries
from jovay.state.reader import StateReader
from jovay.state.trie import SCHEME
from jovay.state.writes import WriteSet

from .witness import BlockInput, StatelessExecutor

ARENA_BYTES = 8 << 30
SCALES = (0, 1)
"""Sizes of the arenas that the execution gets: a guest's where that is enough."""


class Witnesses:
    """Makes witnesses, and hands out none with which the block cannot be executed."""

    def __init__(
        self,
        library: Library,
        chain: ChainSource,
        state: StateReader,
        simulator: Simulator,
        tries: HistoricalTries,
    ) -> None:
        self._library, self._chain, self._state = library, chain, state
        self._simulator, self._tries = simulator, tries
        self._executor: StatelessExecutor | None = None
        self._lock = threading.Lock()

    def witness(self, number: int, time_limit: float) -> ExecutionWitness:
        """Witness of block ``number``; ``WitnessError`` where a block is not what its transactions make of it."""
        header, parent = self._chain.header(number), self._chain.raw_header(number - 1)
        if header is None or parent is None:
            raise UnknownBlockError(number)
        context, keys = self._simulator.keys_of(number, time_limit)
        touched = self._before(number, keys)
        with self._tries.whole(number - 1) as trie:
            proof = trie.multiproof(touched)
        given = self._input(header, context, touched, proof)
        return ExecutionWitness(
            scheme=SCHEME,
            input=self._checked(given, header),
            state=(proof,),
            codes=tuple(touched.codes),
            keys=tuple(_keys(touched)),
            headers=(parent,),
        )

    def _before(self, number: int, keys: WriteSet) -> WriteSet:
        """The values of keys before the block, with the accounts' code."""
        before = self._tries.past.writes(keys.accounts, keys.slots, number - 1)
        accounts = before.accounts
        coded = accounts["code_hash"] != np.void(EMPTY_CODE_HASH[::-1])
        blank = np.void(bytes(32))
        # An empty account (EIP-161) is none in the trie.
        accounts["exists"] = coded | (accounts["nonce"] != 0) | (accounts["balance"] != blank)
        addresses = [row["address"].tobytes()[19::-1] for row in accounts[coded]]
        codes = dict.fromkeys([self._state.code(address, number - 1) for address in addresses])
        return WriteSet(accounts, before.slots, list(codes))

    def _input(self, header: Header, context: BlockContext, touched: WriteSet, proof: bytes) -> BlockInput:
        parent = self._chain.header(header.number - 1)
        assert parent is not None
        environment = dataclasses.replace(context.environment, hashes=0, hashes_known=0)
        return BlockInput(
            block=environment.packed(),
            parent_hash=header.parent_hash,
            parent_root=parent.state_root,
            touched=touched,
            multiproof=proof,
            hashes=self._hashes(header.number),
            transactions=[stored.raw for stored in self._chain.stored_transactions(header.number)],
        )

    def _hashes(self, number: int) -> list[bytes]:
        """Hashes of the blocks before, oldest first, as far back as they are known and BLOCKHASH reaches."""
        found: list[bytes] = []
        for before in range(number - 1, max(-1, number - 1 - HASHES), -1):
            known = self._chain.block_hash(before)
            if known is None:
                break
            found.append(known)
        return found[::-1]

    def _checked(self, given: BlockInput, header: Header) -> bytes:
        """The encoded input, once it has given the block's roots."""
        reason = ""
        for scale in SCALES:
            encoded = given.encode(scale)
            with self._lock:
                if self._executor is None:
                    self._executor = StatelessExecutor(self._library, ARENA_BYTES)
                result = self._executor.execute(encoded)
            if not result.status:
                if (result.state_root, result.receipts_root) == (header.state_root, header.receipts_root):
                    return encoded
                reason = "development methods have changed the state in it"
                break
            reason = result.error
        raise WitnessError(header.number, reason)


def _keys(touched: WriteSet) -> Iterator[bytes]:
    """Addresses, and addresses with a slot behind."""
    for row in touched.accounts:
        yield row["address"].tobytes()[19::-1]
    for row in touched.slots:
        yield row["address"].tobytes()[19::-1] + row["key"].tobytes()[::-1]
