"""ots_* and erigon_*: what the block explorer Otterscan asks beyond eth_*, at its API level 8."""

from __future__ import annotations

from typing import Annotated, Any

from jovay.chain.reasons import Halt
from jovay.chain.types import Block, Receipt
from jovay.kernel.protocol.opcodes import CALL, CREATE, CREATE2, SELFDESTRUCT, mnemonic
from jovay.rpc import codec
from jovay.rpc.args import LATEST, AddressArg, BlockArg, BlockRef, HashArg, IntegerArg, parse_block
from jovay.rpc.codec import data, optional_data, quantity
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError, limit_exceeded
from jovay.rpc.forms import Form, block_form, header_form, receipt_form, transaction_form
from jovay.rpc.resolve import find_block, state_block
from jovay.rpc.table import Kind, Run, method
from jovay.rpc.tracers.frames import CallTracer
from jovay.rpc.tracing import check_traced, plain_config, trace_each
from jovay.simulation.requests import CallResult, Frame

API_LEVEL = 8
MOST_TRANSACTIONS = 1_000
TRANSFER, DESTRUCTION, CREATION, CREATION2 = range(4)
_SELECTOR = 4


def _parse_block(value: Any) -> BlockRef:
    """A block as everywhere, or its number as a JSON number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return BlockRef(number=codec.parse_integer(value))
    return parse_block(value)


OtsBlockArg = Annotated[BlockRef, Kind("BLOCK", _parse_block)]


@method("ots_getApiLevel", Run.INLINE)
def api_level(context: Context) -> int:
    """Version of this interface."""
    return API_LEVEL


@method("ots_hasCode", Run.INLINE)
def has_code(context: Context, address: AddressArg, block: BlockArg = LATEST) -> bool:
    """Whether an account has code."""
    return bool(context.state.code(address, state_block(context.chain, block)))


@method("erigon_getHeaderByNumber", Run.INLINE)
def get_header(context: Context, block: OtsBlockArg) -> Form | None:
    """A header by its number or tag."""
    number = find_block(context.chain, block)
    header = None if number is None else context.chain.header(number)
    return None if header is None else header_form(header)


# Blocks.
def _find(context: Context, ref: BlockRef) -> tuple[Block, list[Receipt]] | None:
    number = find_block(context.chain, ref)
    if number is None:
        return None
    block, receipts = context.chain.block(number), context.chain.block_receipts(number)
    return None if block is None or receipts is None else (block, list(receipts))


def _block_form(block: Block) -> Form:
    """A block without its transactions."""
    form = block_form(block.header, [], block.withdrawals)
    del form["transactions"]
    return form | {"transactionCount": len(block.transactions), "totalDifficulty": "0x0"}


def _details(context: Context, ref: BlockRef) -> Form | None:
    found = _find(context, ref)
    if found is None:
        return None
    block, receipts = found
    fees = sum(receipt.gas_used * receipt.effective_gas_price for receipt in receipts)
    nothing = {"blockReward": "0x0", "uncleReward": "0x0", "issuance": "0x0"}
    return {"block": _block_form(block), "issuance": nothing, "totalFees": quantity(fees)}


@method("ots_getBlockDetails", Run.POOL)
def get_block_details(context: Context, block: OtsBlockArg) -> Form | None:
    """A block with its fees and the number of its transactions."""
    return _details(context, block)


@method("ots_getBlockDetailsByHash", Run.POOL)
def get_block_details_by_hash(context: Context, block_hash: HashArg) -> Form | None:
    """A block with its fees and the number of its transactions."""
    return _details(context, BlockRef(hash=block_hash))


@method("ots_getBlockTransactions", Run.POOL)
def get_block_transactions(
    context: Context, block: OtsBlockArg, page: IntegerArg, size: IntegerArg
) -> Form | None:
    """A page of a block's transactions, their input cut after the selector, and their receipts."""
    if size > MOST_TRANSACTIONS:
        raise limit_exceeded(f"page is too large (limit {MOST_TRANSACTIONS})")
    found = _find(context, block)
    if found is None:
        return None
    whole, receipts = found
    shown = range(len(whole.transactions))[page * size : (page + 1) * size]
    transactions = [transaction_form(whole.transactions[k], whole.header, k) for k in shown]
    for form in transactions:
        form["input"] = form["input"][: 2 + 2 * _SELECTOR]
    return {
        "fullblock": _block_form(whole) | {"transactions": transactions},
        "receipts": [receipt_form(receipts[k]) for k in shown],
    }


# Transactions.
def _executed(context: Context, transaction_hash: bytes) -> CallResult | None:
    """A mined transaction executed again; None for an unknown one."""
    found = context.chain.transaction(transaction_hash)
    if found is None or found.header is None:
        return None
    config = plain_config(context, CallTracer({}))
    result = trace_each(context, found.header.number, [found.index], config, lambda _, result: result)[0]
    check_traced(result)
    return result


def _frames(result: CallResult | None) -> list[Frame]:
    return [] if result is None or result.trace is None else list(result.trace.frames)


@method("ots_getInternalOperations", Run.HEAVY, tracing=True)
def get_internal_operations(context: Context, transaction_hash: HashArg) -> list[Form]:
    """Transfers of ether (``type`` 0), destructions (1) and creations (2, with CREATE2 3) of a transaction."""
    kinds = {CREATE: CREATION, CREATE2: CREATION2, SELFDESTRUCT: DESTRUCTION}
    result = _executed(context, transaction_hash)
    if result is None:
        raise RpcError("transaction not found")
    return [
        {
            "type": kinds.get(frame.op, TRANSFER),
            "from": data(frame.sender),
            "to": optional_data(frame.to),
            "value": quantity(frame.value),
        }
        for frame in _frames(result)
        if frame.op in kinds or (frame.op == CALL and frame.value)
    ]


@method("ots_getTransactionError", Run.HEAVY, tracing=True)
def get_transaction_error(context: Context, transaction_hash: HashArg) -> str:
    """What a transaction reverted with; empty if it did not."""
    result = _executed(context, transaction_hash)
    return data(result.output) if result is not None and result.halt is Halt.REVERT else "0x"


@method("ots_traceTransaction", Run.HEAVY, tracing=True)
def trace_transaction(context: Context, transaction_hash: HashArg) -> list[Form]:
    """Calls, creations and destructions of a transaction in the order of their beginning."""
    return [
        {
            "type": mnemonic(frame.op),
            "depth": frame.depth,
            "from": data(frame.sender),
            "to": optional_data(frame.to),
            "value": quantity(frame.value),
            "input": data(frame.input),
            "output": data(frame.output),
        }
        for frame in _frames(_executed(context, transaction_hash))
    ]
