"""A block's transactions once more, in their place and environment."""

from __future__ import annotations

from jovay.chain.environment import l1_fee_per_byte
from jovay.chain.reasons import ending
from jovay.chain.types import Header
from jovay.kernel.block.system import begin_block
from jovay.kernel.evm import validity
from jovay.kernel.transaction.decode import decode
from jovay.kernel.transaction.record import Transaction
from jovay.kernel.transaction.signing import SIGNING_OVERHEAD
from jovay.kernel.transaction.status import INVALID_SIGNATURE, OK
from jovay.native.arena import Buffer
from jovay.native.records import View, new_record

from .context import HashWindows, context_of
from .errors import ReplayError
from .outcome import logs_of, result_of
from .recorder import Recorder
from .requests import CallResult, TraceOptions
from .session import Session
from .source import ChainSource, StoredTransaction
from .traces import trace_of


class Replay:
    """The block under ``header`` in a session that reads the state before it."""

    def __init__(self, session: Session, chain: ChainSource, windows: HashWindows, header: Header) -> None:
        self._session, self._header = session, header
        self.transactions = chain.stored_transactions(header.number)
        price = l1_fee_per_byte((t.l1_fee, len(t.raw)) for t in self.transactions)
        self.context = context_of(chain, windows, header, l1_fee_per_byte=price)
        self.context.write(session.machine.block)
        self._next = 0
        self._logs = 0
        self._record = new_record(Transaction)
        parent = int.from_bytes(header.parent_hash, "big")
        beacon = int.from_bytes(header.parent_beacon_block_root or b"", "big")
        library = session.machine.library
        session.call(lambda machine: library[begin_block](machine, parent, beacon))

    def run_to(self, index: int) -> None:
        """Execute everything before transaction ``index``."""
        while self._next < min(index, len(self.transactions)):
            self._run(None)
            self._harvest()

    def trace_next(self, options: TraceOptions) -> CallResult:
        """Execute the next transaction and tell what happened."""
        recorder, session = Recorder(options), self._session
        transaction = self.transactions[self._next]
        self._run(recorder)
        record = self._record
        also = [self.context.environment.coinbase, int.from_bytes(transaction.sender, "big")]
        also += [int.from_bytes(record.to, "big")] if record.has_to else [session.result.created]
        trace = trace_of(session, recorder, options, -self._logs, also)
        result = result_of(session, record, logs_of(session, self._logs), trace=trace)
        self._harvest()
        return result

    def _run(self, recorder: Recorder | None) -> None:
        transaction = self.transactions[self._next]
        how = self._session.run(self._decode(transaction), 0, recorder)
        if how != validity.VALID:
            raise self._error(ending(how))
        used = self._session.result.gas_used
        if used != transaction.gas_used:
            raise self._error(f"it used {used} gas, not {transaction.gas_used}")
        self._next += 1

    def _harvest(self) -> None:
        """Count the logs of the last transaction and forget them."""
        self._logs += self._session.result.log_count
        self._session.forget_logs()

    def _decode(self, transaction: StoredTransaction) -> View:
        raw = transaction.raw  # the record will have pointers into it
        scratch = Buffer(len(raw) + SIGNING_OVERHEAD)
        how = self._session.machine.library[decode](raw, len(raw), self._record, scratch)
        # An impersonated sender's transaction (development) has no signature; its fields were read before that showed.
        if how not in (OK, INVALID_SIGNATURE):
            raise self._error("it does not decode")
        self._record.sender = transaction.sender
        return self._record

    def _error(self, reason: str) -> ReplayError:
        return ReplayError(self._header.number, self._next, reason)
