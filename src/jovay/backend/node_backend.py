"""The node as JSON-RPC sees it: the ``Backend`` of ``jovay.rpc.backend`` over one open chain."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeVar

from jovay import __version__
from jovay.chain.types import (
    Account,
    AccountProof,
    Address,
    Block,
    ChainConfig,
    ExecutionWitness,
    Hash32,
    Header,
    Inclusion,
    Log,
    Receipt,
)
from jovay.rpc.backend import (
    BackendError,
    BlockTag,
    DevBackend,
    Event,
    Fees,
    Finality,
    HistoryUnavailableError,
    LogFilter,
    PoolContent,
    PoolStatus,
    RawBatch,
    Submitted,
)
from jovay.sequencer.portal import DecodedBatch
from jovay.sequencer.production.sealing import SealedBlock
from jovay.sequencer.sequencer import Sequencer
from jovay.simulation.requests import Bundle, BundleResult, CallResult, ExecuteOptions, TraceOptions
from jovay.simulation.simulate import Simulator
from jovay.state.proofs import Prover
from jovay.state.reader import StateReader
from jovay.state.tries import Tries
from jovay.storage.logs_index import LogsIndex
from jovay.tracer.witnesses import Witnesses

from . import finality as stages
from .chain import ChainReader
from .configuration import chain_config
from .errors import executing
from .events import Events
from .source import SimulationSource
from .submission import Reasons, Submission

T = TypeVar("T")


class NodeBackend:
    """Implements ``Backend``; every method may be called from any thread."""

    def __init__(
        self,
        sequencer: Sequencer,
        logs_index: LogsIndex,
        genesis_hash: Hash32,
        history_blocks: int = 8_192,
        min_price: int = 0,
        call_gas: int = 50_000_000,
        refused: Callable[[str, int], None] = lambda reason, count: None,
    ) -> None:
        """``min_price``: least priority fee that the pool takes, in wei per gas; ``call_gas``: most of a request.

        ``refused`` is told how many transactions were refused for a reason.
        """
        self.sequencer, self._history, self._min_price = sequencer, history_blocks, min_price
        self.chain_reader = ChainReader(
            sequencer.data.blocks, logs_index, sequencer.keccak, lambda: sequencer.visible
        )
        self.state = StateReader(sequencer.world)
        self.events = Events()
        self._development: DevBackend | None = None
        self._genesis_hash = genesis_hash
        self.submission = Submission(sequencer, self._newest_account, min_price)
        self._tries = Tries(sequencer, self.state)
        self._prover = Prover(self._tries, self.state)
        source = SimulationSource(sequencer, self.chain_reader, self._tries)
        gas = max(call_gas, sequencer.settings.gas_limit)
        self._simulator = Simulator(sequencer.library, sequencer.world, source, gas=gas)
        self._witnesses = Witnesses(sequencer.library, source, self.state, self._simulator, self._tries)
        self._refused = refused
        sequencer.listen(self._on_blocks)

    def _on_blocks(self, blocks: Sequence[SealedBlock]) -> None:
        self.events.blocks(blocks)

    def _newest_account(self, address: Address) -> Account:
        return self.state.account(address, self.sequencer.executed.number)

    @cached_property
    def chain(self) -> ChainConfig:
        return chain_config(self.sequencer.rules, self._genesis_hash)

    @property
    def dev(self) -> DevBackend | None:
        return self._development

    def develop(self, development: DevBackend) -> None:
        """Serve the development methods, too."""
        self._development = development

    @cached_property
    def client_version(self) -> str:
        python = ".".join(platform.python_version_tuple()[:2])
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        return f"jovay/v{__version__}/{platform.system().lower()}-{machine}/python{python}"

    def keccak256(self, content: bytes) -> Hash32:
        return self.sequencer.keccak(content)

    # ---- blocks ----

    def head(self) -> int:
        return self.sequencer.visible.number

    def resolve(self, tag: BlockTag) -> int | None:
        return stages.resolve(tag, self.head())

    def number_of(self, block_hash: Hash32) -> int | None:
        return self.chain_reader.number_of(block_hash)

    def header(self, number: int) -> Header | None:
        return self.chain_reader.header(number)

    def block(self, number: int) -> Block | None:
        return self.chain_reader.block(number)

    def transaction_count(self, number: int) -> int | None:
        return self.chain_reader.transaction_count(number)

    def transaction_hashes(self, number: int) -> bytes | None:
        return self.chain_reader.transaction_hashes(number)

    # ---- transactions and receipts ----

    def transaction(self, transaction_hash: Hash32) -> Inclusion | None:
        # The pool lets go of a transaction after its block has become visible: one of three looks finds it.
        return (
            self.chain_reader.transaction(transaction_hash)
            or self.submission.get(transaction_hash)
            or self.chain_reader.transaction(transaction_hash)
        )

    def transaction_at(self, number: int, index: int) -> Inclusion | None:
        return self.chain_reader.transaction_at(number, index)

    def receipts(self, hashes: Sequence[Hash32]) -> Sequence[Receipt | None]:
        return self.chain_reader.receipts(hashes)

    def block_receipts(self, number: int) -> Sequence[Receipt] | None:
        return self.chain_reader.block_receipts(number)

    def logs(self, query: LogFilter) -> Sequence[Log]:
        return self.chain_reader.logs(query)

    def raw_header(self, number: int) -> bytes | None:
        return self.chain_reader.raw_header(number)

    def raw_block(self, number: int) -> bytes | None:
        return self.chain_reader.raw_block(number)

    def raw_receipts(self, number: int) -> Sequence[bytes] | None:
        return self.chain_reader.raw_receipts(number)

    def raw_transaction(self, transaction_hash: Hash32) -> bytes | None:
        read, pooled = self.chain_reader.raw_transaction, self.submission.raw
        return read(transaction_hash) or pooled(transaction_hash) or read(transaction_hash)

    # ---- state ----

    def _check_height(self, number: int) -> None:
        """State is kept for ``history_blocks`` blocks behind the newest (and as far as memory reaches)."""
        head = self.head()
        if number > head:
            raise BackendError("header not found")
        if number < head - self._history:
            raise HistoryUnavailableError(f"historical state of block {number} is not available")

    def account(self, address: Address, number: int) -> Account:
        self._check_height(number)
        with executing():
            return self.state.account(address, number)

    def code(self, address: Address, number: int) -> bytes:
        self._check_height(number)
        with executing():
            return self.state.code(address, number)

    def storage(self, address: Address, slot: int, number: int) -> int:
        self._check_height(number)
        with executing():
            return self.state.storage(address, slot, number)

    def proof(self, address: Address, slots: Sequence[int], number: int) -> AccountProof:
        self._check_height(number)
        with executing():
            return self._prover.proof(address, slots, number)

    # ---- execution ----

    def execute(
        self, bundles: Sequence[Bundle], number: int, options: ExecuteOptions
    ) -> Sequence[BundleResult]:
        self._check_height(number)
        with executing():
            return self._simulator.execute(bundles, number, options)

    def trace_transactions(
        self,
        number: int,
        indexes: Sequence[int] | None,
        options: TraceOptions,
        time_limit: float,
        look: Callable[[int, CallResult], T],
    ) -> list[T]:
        if number < 1:
            raise HistoryUnavailableError("genesis is not traceable")
        self._check_height(number - 1)
        with executing():
            return self._simulator.trace_transactions(number, indexes, options, time_limit, look)

    def witness(self, number: int, time_limit: float) -> ExecutionWitness:
        if number < 1:
            raise HistoryUnavailableError("genesis is not executed")
        self._check_height(number)
        self._check_height(number - 1)
        with executing():
            return self._witnesses.witness(number, time_limit)

    # ---- pool ----

    def submit(self, batch: RawBatch, ready_only: bool = False) -> Submitted:
        with executing():
            return self._told(*self.submission.submit(batch, ready_only))

    def pool(self, batch: DecodedBatch) -> Submitted:
        """Pool transactions that are decoded already."""
        with executing():
            return self._told(*self.submission.add(batch))

    def _told(self, result: Submitted, taken: bytes, reasons: Reasons) -> Submitted:
        """Tell listeners and metrics of the outcome of a submission."""
        self.events.pending(taken)
        for reason, count in reasons.items():
            self._refused(reason.value, count)
        return result

    def pool_status(self) -> PoolStatus:
        return self.submission.status()

    def pool_content(self, sender: Address | None = None) -> PoolContent:
        return self.submission.content(sender)

    def next_nonce(self, address: Address) -> int:
        return self.submission.next_nonce(address)

    def fees(self) -> Fees:
        environment = self.sequencer.next_block.expected
        return Fees(environment.base_fee, self._min_price, environment.blob_base_fee)

    def blob_base_fee(self, number: int) -> int | None:
        header = self.header(number)
        if header is None or header.excess_blob_gas is None:
            return None
        return self.sequencer.rules.blob_base_fee(header.excess_blob_gas, number, header.timestamp)

    # ---- L1 and events ----

    def finality(self, number: int) -> Finality:
        return stages.finality(number)

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        return self.events.listen(listener)
