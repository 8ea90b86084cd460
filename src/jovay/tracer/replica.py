"""A second state, for blocks of which nothing was recorded: it follows the write sets of the block log from genesis on
and executes the block that is asked for. The node's own state and trie are not looked at, and no block waits for it.
"""

from __future__ import annotations

import dataclasses
import threading
import time

import numpy as np

from jovay.chain.block_hashes import BlockHashes
from jovay.chain.environment import BlockEnvironment
from jovay.chain.rules import ChainRules
from jovay.chain.types import Header
from jovay.kernel.protocol.gas import LOG
from jovay.kernel.protocol.limits import BLOCK_HASHES
from jovay.native.library import Library
from jovay.native.records import pointers_to
from jovay.sequencer.portal import Portal
from jovay.sequencer.production.producer import BlockProducer
from jovay.sequencer.production.touched import TouchedKeys
from jovay.state.errors import HistoryUnavailableError, StateRootError
from jovay.state.genesis import genesis_state
from jovay.state.historical_values import stored_writes
from jovay.state.machine import SHARED
from jovay.state.spv import Spv
from jovay.state.trie import StateTrie
from jovay.state.world import NativeWorld
from jovay.state.writes import WriteSet, last_of
from jovay.storage.blocks import BlockStore
from jovay.storage.environments import stored_environment
from jovay.storage.headers import read_header

from .errors import WitnessError

#: Changes of so many records are brought in together.
TOGETHER = 50_000
#: Seconds for which a replica stays that nobody asks.
KEPT = 60.0


