"""ots_* that search: blocks are executed again, or states halved, since there is no index over addresses."""

from __future__ import annotations

import time
from collections.abc import Iterable

from jovay.chain.types import Address
from jovay.kernel.protocol.opcodes import CREATE, CREATE2
from jovay.rpc.args import AddressArg, IntegerArg
from jovay.rpc.backend.errors import HistoryUnavailableError
from jovay.rpc.codec import data, quantity
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError, limit_exceeded
from jovay.rpc.forms import Form, receipt_form, transaction_form
from jovay.rpc.history import first_state, transaction_of
from jovay.rpc.table import Run, method
from jovay.rpc.tracers import Place
from jovay.rpc.tracers.frames import CallTracer
from jovay.rpc.tracing import check_traced, plain_config, trace_each
from jovay.simulation.requests import CallResult, Frame

MOST_TRANSACTIONS = 1_000


@method("ots_getTransactionBySenderAndNonce", Run.POOL)
def get_transaction_by_sender(context: Context, sender: AddressArg, nonce: IntegerArg) -> str | None:
    """Hash of the mined transaction of a sender with a nonce."""
    found = transaction_of(context.chain, context.state, sender, nonce)
    return None if found is None else data(found.transaction.hash)


@method("eth_getTransactionBySenderAndNonce", Run.POOL)
def get_whole_transaction_by_sender(context: Context, sender: AddressArg, nonce: IntegerArg) -> Form | None:
    """The mined or pooled transaction of a sender with a nonce."""
    found = transaction_of(context.chain, context.state, sender, nonce)
    if found is not None:
        return transaction_form(found.transaction, found.header, found.index)
    pool = context.pool.content(sender)
    waiting = [*pool.pending.get(sender, ()), *pool.queued.get(sender, ())]
    return next((transaction_form(one) for one in waiting if one.nonce == nonce), None)


@method("ots_getContractCreator", Run.HEAVY, tracing=True)
def get_contract_creator(context: Context, address: AddressArg) -> Form | None:
    """Transaction and account that created a contract; null for what has no code or has it from no creation."""
    read = context.state.code
    number = first_state(context.chain.head(), lambda height: bool(read(address, height)))
    if not number:
        return None
    for digest, result in _executed(context, number, context.limits.trace_time):
        for frame in _frames(result):
            if frame.op in (CREATE, CREATE2) and frame.to == address and frame.error is None:
                return {"hash": data(digest), "creator": data(frame.sender)}
    return None


def _executed(context: Context, number: int, seconds: float) -> list[tuple[bytes, CallResult]]:
    """Hashes and calls of a block's transactions."""
    config = plain_config(context, CallTracer({}), seconds)

    def look(place: Place, result: CallResult) -> tuple[bytes, CallResult]:
        check_traced(result)
        return place.transaction_hash or b"", result

    return trace_each(context, number, None, config, look)


def _frames(result: CallResult) -> Iterable[Frame]:
    return () if result.trace is None else result.trace.frames


class _Search:
    """Looks through blocks for transactions in which an address takes part, until there are ``size``."""

    def __init__(self, context: Context, address: Address, size: int, upward: bool = False) -> None:
        if not 0 < size <= MOST_TRANSACTIONS:
            raise limit_exceeded(f"page must be of 1 to {MOST_TRANSACTIONS} transactions")
        self._context, self._address, self._size, self._upward = context, address, size, upward
        self._deadline = time.monotonic() + context.limits.trace_time
        self.found: list[bytes] = []

    def through(self, numbers: range) -> bool:
        """Whether all of ``numbers`` was looked at. Raises if the limits leave nothing to show."""
        limits, chain = self._context.limits, self._context.chain
        for seen, number in enumerate(numbers):
            if not chain.transaction_count(number):
                continue
            if len(self.found) >= self._size:
                return False
            left = self._deadline - time.monotonic()
            if seen >= limits.trace_blocks or left <= 0:
                if self.found:
                    return False
                raise limit_exceeded(
                    f"nothing found in blocks {numbers[0]} to {numbers[seen - 1]}: go on from there"
                )
            try:
                self._look(number, left)
            except HistoryUnavailableError:
                if self.found:
                    return False
                raise
        return True

    def _look(self, number: int, seconds: float) -> None:
        traced = _executed(self._context, number, seconds)
        for digest, result in traced if self._upward else reversed(traced):
            if any(self._address in (frame.sender, frame.to) for frame in _frames(result)):
                self.found.append(digest)

    def page(self, first: bool, last: bool) -> Form:
        """What was found."""
        chain = self._context.chain
        transactions, receipts = [], []
        for digest, receipt in zip(self.found, chain.receipts(self.found), strict=True):
            found = chain.transaction(digest)
            if found is None or receipt is None:
                raise RpcError("transaction not found")
            transactions.append(transaction_form(found.transaction, found.header, found.index))
            receipts.append(receipt_form(receipt) | {"timestamp": quantity(receipt.block_timestamp)})
        return {"txs": transactions, "receipts": receipts, "firstPage": first, "lastPage": last}


@method("ots_searchTransactionsBefore", Run.HEAVY, tracing=True)
def search_before(context: Context, address: AddressArg, block: IntegerArg, size: IntegerArg) -> Form:
    """A page of transactions in which an address takes part, newest first, before a block (0: from the newest).

    A page may end early, or with an error if it is empty, after so many blocks or seconds.
    """
    head = context.chain.head()
    start = head if block == 0 else min(block - 1, head)
    search = _Search(context, address, size)
    complete = search.through(range(start, 0, -1))
    return search.page(first=start >= head, last=complete)


@method("ots_searchTransactionsAfter", Run.HEAVY, tracing=True)
def search_after(context: Context, address: AddressArg, block: IntegerArg, size: IntegerArg) -> Form:
    """A page of transactions after a block (0: from the oldest), newest first, as ots_searchTransactionsBefore has."""
    head = context.chain.head()
    search = _Search(context, address, size, upward=True)
    complete = search.through(range(block + 1, head + 1))
    search.found.reverse()
    return search.page(first=complete, last=block == 0)
