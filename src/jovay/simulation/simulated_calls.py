"""Calls one after another in one environment: eth_call and its kin."""

from __future__ import annotations

from jovay.chain.environment import BlockEnvironment
from jovay.chain.reasons import Invalid
from jovay.kernel.evm import validity
from jovay.kernel.protocol import forks
from jovay.kernel.protocol.limits import TX_MAX_GAS_LIMIT

from .accessed_state import access_list
from .calls import CallRecord, kind_of, prices_of
from .context import BlockContext
from .outcome import logs_of, refusal, result_of, timed_out
from .recorder import Recorder
from .requests import Bundle, Call, CallLog, CallResult, ExecuteOptions
from .session import Session, TimeLimitError
from .state_overrides import StateOverrides
from .trace_frames import logs_with_transfers
from .traces import trace_of


class SimulatedCalls:
    """Executes bundles in a session; ``ended`` once a call could not be executed to its end.

    ``own_logs`` are those of the last call, without such as stand for transfers.
    """

    def __init__(self, session: Session, options: ExecuteOptions) -> None:
        self.session, self.options = session, options
        self.overrides = StateOverrides(session)
        self.gas_left = options.gas_cap
        self._logs = 0  # of the block so far
        self.own_logs: list[CallLog] = []
        self.ended = False

    def begin_block(self) -> None:
        """Logs are counted by block."""
        self._logs = 0

    def run(self, bundle: Bundle, context: BlockContext) -> list[CallResult]:
        """Results of a bundle's calls."""
        results, environment = [], context.environment
        try:
            context.write(self.session.machine.block)
            self.overrides.apply(bundle.state or {}, environment.fork)
            for call in bundle.calls:
                results.append(self.run_call(call, environment))
                if results[-1].invalid is not None:
                    self.ended = True
                    break
        except TimeLimitError:
            results.append(timed_out())
            self.ended = True
        return results

    def run_call(self, call: Call, environment: BlockEnvironment) -> CallResult:
        """Execute one call with its own gas, or all that is left of the request's."""
        gas = min(self.gas_for(call, self.gas_left, environment), self.gas_left)
        nonce = call.nonce or 0 if self.options.validation else 0  # else nobody looks at it
        record = CallRecord(call, kind_of(call, environment.fork), gas, nonce)
        free_blobs = not call.max_fee_per_blob_gas and not self.options.validation
        block = self.session.machine.block
        # What costs nothing sees a block in which nothing costs.
        block.base_fee = 0 if self.is_free(call) else environment.base_fee
        block.blob_base_fee = 0 if free_blobs else environment.blob_base_fee
        return self.execute(record, environment)

    def gas_for(self, call: Call, most: int, environment: BlockEnvironment) -> int:
        """The call's own gas limit, or the highest up to ``most`` that the rules allow."""
        if call.gas is not None:
            return call.gas
        capped = self.options.validation and environment.fork >= forks.OSAKA
        return min(most, TX_MAX_GAS_LIMIT) if capped else most

    def is_free(self, call: Call) -> bool:
        """Whether the call names no price and need not."""
        return not self.options.validation and not prices_of(call).named

    def execute(self, record: CallRecord, environment: BlockEnvironment) -> CallResult:
        """Execute a prepared call."""
        session, options, call = self.session, self.options, record.call
        too_much = options.validation and environment.fork >= forks.OSAKA and record.gas > TX_MAX_GAS_LIMIT
        if too_much:
            return _above_cap(record.gas)
        recorder = self._recorder()
        how = session.run(record.transaction, self._flags(call), recorder)
        if how != validity.VALID:
            return refusal(session, how, record.transaction, environment)
        self.gas_left -= session.result.gas_used
        touched = access_list(session) if options.access_list else ()
        trace = None
        if options.trace is not None and recorder is not None:
            target = session.result.created if call.to is None else int.from_bytes(call.to, "big")
            also = (environment.coinbase, int.from_bytes(call.sender, "big"), target)
            trace = trace_of(session, recorder, options.trace, -self._logs, also)
        logs = self.own_logs = logs_of(session, self._logs)
        if options.transfers and recorder is not None:
            logs = logs_with_transfers(recorder, self._logs)
        result = result_of(session, record.transaction, logs, touched, trace)
        self._logs += len(logs)
        session.forget_logs()
        return result

    def _flags(self, call: Call) -> int:
        flags = validity.SIMULATED
        if not self.options.validation or call.nonce is None:
            flags |= validity.ANY_NONCE
        if self.is_free(call):
            flags |= validity.FREE
        return flags

    def _recorder(self) -> Recorder | None:
        options = self.options
        if options.trace is None and not options.transfers:
            return None
        return Recorder(options.trace, options.transfers)


def _above_cap(gas: int) -> CallResult:
    """EIP-7825."""
    cap, reason = TX_MAX_GAS_LIMIT, Invalid.TX_GAS_CAP
    return CallResult(gas_used=0, invalid=reason, detail=f"{reason.value} (cap: {cap}, tx: {gas})")
