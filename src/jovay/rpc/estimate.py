"""eth_estimateGas: the smallest gas limit with which a call succeeds, by binary search over executions."""

from __future__ import annotations

import time

import msgspec

from jovay.chain.reasons import Halt, Invalid
from jovay.kernel.protocol.gas import CALL_STIPEND, GAS_PER_BLOB, TX_BASE_COST
from jovay.rpc.args import CallArgs
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError
from jovay.rpc.executing import StateOverrides, execute_one, make_call, timeout_error
from jovay.rpc.resolve import active_fork, known_header
from jovay.rpc.revert import revert_error
from jovay.simulation.requests import BlockOverrides, Call, CallResult

ERROR_RATIO = 0.015
"""Overestimate that is accepted to end the search early."""

_NEEDS_OTHER_GAS = frozenset({Invalid.INTRINSIC_GAS, Invalid.FLOOR_GAS, Invalid.TX_GAS_CAP})


class _Search:
    """One estimation."""

    def __init__(
        self,
        context: Context,
        call: Call,
        number: int,
        state: StateOverrides | None,
        block: BlockOverrides | None,
    ) -> None:
        self.context = context
        self.call = call
        self.number = number
        self.state = state
        self.block = block
        self.deadline = time.monotonic() + context.limits.execution_time

    def attempt(self, gas: int) -> CallResult | None:
        """Result with that gas limit; None when another limit might let the call start."""
        if time.monotonic() > self.deadline:
            raise timeout_error(self.context)
        call = msgspec.structs.replace(self.call, gas=gas)
        result = execute_one(self.context, call, self.number, self.state, self.block)
        if result.halt is Halt.TIMEOUT:
            raise timeout_error(self.context)
        if result.invalid in _NEEDS_OTHER_GAS:
            return None
        if result.invalid is not None:
            raise RpcError(f"failed with {gas} gas: {result.error}")
        return result

    def succeeds(self, gas: int) -> bool:
        """Whether the call succeeds with that gas limit."""
        result = self.attempt(gas)
        return result is not None and result.halt is None

    def balance(self) -> int:
        """Balance of the sender, overrides considered."""
        override = self.state.get(self.call.sender) if self.state else None
        if override is not None and override.balance is not None:
            return override.balance
        return self.context.state.account(self.call.sender, self.number).balance

    def recipient_has_code(self) -> bool:
        """Whether the call runs code (a creation does)."""
        if self.call.to is None:
            return True
        override = self.state.get(self.call.to) if self.state else None
        if override is not None and override.code is not None:
            return bool(override.code)
        return bool(self.context.state.code(self.call.to, self.number))


def estimate_gas(
    context: Context,
    args: CallArgs,
    number: int,
    state: StateOverrides | None = None,
    block: BlockOverrides | None = None,
) -> int:
    """Gas limit for a transaction; raises geth's errors where there is none."""
    search = _Search(context, make_call(context, args), number, state, block)
    high = _highest(search, args)
    if not args.payload and not search.recipient_has_code() and search.succeeds(TX_BASE_COST):
        return TX_BASE_COST
    result = search.attempt(high)
    if result is None or result.halt is Halt.OUT_OF_GAS:
        raise RpcError(f"gas required exceeds allowance ({high})")
    if result.halt is Halt.REVERT:
        raise revert_error(result.output)
    if result.halt is not None:
        raise RpcError(result.error or result.halt.value)
    low = result.gas_used - 1
    # A call forwards at most 63/64 of its gas, so that much above the peak is very likely enough.
    likely = (max(result.max_used_gas, result.gas_used) + CALL_STIPEND) * 64 // 63
    if likely < high:
        if search.succeeds(likely):
            high = likely
        else:
            low = likely
    return _bisect(search, low, high)


def _bisect(search: _Search, low: int, high: int) -> int:
    while low + 1 < high:
        if (high - low) / high < ERROR_RATIO:
            break
        # Few calls need much more than they use: look near the low end first.
        middle = min(low + (high - low) // 2, low * 2) if low else (low + high) // 2
        if search.succeeds(middle):
            high = middle
        else:
            low = middle
    return high


def _highest(search: _Search, args: CallArgs) -> int:
    """The largest gas limit that rules, cap and the sender's balance allow."""
    context, call = search.context, search.call
    header = known_header(context.chain, search.number)
    block = search.block
    high = header.gas_limit if block is None or block.gas_limit is None else block.gas_limit
    if args.gas is not None and args.gas >= TX_BASE_COST:
        high = args.gas
    timestamp = header.timestamp if block is None or block.timestamp is None else block.timestamp
    most = active_fork(context.chain, timestamp).max_transaction_gas
    if most is not None:
        high = min(high, most)
    price = call.max_fee_per_gas if call.gas_price is None else call.gas_price
    if price:
        available = search.balance()
        if call.value >= available and call.value:
            raise RpcError(Invalid.FUNDS_FOR_TRANSFER.value)
        available -= call.value
        blobs = len(call.blob_versioned_hashes or ())
        available -= blobs * GAS_PER_BLOB * (call.max_fee_per_blob_gas or 0)
        if available < 0:
            raise RpcError(Invalid.INSUFFICIENT_FUNDS.value)
        high = min(high, available // price)
    return min(high, context.limits.call_gas)
