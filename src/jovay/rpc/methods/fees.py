"""Gas prices and the history of fees."""

from __future__ import annotations

from collections.abc import Sequence

from jovay.chain.types import Header, Receipt
from jovay.kernel.protocol.gas import GAS_PER_BLOB
from jovay.rpc.args import BlockNumberArg, IntegerArg, PercentilesArg
from jovay.rpc.backend.chain import Chain
from jovay.rpc.codec import quantity
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError
from jovay.rpc.forms import Form
from jovay.rpc.resolve import active_fork, known_header, state_block
from jovay.rpc.table import Run, method

_MOST_PERCENTILES = 100


@method("eth_gasPrice", Run.INLINE)
def gas_price(context: Context) -> str:
    """Price for a legacy transaction: base fee and suggested tip.

    The base fee is the higher one of the newest and of the next block, since calls run in the former.
    """
    fees, header = context.pool.fees(), context.chain.header(context.chain.head())
    base = max(fees.base_fee, (header.base_fee_per_gas or 0) if header else 0)
    return quantity(base + fees.priority_fee)


@method("eth_maxPriorityFeePerGas", Run.INLINE)
def max_priority_fee(context: Context) -> str:
    """Suggested tip."""
    return quantity(context.pool.fees().priority_fee)


@method("eth_blobBaseFee", Run.INLINE)
def blob_base_fee(context: Context) -> str:
    """Blob base fee of the next block."""
    return quantity(context.pool.fees().blob_base_fee)


@method("eth_baseFee", Run.INLINE)
def base_fee(context: Context) -> str:
    """Base fee of the next block."""
    return quantity(context.pool.fees().base_fee)


@method("eth_feeHistory", Run.HEAVY)
def fee_history(
    context: Context, count: IntegerArg, newest: BlockNumberArg, percentiles: PercentilesArg = ()
) -> Form:
    """Base fees, fullness and tips at percentiles of gas used, for ``count`` blocks up to ``newest``."""
    _check_percentiles(percentiles)
    if count == 0:
        return {"oldestBlock": "0x0", "gasUsedRatio": None}
    chain = context.chain
    head = chain.head()
    if newest.number is not None and newest.number > head:
        raise RpcError(f"request beyond head block: requested {newest.number}, head {head}")
    last = state_block(chain, newest)
    count = min(count, last + 1, context.limits.fee_history)
    headers = [known_header(chain, number) for number in range(last + 1 - count, last + 1)]
    base_fees = [header.base_fee_per_gas or 0 for header in headers]
    blob_fees = [chain.blob_base_fee(header.number) or 0 for header in headers]
    if last < head:
        base_fees.append(known_header(chain, last + 1).base_fee_per_gas or 0)
        blob_fees.append(chain.blob_base_fee(last + 1) or 0)
    else:
        fees = context.pool.fees()
        base_fees.append(fees.base_fee)
        blob_fees.append(fees.blob_base_fee)
    form: Form = {
        "oldestBlock": quantity(headers[0].number),
        "baseFeePerGas": [quantity(fee) for fee in base_fees],
        "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
        "baseFeePerBlobGas": [quantity(fee) for fee in blob_fees],
        "blobGasUsedRatio": [_blob_ratio(chain, header) for header in headers],
    }
    if percentiles:
        form["reward"] = [_rewards(chain, header, percentiles) for header in headers]
    return form


def _check_percentiles(percentiles: Sequence[float]) -> None:
    if len(percentiles) > _MOST_PERCENTILES:
        raise RpcError(f"invalid reward percentile: over the query limit {_MOST_PERCENTILES}")
    for position, percentile in enumerate(percentiles):
        if not 0 <= percentile <= 100:
            raise RpcError(f"invalid reward percentile: {percentile:f}")
        if position and percentile <= percentiles[position - 1]:
            before = percentiles[position - 1]
            raise RpcError(
                f"invalid reward percentile: #{position - 1}:{before:f} >= #{position}:{percentile:f}"
            )


def _blob_ratio(chain: Chain, header: Header) -> float:
    schedule = active_fork(chain, header.timestamp).blob_schedule
    if not header.blob_gas_used or schedule is None or not schedule.max:
        return 0.0
    return header.blob_gas_used / (schedule.max * GAS_PER_BLOB)


def _rewards(chain: Chain, header: Header, percentiles: Sequence[float]) -> list[str]:
    """Tips of a block's transactions at percentiles of its gas, cheapest first."""
    receipts: Sequence[Receipt] = chain.block_receipts(header.number) or ()
    if not receipts:
        return ["0x0"] * len(percentiles)
    base = header.base_fee_per_gas or 0
    # L1 messages pay nothing; they must not show as negative tips.
    tips = sorted((max(receipt.effective_gas_price - base, 0), receipt.gas_used) for receipt in receipts)
    rewards = []
    position, gas = 0, tips[0][1]
    for percentile in percentiles:
        threshold = int(header.gas_used * percentile / 100)
        while gas < threshold and position < len(tips) - 1:
            position += 1
            gas += tips[position][1]
        rewards.append(quantity(tips[position][0]))
    return rewards
