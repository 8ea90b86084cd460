"""Accounts of the node (in development only) and transactions that it prepares."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec

from jovay.chain.envelope import envelope
from jovay.chain.types import Transaction
from jovay.rpc.args import AddressArg, AnyArg, CallArg, CallArgs, DataArg, IntegerArg, parse_object
from jovay.rpc.backend.development import Development
from jovay.rpc.codec import data
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError, invalid_params
from jovay.rpc.forms import Form, transaction_form
from jovay.rpc.methods.send import wait_receipt
from jovay.rpc.prepare import fill, unsigned
from jovay.rpc.table import Kind, Run, alias, method
from jovay.rpc.typed_data import TypedData


@method("eth_accounts", Run.INLINE)
def accounts(context: Context) -> list[str]:
    """Accounts whose keys the node holds: none outside development."""
    dev = context.development
    return [] if dev is None else [data(address) for address in dev.accounts()]


alias("eth_accounts", "eth_requestAccounts")


def _keeper(context: Context) -> Development:
    dev = context.development
    if dev is None:
        raise RpcError("unknown account")
    return dev


def _transaction_form(transaction: Transaction) -> Form:
    """The form of a transaction that is in no block and has no sender yet."""
    form = transaction_form(transaction)
    for name in ("blockHash", "blockNumber", "blockTimestamp", "transactionIndex", "from"):
        del form[name]
    if transaction.max_fee_per_gas is not None:
        form["gasPrice"] = None
    return form


@method("eth_fillTransaction", Run.HEAVY, large=True)
def fill_transaction(context: Context, transaction: CallArg) -> Form:
    """The transaction with nonce, gas and prices filled in, unsigned, as ``raw`` and as ``tx``."""
    made = unsigned(fill(context, transaction))
    raw = envelope(made)
    made = msgspec.structs.replace(made, hash=context.keccak(raw))
    return {"raw": data(raw), "tx": _transaction_form(made)}


@method("eth_sendTransaction", Run.HEAVY, large=True)
def send_transaction(context: Context, transaction: CallArg) -> str:
    """Send a transaction from an account of the node or an impersonated one."""
    return data(_send(context, transaction))


def _send(context: Context, transaction: CallArgs, anyone: bool = False) -> bytes:
    dev = _keeper(context)
    if not anyone and not dev.acts_for(transaction.sender or bytes(20)):
        raise RpcError("unknown account")
    filled = fill(context, transaction)
    return dev.send(filled.call(filled.gas), anyone)


@method("eth_sendUnsignedTransaction", Run.HEAVY, large=True, dev=True)
def send_unsigned_transaction(context: Context, transaction: CallArg) -> str:
    """Send a transaction from any address."""
    return data(_send(context, transaction, anyone=True))


@method("eth_sendTransactionSync", Run.WAIT, large=True)
async def send_transaction_sync(context: Context, transaction: CallArg, timeout: IntegerArg = 0) -> Form:
    """Send a transaction from an account of the node, and wait for its receipt (EIP-7966)."""
    send = partial(_send, context, transaction)
    return await wait_receipt(context, await context.services.workers.run_heavy(send), timeout)


@method("eth_signTransaction", Run.HEAVY, large=True)
def sign_transaction(context: Context, transaction: CallArg) -> Form:
    """Sign a transaction with a key of the node."""
    dev = _keeper(context)
    if transaction.gas is None:
        raise RpcError("gas not specified")
    if transaction.nonce is None:
        raise RpcError("nonce not specified")
    filled = fill(context, transaction)
    raw = dev.sign_transaction(filled.call(filled.gas))
    made = msgspec.structs.replace(unsigned(filled), hash=context.keccak(raw))
    return {"raw": data(raw), "tx": _transaction_form(made)}


@method("eth_sign", Run.POOL, large=True)
def sign(context: Context, address: AddressArg, message: DataArg) -> str:
    """Sign a message (EIP-191, version E) with a key of the node."""
    dev = _keeper(context)
    prefix = b"\x19Ethereum Signed Message:\n%d" % len(message)
    return data(dev.sign(address, context.keccak(prefix + message)))


def parse_typed_data(value: Any) -> dict[str, Any]:
    """Typed data (EIP-712), as an object or as its JSON text."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError("typed data is no JSON") from error
    return parse_object(value, "apitypes.TypedData")


TypedDataArg = Annotated[dict[str, Any], Kind("TYPED DATA", parse_typed_data)]


@method("eth_signTypedData_v4", Run.POOL, large=True)
def sign_typed_data(context: Context, address: AddressArg, typed: TypedDataArg) -> str:
    """Sign typed structured data (EIP-712) with a key of the node."""
    dev = _keeper(context)
    try:
        digest = TypedData(typed, context.keccak).digest()
    except ValueError as error:
        raise invalid_params(f"invalid argument 1: {error}") from None
    return data(dev.sign(address, digest))


alias("eth_signTypedData_v4", "eth_signTypedData_v3", "eth_signTypedData")


@method("personal_sign", Run.POOL, large=True, dev=True)
def personal_sign(context: Context, message: DataArg, address: AddressArg, password: AnyArg = None) -> str:
    """The same as eth_sign with the parameters the other way round."""
    return sign(context, address, message)


@method("eth_pendingTransactions", Run.POOL)
def pending_transactions(context: Context) -> list[Form]:
    """Pooled transactions of the node's own accounts."""
    dev = context.development
    if dev is None:
        return []
    pending = context.pool.content().pending
    return [transaction_form(item) for address in dev.accounts() for item in pending.get(address, ())]
