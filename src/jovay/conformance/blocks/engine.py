"""One block over the state before it: the node's producer for the transactions, Ethereum's rules around them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jovay.chain.block_hashes import BlockHashes
from jovay.chain.environment import BlockEnvironment
from jovay.chain.header import encode_withdrawal
from jovay.chain.reasons import ending
from jovay.chain.types import Header
from jovay.conformance.state_tests import EngineError
from jovay.kernel.evm.validity import BLOCK_GAS_EXHAUSTED, FEE_CAP_TOO_LOW, INVALID
from jovay.kernel.machine import status
from jovay.kernel.programs.state_test import state_root
from jovay.kernel.protocol.limits import BLOCK_HASHES
from jovay.native.arena import Arena, Buffer
from jovay.native.hashing import ordered_root
from jovay.native.library import Library
from jovay.native.records import int_of
from jovay.sequencer.portal import DecodedBatch, Portal
from jovay.sequencer.production.block import ProducedBlock
from jovay.sequencer.production.producer import BlockProducer
from jovay.sequencer.production.wait_limits import WaitLimits
from jovay.state.world import NativeWorld

from .encoding import DecodedBlock
from .header_rules import blob_base_fee, check_blob_gas_used, check_blobs
from .network import Network
from .refusals import invalid_transaction, refused, undecodable_transaction
from .requests import requests_hash
from .state import State, read_state, write_state
from .system import SystemCalls

#: A block of the main chain waits for whatever it needs.
ENDLESS = WaitLimits(waiting=float("inf"))
SCRATCH_BYTES = 1 << 30
#: The most gas of a block for which the arenas have room; one transaction may use it all until Osaka.
BLOCK_GAS = 1 << 27


class BlockEngine:
    """Executes blocks, in parallel or serially; one at a time. ``reordered``: how many the producer reordered."""

    def __init__(self, library: Library, parallel: bool = False, workers: int = 2) -> None:
        self.library, self.parallel, self.reordered = library, parallel, 0
        self._world = NativeWorld(
            library, accounts=1 << 17, slots=1 << 20, code_bytes=1 << 28, history=1 << 16
        )
        self._producer = BlockProducer(
            library, self._world, workers if parallel else 1, waits=ENDLESS, gas=BLOCK_GAS
        )
        self._system = SystemCalls(library, self._world)
        self._portal = Portal(library)
        self._hashes = BlockHashes()
        self._scratch = Arena(SCRATCH_BYTES, huge_pages=False, name="roots' scratch")
        self._in_place: State | None = None  # the state that the world is at

    def close(self) -> None:
        """Stop the worker threads."""
        self._producer.close()

    def root_of(self, state: State) -> bytes:
        """The MPT root of a state."""
        self._go_to(state, 0)
        return self._root()

    def execute(
        self, block: DecodedBlock, network: Network, parent: Header, state: State, hashes: Sequence[bytes]
    ) -> State:
        """The state after ``block``, whose header has been checked.

        ``hashes``: of the last blocks before it, newest last.
        Raises ``RefusedBlockError`` if it is invalid, ``EngineError`` if it could not be executed.
        """
        self._check_withdrawals(block)
        batch = self._decode(block)
        self._go_to(state, parent.number)
        self._in_place = None
        environment = self._environment(block, network, hashes)
        produced = self._produce(environment, batch, state, parent.number)
        self._check_transactions(block, batch, produced)
        requests = self._system.finish(block, environment, produced)
        self._compare(block, produced, requests)
        self._in_place = read_state(self._world)
        return self._in_place

    def _go_to(self, state: State, height: int) -> None:
        if self._in_place is not state:
            write_state(state, self._world, height)
            self._in_place = state

    def _check_withdrawals(self, block: DecodedBlock) -> None:
        if block.withdrawals is not None:
            encoded = [encode_withdrawal(withdrawal) for withdrawal in block.withdrawals]
            if ordered_root(self.library, encoded) != block.header.withdrawals_root:
                raise refused("INVALID_WITHDRAWALS_ROOT", "another withdrawals root")

    def _decode(self, block: DecodedBlock) -> DecodedBatch:
        raws = block.transactions
        ends = np.cumsum([len(raw) for raw in raws], dtype=np.uint64)
        batch = self._portal.decode(b"".join(raws), ends)
        for index, how in enumerate(batch.statuses.tolist()):
            kind = raws[index][0] if raws[index] and raws[index][0] < 0xC0 else 0
            if how:
                raise undecodable_transaction(index, kind, how)
            if batch.records["gas_limit"][index] > block.header.gas_limit:
                raise invalid_transaction(index, kind, BLOCK_GAS_EXHAUSTED, ending(BLOCK_GAS_EXHAUSTED))
        check_blobs(block, sum(batch.records["blob_count"].tolist()))
        return batch

    def _environment(
        self, block: DecodedBlock, network: Network, hashes: Sequence[bytes]
    ) -> BlockEnvironment:
        header, fork = block.header, block.fork
        for back, known in enumerate(reversed(hashes[-BLOCK_HASHES:]), 1):
            self._hashes.put(header.number - back, known)
        return BlockEnvironment(
            number=header.number,
            timestamp=header.timestamp,
            gas_limit=header.gas_limit,
            base_fee=header.base_fee_per_gas or 0,
            coinbase=int.from_bytes(header.coinbase, "big"),
            chain_id=network.chain_id,
            fork=fork.rules,
            parent_hash=header.parent_hash,
            prevrandao=int.from_bytes(header.mix_hash, "big"),
            blob_base_fee=blob_base_fee(fork, header.excess_blob_gas or 0),
            max_blobs=fork.blobs.maximum,
            fees_to_coinbase=False,
            hashes=self._hashes,
            hashes_known=min(BLOCK_HASHES, len(hashes)),
            parent_beacon_block_root=header.parent_beacon_block_root or bytes(32),
        )

    def _produce(
        self, environment: BlockEnvironment, batch: DecodedBatch, state: State, height: int
    ) -> ProducedBlock:
        """Execute the transactions in their order.

        In parallel the producer may move some to the block's end: that block must equal serial execution in its order.
        """
        size, produce = batch.records.itemsize, self._producer.produce
        addresses = np.uint64(batch.first_address) + np.arange(
            len(batch.records), dtype=np.uint64
        ) * np.uint64(size)
        if not self.parallel:
            return produce(environment, addresses, serial=True)
        found = produce(environment, addresses)
        if found.order.tolist() == list(range(len(addresses))):
            return found
        self.reordered += 1
        root = self._root()
        write_state(state, self._world, height)
        serial = produce(environment, addresses[found.order], serial=True)
        if serial.dropped or serial.receipts_root != found.receipts_root or self._root() != root:
            raise EngineError(f"parallel execution differs from serial in the order {found.order.tolist()}")
        write_state(state, self._world, height)
        return produce(environment, addresses, serial=True)

    def _check_transactions(self, block: DecodedBlock, batch: DecodedBatch, produced: ProducedBlock) -> None:
        """Whether all are valid, and each has the gas that it may use left in the block."""
        limits, left = batch.records["gas_limit"].tolist(), block.header.gas_limit
        gone = produced.dropped
        dropped = dict(zip(gone.indexes.tolist(), gone.statuses.tolist(), strict=True))
        used = dict(zip(produced.order.tolist(), produced.receipts["gas_used"].tolist(), strict=True))
        for index, limit in enumerate(limits):
            how = dropped.get(index, 0)
            if limit > left and not how:
                how = BLOCK_GAS_EXHAUSTED
            if how:
                message = ending(how)
                if status.ABORT <= how < INVALID:
                    raise EngineError(f"transaction {index}: {message}")
                unpaid = int_of(batch.records["max_fee"][index]) < (block.header.base_fee_per_gas or 0)
                also = [FEE_CAP_TOO_LOW] if unpaid else []  # of several faults, a test may name any
                raise invalid_transaction(index, int(batch.records["kind"][index]), how, message, also)
            left -= used[index]

    def _compare(
        self, block: DecodedBlock, produced: ProducedBlock, requests: list[tuple[int, bytes]] | None
    ) -> None:
        """What came of the block against its header."""
        header = block.header
        check_blob_gas_used(block, produced.blob_gas_used)
        if produced.transactions_root != header.transactions_root:
            raise refused("INVALID_TRANSACTIONS_ROOT", "another transactions root")
        if produced.gas_used != header.gas_used:
            raise refused("INVALID_GAS_USED", f"gas used {header.gas_used}, not {produced.gas_used}")
        if produced.bloom != header.logs_bloom:
            raise refused("INVALID_LOG_BLOOM", "another bloom filter")
        if produced.receipts_root != header.receipts_root:
            raise refused("INVALID_RECEIPTS_ROOT", "another receipts root")
        if requests is not None and requests_hash(requests) != header.requests_hash:
            raise refused("INVALID_REQUESTS", f"requests hash {requests_hash(requests).hex()}")
        if (root := self._root()) != header.state_root:
            raise refused("INVALID_STATE_ROOT", f"state root 0x{root.hex()}, not 0x{header.state_root.hex()}")

    def _root(self) -> bytes:
        out = Buffer(32)
        self.library[state_root](self._world, self._scratch, out)
        return bytes(out)
