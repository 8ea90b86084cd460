"""Transactions executed again with a tracer, for all methods that show traces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from jovay.chain.reasons import Halt
from jovay.chain.types import Address, Block
from jovay.rpc.context import Context
from jovay.rpc.encoding import encode
from jovay.rpc.errors import RpcError, limit_exceeded
from jovay.rpc.resolve import active_fork
from jovay.rpc.tracers import Place, TraceConfig, Tracer, parse_config
from jovay.rpc.tracers.parity import ParityTracer
from jovay.simulation.requests import CallResult, TraceOptions

T = TypeVar("T")


def config_of(context: Context, options: dict[str, Any]) -> TraceConfig:
    """The tracer that a client's options ask for."""
    try:
        return parse_config(options, context.limits)
    except ValueError as error:
        raise RpcError(str(error)) from None


def plain_config(context: Context, tracer: Tracer, seconds: float | None = None) -> TraceConfig:
    """A tracer with the node's limits, and ``seconds`` of time."""
    limits = context.limits
    options = TraceOptions(parts=tracer.parts, max_steps=limits.trace_steps, max_bytes=limits.trace_bytes)
    return TraceConfig(tracer, options, limits.trace_time if seconds is None else seconds)


def form_of(context: Context, config: TraceConfig, result: CallResult, place: Place) -> Any:
    """JSON of a traced execution; raises where it could not be traced to its end."""
    check_traced(result)
    most = context.limits.trace_steps
    if result.trace is not None and result.trace.truncated and config.options.max_steps == most:
        raise limit_exceeded("trace too large")
    return config.tracer.form(result, place)


def check_traced(result: CallResult) -> None:
    """Raise for what was not executed."""
    if result.invalid is not None:
        raise RpcError(f"tracing failed: {result.error}")
    if result.halt is Halt.TIMEOUT:
        raise RpcError(Halt.TIMEOUT.value)


def place_of(context: Context, block: Block, index: int) -> Place:
    """Where a transaction of a block belongs."""
    transaction = block.transactions[index]
    return Place(
        gas=transaction.gas,
        precompiles=precompiles(context, block.header.timestamp),
        keccak=context.keccak,
        block_hash=block.header.hash,
        block_number=block.header.number,
        transaction_hash=transaction.hash,
        index=index,
    )


def precompiles(context: Context, timestamp: int) -> frozenset[Address]:
    """Addresses of the precompiles in blocks of that time."""
    return frozenset(active_fork(context.chain, timestamp).precompiles.values())


def trace_each(
    context: Context,
    number: int,
    indexes: Sequence[int] | None,
    config: TraceConfig,
    look: Callable[[Place, CallResult], T],
) -> list[T]:
    """What ``look`` makes of the results, with traces, of some (or, for None, all) transactions of a block."""
    block = context.chain.block(number)
    if block is None:
        raise RpcError(f"block #{number} not found")
    if number == 0:
        raise RpcError("genesis is not traceable")

    def placed(index: int, result: CallResult) -> T:
        return look(place_of(context, block, index), result)

    return context.executor.trace_transactions(number, indexes, config.options, config.time_limit, placed)


def trace_forms(
    context: Context, number: int, indexes: Sequence[int] | None, config: TraceConfig
) -> list[tuple[Place, msgspec.Raw]]:
    """Their JSON, encoded: together no more than an answer may have."""
    left = context.limits.response

    def look(place: Place, result: CallResult) -> tuple[Place, msgspec.Raw]:
        nonlocal left
        content = encode(form_of(context, config, result, place), left)
        left -= len(content)
        return place, msgspec.Raw(content)

    return trace_each(context, number, indexes, config, look)


def calls_of(context: Context, number: int, seconds: float | None = None) -> list[dict[str, Any]]:
    """Calls of all transactions of a block in Parity's form."""
    config = plain_config(context, ParityTracer(), seconds)

    def look(place: Place, result: CallResult) -> list[dict[str, Any]]:
        forms: list[dict[str, Any]] = form_of(context, config, result, place)
        return forms

    return [form for forms in trace_each(context, number, None, config, look) for form in forms]
