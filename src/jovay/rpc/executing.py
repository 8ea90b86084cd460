"""Calls of clients made ready for the backend's executor, and its outcomes made errors."""

from __future__ import annotations

from collections.abc import Mapping

from jovay.chain.reasons import Halt
from jovay.chain.types import Address
from jovay.rpc.args import CallArgs
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError
from jovay.rpc.revert import revert_error
from jovay.simulation.requests import (
    AccountOverride,
    BlockOverrides,
    Bundle,
    Call,
    CallResult,
    ExecuteOptions,
)

StateOverrides = Mapping[Address, AccountOverride]


def check_call(context: Context, args: CallArgs) -> None:
    """Refuse combinations that no transaction can have."""
    if args.has_blobs:
        raise RpcError('"blobs" is not supported for this RPC method')
    if args.gas_price is not None and (
        args.max_fee_per_gas is not None or args.max_priority_fee_per_gas is not None
    ):
        raise RpcError("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    want = context.chain.config.chain_id
    if args.chain_id is not None and args.chain_id != want:
        raise RpcError(f"chainId does not match node's (have={args.chain_id}, want={want})")


def make_call(context: Context, args: CallArgs, gas: int | None = None) -> Call:
    """The call to execute, with ``gas`` or else its own gas, within the node's cap."""
    check_call(context, args)
    cap = context.limits.call_gas
    wanted = args.gas if gas is None else gas
    return args.call(cap if wanted is None else min(wanted, cap))


def check_block_overrides(block: BlockOverrides | None) -> None:
    """Refuse overrides that only eth_simulateV1 can honour."""
    if block is None:
        return
    for name, given in (
        ("beaconRoot", block.parent_beacon_block_root),
        ("withdrawals", block.withdrawals),
    ):
        if given is not None:
            raise RpcError(f'block override "{name}" is not supported for this RPC method')


def execute_one(
    context: Context,
    call: Call,
    number: int,
    state: StateOverrides | None = None,
    block: BlockOverrides | None = None,
    options: ExecuteOptions | None = None,
) -> CallResult:
    """Execute a single call over the state after a block."""
    if options is None:
        options = call_options(context)
    return context.executor.execute([Bundle((call,), block, state)], number, options)[0].calls[0]


def call_options(context: Context, access_list: bool = False) -> ExecuteOptions:
    """Options of eth_call and its relatives."""
    limits = context.limits
    return ExecuteOptions(gas_cap=limits.call_gas, time_limit=limits.execution_time, access_list=access_list)


def timeout_error(context: Context) -> RpcError:
    """The error of an execution that took too long."""
    return RpcError(f"execution aborted (timeout = {context.limits.execution_time:g}s)")


def raise_failure(context: Context, call: Call, result: CallResult) -> None:
    """Raise geth's error for a call that did not succeed."""
    if result.invalid is not None:
        raise RpcError(f"err: {result.error} (supplied gas {call.gas})")
    if result.halt is Halt.TIMEOUT:
        raise timeout_error(context)
    if result.halt is Halt.REVERT:
        raise revert_error(result.output)
    if result.halt is not None:
        raise RpcError(result.error or result.halt.value)
