"""eth_simulateV1: calls as blocks of their own, one on top of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec
import numpy as np

from jovay.chain.envelope import envelope
from jovay.chain.environment import BlockEnvironment
from jovay.chain.header import encode_withdrawal, header_of, sealed
from jovay.chain.reasons import Invalid
from jovay.chain.receipts import encode_receipt, logs_bloom
from jovay.chain.types import Block, Header, Transaction, Withdrawal
from jovay.kernel.block import system
from jovay.kernel.block.system import begin_block
from jovay.kernel.protocol.forks import CANCUN, LONDON, SHANGHAI
from jovay.native.hashing import keccak256, ordered_root
from jovay.state.view_state import changed

from .calls import CallRecord, kind_of, prices_of, unsigned
from .context import HASHES, BlockContext, HashWindows
from .outcome import timed_out
from .requests import (
    AccountOverride,
    BlockOverrides,
    Bundle,
    BundleResult,
    Call,
    CallLog,
    CallResult,
    ExecuteOptions,
)
from .session import Session, TimeLimitError
from .simulated_calls import SimulatedCalls
from .source import ChainSource
from .state_overrides import override_one

GWEI = 10**9
TIME_STEP = 12
_NOTHING = BlockOverrides()


@dataclass(slots=True)
class _Draft:
    """A block in the making."""

    context: BlockContext
    parent: Header
    overrides: BlockOverrides
    results: list[CallResult] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    envelopes: list[bytes] = field(default_factory=list)
    receipts: list[bytes] = field(default_factory=list)
    logs: list[CallLog] = field(default_factory=list)
    gas_used: int = 0
    blobs: int = 0

    @property
    def environment(self) -> BlockEnvironment:
        """Its environment."""
        return self.context.environment


class SimulatedBlocks:
    """Bundles as blocks after ``base``."""

    def __init__(
        self,
        session: Session,
        chain: ChainSource,
        windows: HashWindows,
        base: Header,
        options: ExecuteOptions,
    ) -> None:
        self._session, self._chain, self._options = session, chain, options
        self._calls = SimulatedCalls(session, options)
        self._head = base
        self._hashes = bytearray(windows.before(base.number + 1, base.hash))
        self._library = session.machine.library
        self._keccak = partial(keccak256, self._library)
        self._roots = chain.roots_after(base.number)

    def run(self, bundles: Sequence[Bundle]) -> list[BundleResult]:
        """A block for each bundle, until a call is invalid or time is over: that block has results only."""
        results = []
        self._roots.expect(_system_slots(bundles))
        for bundle in bundles:
            draft, block = self._open(bundle.block or _NOTHING), None
            try:
                if self._fill(draft, bundle):
                    self._session.check_time()
                    block = self._seal(draft)
            except TimeLimitError:
                draft.results.append(timed_out())
            results.append(BundleResult(draft.results, block))
            if block is None:
                break
            self._head = block.header
        return results

    def _open(self, o: BlockOverrides) -> _Draft:
        parent, rules = self._head, self._chain.rules
        number = parent.number + 1 if o.number is None else o.number
        timestamp = parent.timestamp + TIME_STEP if o.timestamp is None else o.timestamp
        fork = rules.fork(number, timestamp)
        base_fee = o.base_fee_per_gas
        if base_fee is None:
            base_fee = self._chain.next_base_fee(parent) if self._options.validation and fork >= LONDON else 0
        blob_fee = o.blob_base_fee
        if blob_fee is None:
            blob_fee = rules.blob_base_fee(0, number, timestamp) if fork >= CANCUN else 0
        at = 32 * (parent.number % HASHES)
        self._hashes[at : at + 32] = parent.hash
        environment = BlockEnvironment(
            number=number,
            timestamp=timestamp,
            gas_limit=parent.gas_limit if o.gas_limit is None else o.gas_limit,
            base_fee=base_fee,
            coinbase=int.from_bytes(parent.coinbase if o.coinbase is None else o.coinbase, "big"),
            chain_id=rules.chain_id,
            fork=fork,
            parent_hash=parent.hash,
            prevrandao=o.prev_randao or 0,
            blob_base_fee=blob_fee,
            max_blobs=rules.blobs(number, timestamp).maximum,
            difficulty=parent.difficulty if o.difficulty is None else o.difficulty,
        )
        return _Draft(BlockContext(environment, bytes(self._hashes)), parent, o)

    def _fill(self, draft: _Draft, bundle: Bundle) -> bool:
        """Execute the block; false if one of its calls is invalid."""
        session, environment = self._session, draft.environment
        draft.context.write(session.machine.block)
        self._calls.overrides.apply(bundle.state or {}, environment.fork)
        parent = int.from_bytes(environment.parent_hash, "big")
        beacon = int.from_bytes(draft.overrides.parent_beacon_block_root or b"", "big")
        session.call(lambda machine: self._library[begin_block](machine, parent, beacon))
        self._calls.begin_block()
        for call in bundle.calls:
            result = self._add(draft, call)
            draft.results.append(result)
            if result.invalid is not None:
                return False
        for withdrawal in draft.overrides.withdrawals or ():
            self._credit(withdrawal)
        return True

    def _add(self, draft: _Draft, call: Call) -> CallResult:
        """Execute a call as the block's next transaction."""
        environment = draft.environment
        left = environment.gas_limit - draft.gas_used
        gas = self._calls.gas_for(call, left, environment)
        if gas > left:
            detail = f"block gas limit reached: {draft.gas_used} >= {environment.gas_limit}"
            return CallResult(gas_used=0, invalid=Invalid.BLOCK_GAS_LIMIT, detail=detail)
        gas = min(gas, self._calls.gas_left)
        sender = int.from_bytes(call.sender, "big")
        nonce = self._session.account(sender).nonce if call.nonce is None else call.nonce
        # Without validation nonces are not looked at; the greatest one, which no transaction may have, wraps around.
        judged = nonce if self._options.validation else 0
        kind, prices = kind_of(call, environment.fork), prices_of(call)
        fees = prices.max_fee, prices.max_priority_fee
        chain_id = environment.chain_id
        transaction = unsigned(call, kind, chain_id, nonce, gas, fees)
        raw = envelope(transaction)
        block = self._session.machine.block
        free_blobs = not call.max_fee_per_blob_gas and not self._options.validation
        block.blob_base_fee = 0 if free_blobs else environment.blob_base_fee
        result = self._calls.execute(CallRecord(call, kind, gas, judged, raw), environment)
        if result.invalid is None:
            draft.transactions.append(msgspec.structs.replace(transaction, hash=self._keccak(raw)))
            draft.envelopes.append(raw)
            draft.gas_used += result.gas_used
            draft.blobs += len(call.blob_versioned_hashes or ()) if kind == 3 else 0
            self._add_receipt(draft, kind, result)
            return result
        return msgspec.structs.replace(result, detail=f"err: {result.error} (supplied gas {gas})")

    def _add_receipt(self, draft: _Draft, kind: int, result: CallResult) -> None:
        logs = self._calls.own_logs
        bloom = logs_bloom(self._keccak, logs)
        draft.receipts.append(encode_receipt(kind, int(result.halt is None), draft.gas_used, bloom, logs))
        draft.logs += logs

    def _credit(self, withdrawal: Withdrawal) -> None:
        address = int.from_bytes(withdrawal.address, "big")
        balance = self._session.account(address).balance + withdrawal.amount * GWEI
        override_one(self._session, address, AccountOverride(balance=balance % (1 << 256)))

    def _seal(self, draft: _Draft) -> Block:
        env, o, library = draft.environment, draft.overrides, self._library
        withdrawals = tuple(o.withdrawals or ()) if env.fork >= SHANGHAI else None
        encoded = [encode_withdrawal(w) for w in withdrawals or ()]
        header = header_of(
            env,
            state_root=self._roots.root(changed(self._session.machine)),
            transactions_root=ordered_root(library, draft.envelopes),
            receipts_root=ordered_root(library, draft.receipts),
            logs_bloom=logs_bloom(self._keccak, draft.logs),
            gas_used=draft.gas_used,
            blob_gas_used=draft.blobs << 17,
            withdrawals_root=ordered_root(library, encoded),
            parent_beacon_block_root=o.parent_beacon_block_root or bytes(32),
        )
        offsets = np.cumsum([0, *map(len, draft.envelopes)], dtype=np.uint32)
        _, header = sealed(
            header,
            self._keccak,
            offsets,
            b"".join(draft.envelopes),
            b"".join(encoded),
        )
        return Block(header=header, transactions=tuple(draft.transactions), withdrawals=withdrawals)


def _system_slots(bundles: Sequence[Bundle]) -> list[tuple[int, int]]:
    """Slots of EIP-2935 and EIP-4788 that these blocks write, as far as their numbers and times are known."""
    window, found = system.HISTORY_WINDOW, []
    for block in [bundle.block for bundle in bundles if bundle.block is not None]:
        if block.number is not None:
            found.append((int(system.HISTORY_STORAGE), (block.number - 1) % window))
        if block.timestamp is not None:
            at = block.timestamp % window
            found += [(int(system.BEACON_ROOTS), at), (int(system.BEACON_ROOTS), at + window)]
    return found
