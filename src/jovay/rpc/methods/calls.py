"""Calls that change nothing: eth_call, eth_estimateGas, eth_createAccessList."""

from __future__ import annotations

import msgspec

from jovay.chain.reasons import Halt
from jovay.chain.types import AccessEntry
from jovay.rpc.args import LATEST, BlockArg, BlockOverridesArg, CallArg, CallArgs, StateArg
from jovay.rpc.codec import data, quantity
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError
from jovay.rpc.estimate import estimate_gas
from jovay.rpc.executing import (
    call_options,
    check_block_overrides,
    execute_one,
    make_call,
    raise_failure,
    timeout_error,
)
from jovay.rpc.forms import Form, access_list_form
from jovay.rpc.resolve import active_fork, known_header, state_block
from jovay.rpc.table import Run, method
from jovay.simulation.requests import Call, CallResult

_MOST_ROUNDS = 16


@method("eth_call", Run.HEAVY, large=True)
def call(
    context: Context,
    transaction: CallArg,
    block: BlockArg = LATEST,
    state: StateArg | None = None,
    overrides: BlockOverridesArg | None = None,
) -> str:
    """Execute a call and return its output."""
    check_block_overrides(overrides)
    message = make_call(context, transaction)
    result = execute_one(context, message, state_block(context.chain, block), state, overrides)
    raise_failure(context, message, result)
    return data(result.output)


@method("eth_estimateGas", Run.HEAVY, large=True)
def estimate(
    context: Context,
    transaction: CallArg,
    block: BlockArg = LATEST,
    state: StateArg | None = None,
    overrides: BlockOverridesArg | None = None,
) -> str:
    """The gas limit that a transaction needs."""
    check_block_overrides(overrides)
    number = state_block(context.chain, block)
    return quantity(estimate_gas(context, transaction, number, state, overrides))


@method("eth_createAccessList", Run.HEAVY, large=True)
def create_access_list(
    context: Context, transaction: CallArg, block: BlockArg = LATEST, state: StateArg | None = None
) -> Form:
    """The access list (EIP-2930) that a transaction would profit from, and its gas with that list."""
    number = state_block(context.chain, block)
    message = make_call(context, transaction)
    known = transaction.access_list or ()
    for _ in range(_MOST_ROUNDS):
        # With the list the transaction may run differently, so repeat until it touches nothing new.
        attempt = msgspec.structs.replace(message, access_list=known)
        options = call_options(context, access_list=True)
        result = execute_one(context, attempt, number, state, None, options)
        if result.invalid is not None:
            raise RpcError(f"failed to apply transaction: err: {result.error}")
        if result.halt is Halt.TIMEOUT:
            raise timeout_error(context)
        found = _merge(known, _useful(context, transaction, message, result, number))
        if found == known:
            break
        known = found
    form: Form = {"accessList": access_list_form(known), "gasUsed": quantity(result.gas_used)}
    if result.halt is not None:
        form["error"] = result.error
    return form


def _useful(
    context: Context, args: CallArgs, message: Call, result: CallResult, number: int
) -> tuple[AccessEntry, ...]:
    """Touched entries, without addresses that are warm anyway (unless slots of them were touched)."""
    timestamp = known_header(context.chain, number).timestamp
    warm = {message.sender, *active_fork(context.chain, timestamp).precompiles.values()}
    target = args.to or result.created
    if target is not None:
        warm.add(target)
    return tuple([entry for entry in result.access_list if entry.storage_keys or entry.address not in warm])


def _merge(first: tuple[AccessEntry, ...], second: tuple[AccessEntry, ...]) -> tuple[AccessEntry, ...]:
    """Union of two lists, in order of first appearance."""
    keys: dict[bytes, dict[bytes, None]] = {}
    for entry in (*first, *second):
        keys.setdefault(entry.address, {}).update(dict.fromkeys(entry.storage_keys))
    return tuple([AccessEntry(address, tuple(slots)) for address, slots in keys.items()])
