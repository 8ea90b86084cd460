"""Re-execution of a chain, one transaction after the other on a world of its own: every state root must come again."""

from __future__ import annotations

import ctypes
import tempfile
from dataclasses import replace

import numpy as np

from jovay.chain.environment import BlockEnvironment, environment_of
from jovay.chain.genesis import Genesis
from jovay.kernel.block import changes, system
from jovay.kernel.block.changes import AccountChange, Changes, SlotChange
from jovay.kernel.evm.process import process_transaction
from jovay.kernel.machine import commit, status, view
from jovay.kernel.transaction.record import TRANSACTION_SIZE
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.records import View, array_at, new_record
from jovay.sequencer.portal import Portal
from jovay.state.machine import NativeMachine
from jovay.state.writes import WriteSet
from jovay.storage.datadir import DataDirectory
from jovay.storage.headers import read_header

from .node import open_world

ROOM = 1 << 20


class Verifier:
    """A world, a trie and a machine that know nothing but the genesis."""

    def __init__(self, library: Library, data: DataDirectory, genesis: Genesis, leaves: int) -> None:
        self.library = library
        self.chain = open_world(library, data, genesis, leaves)
        self.machine, self.portal = NativeMachine(library, self.chain.world), Portal(library)
        self._accounts, self._slots = Arena(ROOM * AccountChange.size), Arena(ROOM * SlotChange.size)

    def execute(self, environment: BlockEnvironment, data: bytes, ends: np.ndarray) -> bytes:
        """The state root after a block of these transactions."""
        machine, world, call = self.machine, self.chain.world, self.library
        environment.write(machine.block)
        world.go_to(environment.number)
        machine.view.parallel = machine.view.group = 0
        while call[system.begin_block](machine.address, int.from_bytes(environment.parent_hash, "big"), 0):
            world.load(machine.take_misses())
        batch = self.portal.decode(data, ends) if len(ends) else None
        for i in range(len(ends)):
            assert batch is not None
            address = batch.first_address + i * TRANSACTION_SIZE
            while (
                how := call[process_transaction](machine.address, address, 1 << 60, machine.result.pointer)
            ) == status.MISS:
                world.load(machine.take_misses())
            if how:
                raise RuntimeError(f"block {environment.number}, transaction {i}: status {how}")
        if call[commit.commit_view](machine.address):
            raise MemoryError("the verifying world is full")
        spec = new_record(Changes, {"accounts": self._accounts.address, "slots": self._slots.address})
        call[changes.collect_changes](world.address, environment.number, ctypes.addressof(spec))
        call[view.reset_view](machine.address)
        found = View(Changes, ctypes.addressof(spec))
        accounts = array_at(self._accounts.address, found.account_count, AccountChange).copy()
        slots = array_at(self._slots.address, found.slot_count, SlotChange).copy()
        return self.chain.trie.update(WriteSet(accounts, slots))


def verify(library: Library, data: DataDirectory, genesis: Genesis, chain_id: int, leaves: int) -> int:
    """Re-execute all blocks of ``data``; the number of blocks. Raises ``RuntimeError`` at the first other root."""
    with tempfile.TemporaryDirectory(prefix="jovay-verify-") as path, DataDirectory(path) as own:
        verifier = Verifier(library, own, genesis, leaves)
        rules, hashes = verifier.chain.rules, Arena(256 * 32)
        for number in range(1, data.blocks.latest + 1):
            header = read_header(data.blocks, number)
            ctypes.memmove(hashes.address + (number - 1) % 256 * 32, header.parent_hash, 32)
            environment = replace(
                environment_of(header, rules), hashes=hashes.address, hashes_known=min(256, number)
            )
            offsets, raw = data.blocks.transactions(number)
            root = verifier.execute(environment, raw, offsets[1:].astype(np.uint64))
            if root != header.state_root:
                raise RuntimeError(
                    f"block {number}: root {header.state_root.hex()}, re-executed {root.hex()}"
                )
        return int(data.blocks.latest)
