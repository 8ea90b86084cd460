"""eth_simulateV1: blocks of calls on top of an existing block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from jovay.chain.reasons import Halt
from jovay.chain.types import Address, Block, Header
from jovay.rpc import codec
from jovay.rpc.args import (
    LATEST,
    BlockArg,
    CallArgs,
    parse_block_overrides,
    parse_call,
    parse_list,
    parse_object,
    parse_state_overrides,
)
from jovay.rpc.codec import data, quantity
from jovay.rpc.context import Context
from jovay.rpc.errors import INTERNAL, RpcError, invalid_params
from jovay.rpc.executing import check_call, timeout_error
from jovay.rpc.forms import Form, block_form, transaction_form
from jovay.rpc.reasons import SIMULATED
from jovay.rpc.resolve import known_header, state_block
from jovay.rpc.revert import revert_message
from jovay.rpc.table import Kind, Run, method
from jovay.simulation.requests import (
    AccountOverride,
    BlockOverrides,
    Bundle,
    BundleResult,
    Call,
    CallResult,
    ExecuteOptions,
)

MOST_BLOCKS = 256
MOST_CALLS = 5_000
MOST_CALLS_IN_ALL = 10_000
TIME_STEP = 12
"""Seconds between simulated blocks that name no time."""
CLIENT_LIMIT = -38026
VM_ERROR = -32015


class SimulatedBlock(msgspec.Struct, frozen=True):
    """One element of ``blockStateCalls``."""

    calls: tuple[CallArgs, ...]
    block: BlockOverrides
    state: Mapping[Address, AccountOverride] | None


class SimulateArgs(msgspec.Struct, frozen=True):
    """The options of eth_simulateV1."""

    blocks: tuple[SimulatedBlock, ...]
    transfers: bool
    validation: bool
    full: bool


def _parse_block(value: Any) -> SimulatedBlock:
    source = parse_object(value, "ethapi.simBlock")
    calls = parse_list(source.get("calls") or [], "[]ethapi.TransactionArgs")
    block, state = source.get("blockOverrides"), source.get("stateOverrides")
    return SimulatedBlock(
        tuple([parse_call(call) for call in calls]),
        BlockOverrides() if block is None else parse_block_overrides(block),
        None if state is None else parse_state_overrides(state),
    )


def _parse_flag(source: Mapping[str, Any], name: str) -> bool:
    value = source.get(name)
    return False if value is None else codec.parse_bool(value)


def parse_simulation(value: Any) -> SimulateArgs:
    """The first parameter of eth_simulateV1."""
    source = parse_object(value, "ethapi.simOpts")
    blocks = parse_list(source.get("blockStateCalls") or [], "[]ethapi.simBlock")
    if len(blocks) > MOST_BLOCKS:
        raise RpcError(f"too many blocks: {len(blocks)} > {MOST_BLOCKS}", CLIENT_LIMIT)
    return SimulateArgs(
        tuple([_parse_block(block) for block in blocks]),
        _parse_flag(source, "traceTransfers"),
        _parse_flag(source, "validation"),
        _parse_flag(source, "returnFullTransactions"),
    )


SimulateArg = Annotated[SimulateArgs, Kind("SIMULATION", parse_simulation)]


@method("eth_simulateV1", Run.HEAVY, large=True)
def simulate(context: Context, simulation: SimulateArg, block: BlockArg = LATEST) -> list[Form]:
    """Execute blocks of calls, with overrides of blocks and state, and return the blocks with results.

    State roots are those of the zkTrie; where too much has changed since the block to tell them, that is an error.
    """
    _check_size(simulation)
    number = state_block(context.chain, block)
    base = known_header(context.chain, number)
    bundles = [
        Bundle(
            [_make_call(context, call) for call in item.calls],
            _complete(item.block, simulation.validation),
            item.state,
        )
        for item in _chain(simulation.blocks, base)
    ]
    limits = context.limits
    options = ExecuteOptions(
        gas_cap=limits.call_gas,
        time_limit=limits.execution_time,
        validation=simulation.validation,
        new_block=True,
        transfers=simulation.transfers,
    )
    results = context.executor.execute(bundles, number, options)
    return [_result_form(context, result, simulation.full) for result in results]


def _check_size(simulation: SimulateArgs) -> None:
    if not simulation.blocks:
        raise invalid_params("empty input")
    total = 0
    for item in simulation.blocks:
        if len(item.calls) > MOST_CALLS:
            raise RpcError(f"too many calls in block: {len(item.calls)} > {MOST_CALLS}", CLIENT_LIMIT)
        total += len(item.calls)
        if total > MOST_CALLS_IN_ALL:
            raise RpcError(f"too many calls: {total} > {MOST_CALLS_IN_ALL}", CLIENT_LIMIT)


def _make_call(context: Context, args: CallArgs) -> Call:
    """A call whose gas, if not given, is what is left of its block."""
    check_call(context, args)
    return args.call(args.gas)


def _complete(block: BlockOverrides, validation: bool) -> BlockOverrides:
    """Without validation the base fee is zero unless it is given."""
    if validation or block.base_fee_per_gas is not None:
        return block
    return msgspec.structs.replace(block, base_fee_per_gas=0)


def _chain(blocks: tuple[SimulatedBlock, ...], base: Header) -> list[SimulatedBlock]:
    """The blocks with numbers and times set, gaps between numbers filled with empty blocks."""
    chain: list[SimulatedBlock] = []
    number, timestamp = base.number, base.timestamp
    for item in blocks:
        wanted = number + 1 if item.block.number is None else item.block.number
        if wanted <= number:
            raise RpcError(f"block numbers must be in order: {wanted} <= {number}", -38020)
        if wanted - base.number > MOST_BLOCKS:
            count = wanted - base.number
            raise RpcError(f"too many blocks: {count} > {MOST_BLOCKS}", CLIENT_LIMIT)
        for gap in range(number + 1, wanted):
            timestamp = _later(timestamp)
            chain.append(SimulatedBlock((), BlockOverrides(number=gap, timestamp=timestamp), None))
        when = _later(timestamp) if item.block.timestamp is None else item.block.timestamp
        if when <= timestamp:
            raise RpcError(f"block timestamps must be in order: {when} <= {timestamp}", -38021)
        number, timestamp = wanted, when
        overrides = msgspec.structs.replace(item.block, number=number, timestamp=timestamp)
        chain.append(msgspec.structs.replace(item, block=overrides))
    return chain


def _later(timestamp: int) -> int:
    """Time of a block that names none."""
    if timestamp + TIME_STEP > codec.UINT64_MAX:
        raise invalid_params(
            f"timestamp {timestamp + TIME_STEP} does not fit 64 bits: 0 to {codec.UINT64_MAX}"
        )
    return timestamp + TIME_STEP


def _result_form(context: Context, result: BundleResult, full: bool) -> Form:
    for call in result.calls:
        if call.invalid is not None:
            raise RpcError(call.error or call.invalid.value, SIMULATED.get(call.invalid, INTERNAL))
        if call.halt is Halt.TIMEOUT:
            raise timeout_error(context)
    block = result.block
    if block is None:
        raise RpcError("the node does not simulate blocks", INTERNAL)
    header = block.header
    transactions: list[Any] = [
        transaction_form(item, header, index) if full else data(item.hash)
        for index, item in enumerate(block.transactions)
    ]
    form = block_form(header, transactions, block.withdrawals)
    form["calls"] = [_call_form(call, block, index) for index, call in enumerate(result.calls)]
    return form


def _call_form(result: CallResult, block: Block, index: int) -> Form:
    form: Form = {
        "returnData": "0x" if result.halt else data(result.output),  # what a revert says stands in its error
        "logs": [],
        "gasUsed": quantity(result.gas_used),
        "maxUsedGas": quantity(max(result.max_used_gas, result.gas_used)),
        "status": "0x0" if result.halt else "0x1",
    }
    if result.halt is Halt.REVERT:
        form["error"] = {
            "message": revert_message(result.output),
            "code": 3,
            "data": data(result.output),
        }
    elif result.halt is not None:
        form["error"] = {"message": result.error, "code": VM_ERROR}
    else:
        form["logs"] = _logs(result, block, index)
    return form


def _logs(result: CallResult, block: Block, index: int) -> list[Form]:
    header = block.header
    transaction_hash = block.transactions[index].hash
    return [
        {
            "address": data(log.address),
            "topics": [data(topic) for topic in log.topics],
            "data": data(log.data),
            "blockNumber": quantity(header.number),
            "transactionHash": data(transaction_hash),
            "transactionIndex": quantity(index),
            "blockHash": data(header.hash),
            "blockTimestamp": quantity(header.timestamp),
            "logIndex": quantity(log.index),
            "removed": False,
        }
        for log in result.logs
    ]