class Replica:
    """The state after block ``number`` of a chain whose log begins with block 0."""

    def __init__(self, library: Library, blocks: BlockStore, rules: ChainRules, gas: int) -> None:
        self._library, self._blocks, self._rules = library, blocks, rules
        genesis = genesis_state(library, rules.genesis)
        self._world = NativeWorld(library, history=1 << 22)
        self._world.insert(genesis.accounts, genesis.slots, genesis.codes)
        self._world.holds_everything()
        self._trie = StateTrie(library)
        self._trie.update(genesis)
        self._portal, self._hashes = Portal(library), BlockHashes()
        # One machine takes the logs of a whole block, however many shared them when it was made.
        shared = max(SHARED, gas // LOG)
        self._producer = BlockProducer(
            library, self._world, 1, 1 << 20, True, gas=gas, shared=shared, settled=rules.settled
        )
        self._gas, self.head = gas, read_header(blocks, 0)
        self.is_spoilt = False  # in the midst of a change

    def leads_to(self, header: Header) -> bool:
        """Whether it stands before a block, on the same chain, and has room for that."""
        number, blocks = self.head.number, self._blocks
        on_chain = number <= blocks.latest and blocks.hash_of(number) == self.head.hash
        return on_chain and number < header.number and header.gas_limit <= self._gas

    def close(self) -> None:
        """Stop its threads."""
        self._producer.close()

    def execute(self, header: Header, deadline: float) -> Spv:
        """Follow the chain as far as the parent of ``header``, and execute that block.

        Raises ``StateRootError`` if the log's write sets lead to another state, ``WitnessError`` if it is not there in
        time.
        """
        self._follow(header, deadline)
        self.is_spoilt = True
        touched, proof, root = self._execute(header)
        if root != header.state_root:  # the state was edited in it
            edited = stored_writes(self._blocks, header.number)
            self._world.bring(edited, header.number)
            self._check_root(header, self._trie.update(edited))
        self.head, self.is_spoilt = header, False
        return Spv.of(touched.keys.accounts, touched.keys.slots, touched.founded, touched.ancestors, proof)

    def _follow(self, header: Header, deadline: float) -> None:
        """Bring in what changed up to the parent of a block, many blocks at once."""
        while self.head.number < header.number - 1:
            if time.monotonic() > deadline:
                reason = f"executing it again begins with block {self.head.number} so far; ask again"
                raise WitnessError(header.number, reason)
            sets, size, number = list[WriteSet](), 0, self.head.number
            while number < header.number - 1 and size < TOGETHER:
                number += 1
                sets.append(stored_writes(self._blocks, number))
                size += len(sets[-1].accounts) + len(sets[-1].slots)
            self.is_spoilt, together = True, _joined(sets)
            self._world.bring(together, number)
            reached = read_header(self._blocks, number)
            self._check_root(reached, self._trie.update(together))
            self.head, self.is_spoilt = reached, False

    @staticmethod
    def _check_root(header: Header, root: bytes) -> None:
        if root != header.state_root:
            raise StateRootError(header.number, header.state_root, root)

    def _execute(self, header: Header) -> tuple[TouchedKeys, bytes, bytes]:
        number, blocks = header.number, self._blocks
        offsets, raw = blocks.transactions(number)
        batch = self._portal.decode(raw, offsets[1:].astype(np.uint64))
        # An impersonated sender's transaction (development) has no signature.
        batch.records["sender"] = np.frombuffer(blocks.senders(number), "V20")
        executed = self._producer.execute(self._environment(header), pointers_to(batch.records), serial=True)
        touched = executed.touched
        assert touched is not None
        root, proof = self._trie.update_proven(touched.now)
        executed.finish()
        return touched, proof, root

    def _environment(self, header: Header) -> BlockEnvironment:
        number = header.number
        for before in range(max(0, number - BLOCK_HASHES), number):
            self._hashes.put(before, self._blocks.hash_of(before))
        environment = stored_environment(self._blocks, self._rules, header)
        return dataclasses.replace(environment, hashes=self._hashes, hashes_known=min(BLOCK_HASHES, number))


def _joined(sets: list[WriteSet]) -> WriteSet:
    """Write sets of consecutive blocks as one."""
    accounts = last_of(np.concatenate([one.accounts for one in sets]), ("address",)).copy()
    accounts["kept"] = 0  # by the last block, not by all of them
    slots = last_of(np.concatenate([one.slots for one in sets]), ("address", "key"))
    return WriteSet(accounts, slots, [code for one in sets for code in one.codes])


def has_write_sets(blocks: BlockStore) -> bool:
    """Whether the log leads from block 0 on."""
    try:
        stored_writes(blocks, 1)
    except HistoryUnavailableError:
        return False
    return True


class Replicas:
    """A replica that is made when one is needed, and goes when nobody has asked for a while."""

    def __init__(self, library: Library, blocks: BlockStore, rules: ChainRules) -> None:
        self._library, self._blocks, self._rules = library, blocks, rules
        self._lock = threading.Lock()
        self._replica: Replica | None = None
        self._timer: threading.Timer | None = None

    def execute(self, header: Header, time_limit: float) -> Spv:
        """What block ``header`` touches. Raises ``WitnessError`` if the way there takes too long; it goes on with the
        next call.
        """
        deadline = time.monotonic() + time_limit
        with self._lock:
            try:
                return self._at(header).execute(header, deadline)
            except BaseException:
                self._forget_if_spoilt()
                raise
            finally:
                self._keep_for_a_while()

    def close(self) -> None:
        """Give back the memory."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._drop()

    def _at(self, header: Header) -> Replica:
        """One that stands before a block, on its chain, with room for its transactions."""
        replica = self._replica
        if replica is not None and not replica.leads_to(header):
            self._drop()
        if self._replica is None:
            self._replica = Replica(self._library, self._blocks, self._rules, header.gas_limit)
        return self._replica

    def _forget_if_spoilt(self) -> None:
        if self._replica is not None and self._replica.is_spoilt:
            self._drop()

    def _keep_for_a_while(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(KEPT, self.close)
        self._timer.daemon = True
        self._timer.start()

    def _drop(self) -> None:
        if self._replica is not None:
            self._replica.close()
            self._replica = None
