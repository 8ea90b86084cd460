"""debug_*: traces and raw encodings."""

from __future__ import annotations

from typing import Annotated, Any

from jovay.chain.rlp import span
from jovay.rpc.args import (
    LATEST,
    BlockArg,
    BlockNumberArg,
    BlockRef,
    CallArg,
    DataArg,
    HashArg,
    OptionsArg,
    parse_block_overrides,
    parse_object,
    parse_state_overrides,
)
from jovay.rpc.backend.chain import BlockTag
from jovay.rpc.codec import data, optional_data, parse_uint64
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError, invalid_params
from jovay.rpc.executing import check_block_overrides, execute_one, make_call
from jovay.rpc.forms import Form
from jovay.rpc.resolve import find_block
from jovay.rpc.table import Kind, Run, method
from jovay.rpc.tracers import Place
from jovay.rpc.tracing import config_of, form_of, precompiles, trace_forms
from jovay.simulation.requests import ExecuteOptions

_NO_OPTIONS: dict[str, Any] = {}
TraceArg = Annotated[dict[str, Any], Kind("TRACE OPTIONS", lambda value: parse_object(value, "TraceConfig"))]


def _block_number(context: Context, ref: BlockRef) -> int:
    number = find_block(context.chain, ref)
    if number is None:
        raise RpcError(f"block {data(ref.hash)} not found" if ref.hash else f"block #{ref.number} not found")
    return number


@method("debug_traceTransaction", Run.HEAVY)
def trace_transaction(context: Context, transaction_hash: HashArg, options: TraceArg = _NO_OPTIONS) -> Any:
    """Trace of a mined transaction."""
    config = config_of(context, options)
    found = context.chain.transaction(transaction_hash)
    if found is None or found.header is None:
        raise RpcError("transaction not found")
    return trace_forms(context, found.header.number, [found.index], config)[0][1]


def _trace_block(context: Context, ref: BlockRef, options: dict[str, Any]) -> list[Form]:
    config = config_of(context, options)
    traced = trace_forms(context, _block_number(context, ref), None, config)
    return [{"txHash": optional_data(place.transaction_hash), "result": form} for place, form in traced]


@method("debug_traceBlockByNumber", Run.HEAVY)
def trace_block_by_number(
    context: Context, block: BlockNumberArg, options: TraceArg = _NO_OPTIONS
) -> list[Form]:
    """Traces of all transactions of a block."""
    return _trace_block(context, block, options)


@method("debug_traceBlockByHash", Run.HEAVY)
def trace_block_by_hash(context: Context, block_hash: HashArg, options: TraceArg = _NO_OPTIONS) -> list[Form]:
    """Traces of all transactions of a block."""
    return _trace_block(context, BlockRef(hash=block_hash), options)


@method("debug_traceBlock", Run.HEAVY, large=True)
def trace_block(context: Context, block: DataArg, options: TraceArg = _NO_OPTIONS) -> list[Form]:
    """Traces of all transactions of a block of this chain, given as RLP."""
    block_hash = context.keccak(_first_item(block))
    return _trace_block(context, BlockRef(hash=block_hash), options)


def _first_item(block: bytes) -> bytes:
    """Encoding of the header inside the RLP of a block."""
    if not block or block[0] < 0xC0:
        raise RpcError("could not decode block: rlp: expected List")
    try:
        start, _ = span(block, 0)
        _, end = span(block, start)
    except IndexError:
        end = len(block) + 1
    if end > len(block):
        raise RpcError("could not decode block: rlp: value size exceeds available input length")
    return block[start:end]


@method("debug_traceCall", Run.HEAVY, large=True)
def trace_call(
    context: Context, transaction: CallArg, block: BlockArg = LATEST, options: OptionsArg = _NO_OPTIONS
) -> Any:
    """Trace of a call, with ``stateOverrides``, ``blockOverrides`` and ``txIndex`` among the options."""
    config = config_of(context, options)
    try:
        state, overrides, index = _call_options(options)
    except ValueError as error:
        raise invalid_params(f"invalid argument 2: {error}") from None
    check_block_overrides(overrides)
    ref = BlockRef(tag=BlockTag.LATEST) if block.tag is BlockTag.PENDING else block
    number = _block_number(context, ref)
    call = make_call(context, transaction)
    execute = ExecuteOptions(
        gas_cap=context.limits.call_gas,
        time_limit=config.time_limit,
        at_index=index,
        trace=config.options,
    )
    result = execute_one(context, call, number, state, overrides, execute)
    header = context.chain.header(number)
    place = Place(
        gas=call.gas or 0,
        precompiles=precompiles(context, header.timestamp if header else 0),
        keccak=context.keccak,
    )
    return form_of(context, config, result, place)


def _call_options(options: dict[str, Any]) -> tuple[Any, Any, int | None]:
    state, block, index = (options.get(name) for name in ("stateOverrides", "blockOverrides", "txIndex"))
    return (
        None if state is None else parse_state_overrides(state),
        None if block is None else parse_block_overrides(block),
        None if index is None else parse_uint64(index),
    )


def _raw(content: bytes | None, what: str, ref: BlockRef) -> str:
    if content is None:
        name = data(ref.hash) if ref.hash is not None else f"#{ref.number}"
        raise RpcError(f"{what} {name} not found")
    return data(content)


@method("debug_getRawHeader", Run.POOL)
def get_raw_header(context: Context, block: BlockArg) -> str:
    """RLP of a header."""
    number = find_block(context.chain, block)
    return _raw(None if number is None else context.chain.raw_header(number), "header", block)


@method("debug_getRawBlock", Run.POOL)
def get_raw_block(context: Context, block: BlockArg) -> str:
    """RLP of a block."""
    number = find_block(context.chain, block)
    return _raw(None if number is None else context.chain.raw_block(number), "block", block)


@method("debug_getRawReceipts", Run.POOL)
def get_raw_receipts(context: Context, block: BlockArg) -> list[str]:
    """Consensus encodings of a block's receipts."""
    number = find_block(context.chain, block)
    receipts = None if number is None else context.chain.raw_receipts(number)
    return [] if receipts is None else [data(receipt) for receipt in receipts]


@method("debug_getRawTransaction", Run.INLINE)
def get_raw_transaction(context: Context, transaction_hash: HashArg) -> str | None:
    """Envelope of a mined or pooled transaction."""
    return optional_data(context.chain.raw_transaction(transaction_hash))


@method("debug_executionWitness", Run.HEAVY)
def execution_witness(context: Context, block: BlockArg) -> Form:
    """What executing a block takes without any other state, over the trie that ``scheme`` names.

    ``witness`` is the whole input of the stateless function. ``state`` holds the multiproof in it, ``codes`` the
    code, ``keys`` the addresses, and addresses with a slot behind, of which it shows the values; ``headers`` the
    parent's header.
    """
    number = _block_number(context, block)
    if number == 0:
        raise RpcError("genesis is not executed")
    found = context.executor.witness(number, context.limits.trace_time)
    return {
        "scheme": found.scheme,
        "witness": data(found.input),
        "state": [data(part) for part in found.state],
        "codes": [data(code) for code in found.codes],
        "keys": [data(key) for key in found.keys],
        "headers": [data(header) for header in found.headers],
    }


@method("debug_getBadBlocks", Run.INLINE)
def get_bad_blocks(context: Context) -> list[Form]:
    """Invalid blocks that were seen: a sequencer imports none."""
    return []
