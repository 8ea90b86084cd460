"""A chain in memory for tests of the RPC layer: transfers, and contracts that are Python functions.

Blocks are cut on :meth:`MemoryBackend.seal` (or with every submission if ``automine``).  Hashes of blocks are
made up; senders, transaction hashes and nonces are real.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from jovay.chain.reasons import Invalid
from jovay.chain.types import (
    Account,
    AccountProof,
    Block,
    Header,
    Inclusion,
    Log,
    Receipt,
    SlotProof,
    Transaction,
)
from jovay.rpc.backend import Backend
from jovay.rpc.backend.chain import BlockTag, Finality, LogFilter
from jovay.rpc.backend.errors import BackendError, HistoryUnavailableError, TooManyResultsError
from jovay.rpc.backend.events import Event, NewBlock, NewPending
from jovay.rpc.backend.pool import Fees, PoolContent, PoolStatus, RawBatch, SubmitError, Submitted
from jovay.simulation.requests import Bundle, BundleResult, Call, CallResult, ExecuteOptions, TraceOptions
from rigs.transactions import Refused, keccak256
from rpc.memory_values import (
    BASE_FEE,
    CHAIN_ID,
    chain_config,
    make_header,
    make_log,
    make_receipt,
    parse_transaction,
    simulated_block,
    wanted,
)

__all__ = ["CHAIN_ID", "MemoryBackend"]

Contract = Callable[[Call], CallResult]
"""Code of a test contract; emitted logs are in its result."""


T = TypeVar("T")


class State(msgspec.Struct):
    """World state after a block."""

    accounts: dict[bytes, Account]
    code: dict[bytes, bytes]
    storage: dict[tuple[bytes, int], int]

    def copy(self) -> State:
        """An independent copy."""
        return State(dict(self.accounts), dict(self.code), dict(self.storage))


class MemoryBackend:
    """Implements the interfaces of :class:`jovay.rpc.backend.Backend`."""

    dev: Any = None

    def __init__(self, automine: bool = True) -> None:
        self.automine = automine
        self.config = chain_config()
        self.contracts: dict[bytes, Contract] = {}
        self.pool: list[tuple[Transaction, bytes]] = []
        self.blocks: list[Block] = []
        self.states: list[State] = [State({}, {}, {})]
        self.block_logs: list[list[Log]] = []
        self.all_receipts: dict[bytes, Receipt] = {}
        self.places: dict[bytes, tuple[int, int]] = {}
        self.raw: dict[bytes, bytes] = {}
        self.tags = {BlockTag.EARLIEST: 0}
        self.submissions: list[int] = []
        self.executed: list[tuple[Sequence[Bundle], int, ExecuteOptions]] = []
        self.traces: dict[bytes, CallResult] = {}
        self.executor: Callable[[Sequence[Bundle], int, ExecuteOptions], list[BundleResult]] | None = None
        self._listeners: list[Callable[[Event], None]] = []
        self._lock = threading.RLock()
        self.seal()

    def interfaces(self) -> Backend:
        """As the server takes it."""
        return Backend(
            chain=self,
            state=self,
            pool=self,
            executor=self,
            events=self,
            keccak=keccak256,
            client_version="memory/v0",
            development=self.dev,
        )

    # Making a chain.
    def fund(self, address: bytes, balance: int) -> None:
        """Set a balance in the newest state."""
        self.states[-1].accounts[address] = Account(0, balance)

    def install(self, address: bytes, contract: Contract) -> None:
        """Put a Python contract at an address."""
        self.contracts[address] = contract
        self.states[-1].code[address] = b"\xfe"

    def emit(self, event: Event) -> None:
        """Tell all listeners."""
        for listener in tuple(self._listeners):
            listener(event)

    def seal(self, timestamp: int | None = None) -> Header:
        """Cut a block of the pooled transactions."""
        with self._lock:
            number = len(self.blocks)
            state = self.states[-1].copy()
            taken, self.pool = self.pool, []
            block_hash = self.config.genesis_hash if not number else keccak256(b"block%d" % number)
            when = timestamp if timestamp is not None else 1_700_000_000 + number
            logs: list[Log] = []
            gas = 0
            for index, (transaction, raw) in enumerate(taken):
                result = self._apply(state, transaction)
                gas += result.gas_used
                place = (block_hash, number, when, transaction.hash, index)
                own = [
                    make_log(item.address, item.topics, item.data, len(logs) + position, place)
                    for position, item in enumerate(result.logs)
                ]
                logs += own
                self.all_receipts[transaction.hash] = make_receipt(transaction, result, gas, own, place)
                self.places[transaction.hash] = (number, index)
                self.raw[transaction.hash] = raw
            header = make_header(number, block_hash, self.blocks[-1].header if number else None, when, gas)
            self.blocks.append(Block(header=header, transactions=[item for item, _ in taken], withdrawals=()))
            self.block_logs.append(logs)
            if number:
                self.states.append(state)
            hashes = b"".join(item.hash for item, _ in taken)
        self.emit(NewBlock(header, hashes))
        return header

    def _apply(self, state: State, transaction: Transaction) -> CallResult:
        to = transaction.to or keccak256(transaction.sender + b"%d" % transaction.nonce)[12:]
        sender = state.accounts.get(transaction.sender, Account())
        receiver = state.accounts.get(to, Account())
        call = Call(sender=transaction.sender, to=to, value=transaction.value, data=transaction.input)
        contract = self.contracts.get(to)
        result = contract(call) if contract else CallResult(gas_used=21_000)
        if transaction.to is None:
            result = msgspec.structs.replace(result, created=to)
            state.code[to] = transaction.input
        cost = result.gas_used * transaction.effective_gas_price(BASE_FEE)
        moved = transaction.value if result.halt is None else 0
        state.accounts[transaction.sender] = Account(transaction.nonce + 1, sender.balance - cost - moved)
        if to == transaction.sender:
            return result
        state.accounts[to] = Account(receiver.nonce, receiver.balance + moved)
        return result

    # Backend.
    def head(self) -> int:
        return len(self.blocks) - 1

    def resolve(self, tag: BlockTag) -> int | None:
        return self.tags.get(tag)

    def number_of(self, block_hash: bytes) -> int | None:
        return next((b.header.number for b in self.blocks if b.header.hash == block_hash), None)

    def header(self, number: int) -> Header | None:
        return self.blocks[number].header if number < len(self.blocks) else None

    def block(self, number: int) -> Block | None:
        return self.blocks[number] if number < len(self.blocks) else None

    def transaction_count(self, number: int) -> int | None:
        return len(self.blocks[number].transactions) if number < len(self.blocks) else None

    def transaction_hashes(self, number: int) -> bytes | None:
        block = self.block(number)
        return None if block is None else b"".join(item.hash for item in block.transactions)

    def transaction(self, transaction_hash: bytes) -> Inclusion | None:
        with self._lock:  # it is in the pool or in a block, never in neither
            place = self.places.get(transaction_hash)
            if place is not None:
                return self.transaction_at(*place)
            return next((Inclusion(item) for item, _ in self.pool if item.hash == transaction_hash), None)

    def transaction_at(self, number: int, index: int) -> Inclusion | None:
        block = self.block(number)
        if block is None or index >= len(block.transactions):
            return None
        return Inclusion(block.transactions[index], block.header, index)

    def receipts(self, hashes: Sequence[bytes]) -> list[Receipt | None]:
        return [self.all_receipts.get(item) for item in hashes]

    def block_receipts(self, number: int) -> list[Receipt] | None:
        block = self.block(number)
        return None if block is None else [self.all_receipts[item.hash] for item in block.transactions]

    def logs(self, query: LogFilter) -> list[Log]:
        found: list[Log] = []
        for number in range(query.first, query.last + 1):
            hits = [log for log in self.block_logs[number] if wanted(log, query)]
            if query.limit and len(found) + len(hits) > query.limit:
                raise TooManyResultsError(query.limit, number - 1)
            found += hits
        return found

    def raw_header(self, number: int) -> bytes | None:
        return b"header%d" % number if number < len(self.blocks) else None

    def raw_block(self, number: int) -> bytes | None:
        return b"block%d" % number if number < len(self.blocks) else None

    def raw_receipts(self, number: int) -> list[bytes] | None:
        block = self.block(number)
        return None if block is None else [b"receipt" + item.hash for item in block.transactions]

    def raw_transaction(self, transaction_hash: bytes) -> bytes | None:
        pooled = {item.hash: raw for item, raw in self.pool}
        return self.raw.get(transaction_hash) or pooled.get(transaction_hash)

    def _state(self, number: int) -> State:
        if number < 0 or number >= len(self.states):
            raise HistoryUnavailableError(f"state of block {number} is not available")
        return self.states[number]

    def account(self, address: bytes, number: int) -> Account:
        return self._state(number).accounts.get(address, Account())

    def code(self, address: bytes, number: int) -> bytes:
        return self._state(number).code.get(address, b"")

    def storage(self, address: bytes, slot: int, number: int) -> int:
        return self._state(number).storage.get((address, slot), 0)

    def proof(self, address: bytes, slots: Sequence[int], number: int) -> AccountProof:
        return AccountProof(
            scheme="none",
            state_root=bytes(32),
            address=address,
            account=self.account(address, number),
            proof=(b"node",),
            storage=tuple(SlotProof(slot, self.storage(address, slot, number), (b"leaf",)) for slot in slots),
        )

    def execute(self, bundles: Sequence[Bundle], number: int, options: ExecuteOptions) -> list[BundleResult]:
        self.executed.append((bundles, number, options))
        if self.executor is not None:
            return self.executor(bundles, number, options)
        return [self._run(bundle, number, options) for bundle in bundles]

    def _run(self, bundle: Bundle, number: int, options: ExecuteOptions) -> BundleResult:
        results = []
        for call in bundle.calls:
            results.append(self._call(call if call.gas else msgspec.structs.replace(call, gas=10**6)))
            if results[-1].invalid:
                break
        if not options.new_block:
            return BundleResult(results)
        assert bundle.block is not None
        block = simulated_block(bundle, self.blocks[number].header, results)
        return BundleResult(results, block)

    def _call(self, call: Call) -> CallResult:
        if (call.gas or 0) < 21_000:
            detail = f"intrinsic gas too low: have {call.gas}, want 21000"
            return CallResult(gas_used=0, invalid=Invalid.INTRINSIC_GAS, detail=detail)
        contract = self.contracts.get(call.to or b"")
        return contract(call) if contract else CallResult(gas_used=21_000, max_used_gas=21_000)

    def trace_transactions(
        self,
        number: int,
        indexes: Sequence[int] | None,
        options: TraceOptions,
        time_limit: float,
        look: Callable[[int, CallResult], T],
    ) -> list[T]:
        block = self.blocks[number]
        chosen = range(len(block.transactions)) if indexes is None else indexes
        nothing = CallResult(gas_used=21_000)
        return [look(index, self.traces.get(block.transactions[index].hash, nothing)) for index in chosen]

    def submit(self, batch: RawBatch, ready_only: bool = False) -> Submitted:
        hashes, errors, added = [], {}, []
        self.submissions.append(len(batch.ends))
        with self._lock:
            start = 0
            for index, end in enumerate(batch.ends):
                raw = batch.data[start:end]
                start = end
                try:
                    transaction = parse_transaction(raw)
                except Refused as error:
                    hashes.append(bytes(32))
                    errors[index] = SubmitError(Invalid.MALFORMED, f"rlp: {error}")
                    continue
                hashes.append(transaction.hash)
                refused = self._check(transaction)
                if refused is None:
                    self.pool.append((transaction, raw))
                    added.append(transaction.hash)
                else:
                    errors[index] = refused
        if added:
            self.emit(NewPending(b"".join(added)))
            if self.automine:
                self.seal()
        return Submitted(b"".join(hashes), errors)

    def _check(self, transaction: Transaction) -> SubmitError | None:
        expected, nonce = self.next_nonce(transaction.sender), transaction.nonce
        if nonce < expected:
            text = f"nonce too low: next nonce {expected}, tx nonce {nonce}"
            return SubmitError(Invalid.NONCE_TOO_LOW, text, expected)
        if nonce > expected:
            text = f"nonce too high: next nonce {expected}, tx nonce {nonce}"
            return SubmitError(Invalid.NONCE_TOO_HIGH, text, expected)
        if self.account(transaction.sender, self.head()).balance < transaction.value:
            return SubmitError(Invalid.INSUFFICIENT_FUNDS, Invalid.INSUFFICIENT_FUNDS.value)
        return None

    def status(self) -> PoolStatus:
        return PoolStatus(len(self.pool), 0)

    def content(self, sender: bytes | None = None) -> PoolContent:
        pending: dict[bytes, list[Transaction]] = {}
        for item, _ in self.pool:
            if sender in (None, item.sender):
                pending.setdefault(item.sender, []).append(item)
        queued: Mapping[bytes, Sequence[Transaction]] = {}
        return PoolContent(pending, queued)

    def next_nonce(self, address: bytes) -> int:
        pooled = sum(item.sender == address for item, _ in self.pool)
        return self.account(address, self.head()).nonce + pooled

    def fees(self) -> Fees:
        return Fees(BASE_FEE, 3, 1)

    def blob_base_fee(self, number: int) -> int | None:
        return 1

    def finality(self, number: int) -> Finality:
        if number >= len(self.blocks):
            raise BackendError("unknown block")
        return Finality(stage=1, block_number=number)

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
