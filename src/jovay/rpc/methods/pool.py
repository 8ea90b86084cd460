"""txpool_*: what waits in the pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from jovay.chain.checksum import checksummed
from jovay.chain.types import Address, Transaction
from jovay.rpc.args import AddressArg
from jovay.rpc.codec import quantity
from jovay.rpc.context import Context
from jovay.rpc.forms import Form, transaction_form
from jovay.rpc.table import Run, method


@method("txpool_status", Run.INLINE)
def status(context: Context) -> Form:
    """Numbers of executable and of waiting transactions."""
    found = context.pool.status()
    return {"pending": quantity(found.pending), "queued": quantity(found.queued)}


def _forms(transactions: Sequence[Transaction]) -> Form:
    return {str(item.nonce): transaction_form(item) for item in transactions}


def _by_sender(context: Context, transactions: Mapping[Address, Sequence[Transaction]]) -> Form:
    """Keys are checksummed, as geth's are."""
    keccak = context.keccak
    return {checksummed(sender, keccak): _forms(items) for sender, items in transactions.items()}


@method("txpool_content", Run.HEAVY)
def content(context: Context) -> Form:
    """All transactions of the pool by sender and nonce."""
    found = context.pool.content()
    return {"pending": _by_sender(context, found.pending), "queued": _by_sender(context, found.queued)}


@method("txpool_contentFrom", Run.POOL)
def content_from(context: Context, sender: AddressArg) -> Form:
    """Transactions of one sender by nonce."""
    found = context.pool.content(sender)
    return {
        "pending": _forms(found.pending.get(sender, ())),
        "queued": _forms(found.queued.get(sender, ())),
    }


def _summary(transaction: Transaction, keccak: Callable[[bytes], bytes]) -> str:
    target = "contract creation" if transaction.to is None else checksummed(transaction.to, keccak)
    price = transaction.gas_price if transaction.max_fee_per_gas is None else transaction.max_fee_per_gas
    return f"{target}: {transaction.value} wei + {transaction.gas} gas × {price or 0} wei"


def _summaries(context: Context, transactions: Mapping[Address, Sequence[Transaction]]) -> Form:
    keccak = context.keccak
    return {
        checksummed(sender, keccak): {str(item.nonce): _summary(item, keccak) for item in items}
        for sender, items in transactions.items()
    }


@method("txpool_inspect", Run.HEAVY)
def inspect(context: Context) -> Form:
    """All transactions of the pool as short texts."""
    found = context.pool.content()
    return {"pending": _summaries(context, found.pending), "queued": _summaries(context, found.queued)}
