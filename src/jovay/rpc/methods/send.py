"""Signed transactions into the pool."""

from __future__ import annotations

from jovay.chain.reasons import Invalid
from jovay.rpc.args import DataArg, IntegerArg
from jovay.rpc.backend.pool import RawBatch, SubmitError
from jovay.rpc.codec import data, quantity
from jovay.rpc.context import Context
from jovay.rpc.errors import SYNC_NONCE_GAP, SYNC_NOT_READY, SYNC_TIMEOUT, RpcError
from jovay.rpc.forms import Form, receipt_form
from jovay.rpc.reasons import NOT_READY
from jovay.rpc.table import Run, alias, method


@method("eth_sendRawTransaction", Run.ASYNC, large=True)
async def send_raw_transaction(context: Context, raw: DataArg) -> str:
    """Put a signed transaction into the pool; returns its hash."""
    result = await context.services.ingest.submit(RawBatch(raw, (len(raw),)))
    error = result.errors.get(0)
    if error is not None:
        raise RpcError(error.message)
    return data(result.hashes)


@method("eth_sendRawTransactionSync", Run.WAIT, large=True)
async def send_raw_transaction_sync(context: Context, raw: DataArg, timeout: IntegerArg = 0) -> Form:
    """Submit a signed transaction and wait for its receipt (EIP-7966), ``timeout`` in milliseconds."""
    result = await context.services.ingest.submit_ready(raw)
    error = result.errors.get(0)
    if error is not None:
        raise _sync_error(error, result.hashes)
    return await wait_receipt(context, result.hashes, timeout)


async def wait_receipt(context: Context, transaction_hash: bytes, timeout: int) -> Form:
    """Receipt of a pooled transaction, waited for as EIP-7966 says, ``timeout`` in milliseconds."""
    limits = context.limits
    seconds = min(timeout / 1000, limits.sync_time_max) if timeout else limits.sync_time
    receipt = await context.services.hub.wait_receipt(transaction_hash, seconds)
    if receipt is None:
        shown = f"{seconds:g}s"
        text = f"The transaction was added to the transaction pool but wasn't processed in {shown}"
        raise RpcError(text, SYNC_TIMEOUT, data(transaction_hash))
    return receipt_form(receipt)


alias("eth_sendRawTransactionSync", "realtime_sendRawTransaction")


def _sync_error(error: SubmitError, transaction_hash: bytes) -> RpcError:
    if error.reason is Invalid.NONCE_TOO_HIGH and error.expected_nonce is not None:
        return RpcError(error.message, SYNC_NONCE_GAP, quantity(error.expected_nonce))
    if error.reason in NOT_READY:
        return RpcError(error.message, SYNC_NOT_READY, data(transaction_hash))
    return RpcError(error.message)
