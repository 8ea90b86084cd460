"""trace_*: calls, and what they changed, in Parity's forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from jovay.chain.reasons import Halt
from jovay.chain.types import Address
from jovay.rpc import codec
from jovay.rpc.args import (
    LATEST,
    BlockArg,
    BlockOverridesArg,
    BlockRef,
    CallArg,
    CallArgs,
    HashArg,
    StateArg,
    parse_call,
    parse_list,
)
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError
from jovay.rpc.executing import check_block_overrides, make_call
from jovay.rpc.forms import Form
from jovay.rpc.resolve import find_block, known_header, state_block
from jovay.rpc.table import Kind, Run, method
from jovay.rpc.tracers import Place, Tracer
from jovay.rpc.tracers.parity import ParityTracer, ReplayTracer
from jovay.rpc.tracing import calls_of, form_of, plain_config, precompiles, trace_forms
from jovay.simulation.requests import BlockOverrides, Bundle, ExecuteOptions

MOST_CALLS = 1_000


def parse_trace_types(value: Any) -> ReplayTracer:
    """An array of ``trace`` and ``stateDiff``."""
    types = set(map(codec.parse_string, parse_list(value, "[]string")))
    if "vmTrace" in types:
        raise ValueError("vmTrace is not supported: debug_traceTransaction gives the steps")
    if unknown := types - {"trace", "stateDiff"}:
        raise ValueError(f"unknown trace type {min(unknown)[:32]}")
    return ReplayTracer("trace" in types, "stateDiff" in types)


def _parse_calls(value: Any) -> tuple[tuple[CallArgs, ReplayTracer], ...]:
    calls = []
    for item in parse_list(value, "[]interface {}"):
        pair = parse_list(item, "[]interface {}")
        if len(pair) != 2:
            raise ValueError("each call must be an array of transaction object and trace types")
        calls.append((parse_call(pair[0]), parse_trace_types(pair[1])))
    if len(calls) > MOST_CALLS:
        raise ValueError(f"more than {MOST_CALLS} calls")
    return tuple(calls)


def _parse_path(value: Any) -> tuple[int, ...]:
    return tuple([codec.parse_integer(item) for item in parse_list(value, "[]uint64")])


TypesArg = Annotated[ReplayTracer, Kind("ARRAY of TRACE TYPE", parse_trace_types)]
CallsArg = Annotated[
    tuple[tuple[CallArgs, ReplayTracer], ...],
    Kind("ARRAY of [TRANSACTION OBJECT, ARRAY of TRACE TYPE]", _parse_calls),
]
PathArg = Annotated[tuple[int, ...], Kind("ARRAY of INTEGER", _parse_path)]


# Mined transactions.
def _traced(context: Context, transaction_hash: bytes, tracer: Tracer) -> msgspec.Raw | None:
    """The form of a mined transaction, encoded; None for an unknown one."""
    found = context.chain.transaction(transaction_hash)
    if found is None or found.header is None:
        return None
    return trace_forms(context, found.header.number, [found.index], plain_config(context, tracer))[0][1]


@method("trace_transaction", Run.HEAVY)
def trace_transaction(context: Context, transaction_hash: HashArg) -> msgspec.Raw | None:
    """Calls of a transaction in Parity's flat form; null for an unknown one."""
    return _traced(context, transaction_hash, ParityTracer())


@method("trace_get", Run.HEAVY)
def trace_get(context: Context, transaction_hash: HashArg, path: PathArg) -> Form | None:
    """The call of a transaction whose ``traceAddress`` is ``path``; null if there is none such."""
    encoded = trace_transaction(context, transaction_hash)
    forms: list[Form] = [] if encoded is None else msgspec.json.decode(encoded)
    return next((form for form in forms if form["traceAddress"] == list(path)), None)


@method("trace_block", Run.HEAVY)
def trace_block(context: Context, block: BlockArg) -> list[Form] | None:
    """Calls of all transactions of a block in Parity's flat form."""
    number = find_block(context.chain, block)
    if number is None:
        return None
    return [] if number == 0 else calls_of(context, number)


@method("trace_replayTransaction", Run.HEAVY)
def replay_transaction(context: Context, transaction_hash: HashArg, types: TypesArg) -> msgspec.Raw | None:
    """Output of a mined transaction, with its calls (``trace``) and what it changed (``stateDiff``), as wanted."""
    return _traced(context, transaction_hash, types)


@method("trace_replayBlockTransactions", Run.HEAVY)
def replay_block(context: Context, block: BlockArg, types: TypesArg) -> list[msgspec.Raw] | None:
    """What trace_replayTransaction gives, of all transactions of a block."""
    number = find_block(context.chain, block)
    if number is None:
        return None
    if number == 0:
        return []
    traced = trace_forms(context, number, None, plain_config(context, types))
    return [_with_hash(form, place.transaction_hash or b"") for place, form in traced]


def _with_hash(form: msgspec.Raw, transaction_hash: bytes) -> msgspec.Raw:
    """An encoded object, which is not empty, with the transaction's hash as another member."""
    return msgspec.Raw(bytes(form)[:-1] + b',"transactionHash":"0x' + transaction_hash.hex().encode() + b'"}')


# Calls.
@method("trace_call", Run.HEAVY, large=True)
def trace_call(
    context: Context,
    transaction: CallArg,
    types: TypesArg,
    block: BlockArg = LATEST,
    state: StateArg | None = None,
    overrides: BlockOverridesArg | None = None,
) -> Form:
    """Output of a call, with its calls (``trace``) and what it would change (``stateDiff``), as wanted."""
    return _trace_calls(context, ((transaction, types),), block, state, overrides)[0]


@method("trace_callMany", Run.HEAVY, large=True)
def trace_call_many(context: Context, calls: CallsArg, block: BlockArg = LATEST) -> list[Form]:
    """What trace_call gives, of calls that see each other's effects."""
    return _trace_calls(context, calls, block)


def _trace_calls(
    context: Context,
    calls: tuple[tuple[CallArgs, ReplayTracer], ...],
    block: BlockRef,
    state: Mapping[Address, Any] | None = None,
    overrides: BlockOverrides | None = None,
) -> list[Form]:
    if not calls:
        return []
    check_block_overrides(overrides)
    number = state_block(context.chain, block)
    config = plain_config(context, ReplayTracer(True, any(tracer.state for _, tracer in calls)))
    options = ExecuteOptions(
        gas_cap=context.limits.call_gas, time_limit=config.time_limit, trace=config.options
    )
    made = [make_call(context, args) for args, _ in calls]
    results = context.executor.execute([Bundle(made, overrides, state)], number, options)[0].calls
    active = precompiles(context, known_header(context.chain, number).timestamp)
    forms = []
    for call, (_, tracer), result in zip(made, calls, results, strict=False):
        place = Place(gas=call.gas or 0, precompiles=active, keccak=context.keccak)
        forms.append(form_of(context, plain_config(context, tracer), result, place))
    if len(forms) < len(calls):
        raise RpcError(Halt.TIMEOUT.value)
    return forms
