"""eth_getLogs and polling filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jovay.chain.types import Log
from jovay.rpc.args import BoolArg, LogArg, LogArgs, StringArg
from jovay.rpc.backend.errors import TooManyResultsError
from jovay.rpc.codec import data
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError, limit_exceeded
from jovay.rpc.filters import BlockFilter, Filter, LogFilterState, PendingFilter
from jovay.rpc.forms import Form, hash_forms, log_form, transaction_form
from jovay.rpc.logqueries import block_range, check_terms, log_filter
from jovay.rpc.table import Run, method


def _query(context: Context, query: LogArgs) -> Iterator[Form]:
    check_terms(query, context.limits)
    first, last = block_range(context, query)
    if first > last:
        return iter(())
    try:
        found = context.chain.logs(log_filter(query, first, last, context.limits))
    except TooManyResultsError as error:
        end = max(error.last_block, first)
        raise limit_exceeded(f"{error}, retry with the range {first:#x}-{end:#x}") from None
    return map(log_form, found)


@method("eth_getLogs", Run.HEAVY, large=True)
def get_logs(context: Context, query: LogArg) -> Iterator[Form]:
    """Logs that match a filter, within the limits of blocks and results."""
    return _query(context, query)


@method("eth_newFilter", Run.LOOP, large=True)
def new_filter(context: Context, query: LogArg) -> str:
    """Install a log filter for polling."""
    check_terms(query, context.limits)
    if query.first is not None and query.last is not None:
        first, last = query.first.number, query.last.number
        if first is not None and last is not None and first > last:
            raise RpcError("invalid block range params", -32602)
    services = context.services
    return services.filters.install(LogFilterState(_next_block(context), services.feed.removed, query))


@method("eth_newBlockFilter", Run.LOOP)
def new_block_filter(context: Context) -> str:
    """Install a filter for new block hashes."""
    services = context.services
    return services.filters.install(BlockFilter(_next_block(context), services.feed.removed))


@method("eth_newPendingTransactionFilter", Run.LOOP)
def new_pending_filter(context: Context, full: BoolArg = False) -> str:
    """Install a filter for transactions that enter the pool."""
    return context.services.filters.install(PendingFilter(full, context.services.feed.hashes))


def _next_block(context: Context) -> int:
    return context.chain.head() + 1


@method("eth_uninstallFilter", Run.LOOP)
def uninstall_filter(context: Context, identifier: StringArg) -> bool:
    """Remove a filter; whether there was one."""
    return context.services.filters.uninstall(identifier)


@method("eth_getFilterLogs", Run.ASYNC)
async def get_filter_logs(context: Context, identifier: StringArg) -> Iterator[Form]:
    """All logs that match an installed log filter."""
    item = context.services.filters.get(identifier)
    if not isinstance(item, LogFilterState):
        raise RpcError("filter not found")
    return await context.services.workers.run_heavy(_query, context, item.query)


@method("eth_getFilterChanges", Run.ASYNC)
async def get_filter_changes(context: Context, identifier: StringArg) -> list[Any]:
    """What is new for a filter since it was polled last."""
    item = context.services.filters.get(identifier)
    if isinstance(item, PendingFilter):
        if not item.full:
            return hash_forms(item.take(context.limits.filter_hashes))
        return await context.services.workers.run(
            _transactions, context, item.take(context.limits.log_results)
        )
    removed = item.go_back()
    first = item.next_block
    last = min(context.chain.head(), first + context.limits.log_blocks - 1)
    # Claim the range before leaving the loop, so that polls at the same time do not answer it twice.
    item.claim(last)
    changes: list[Any]
    try:
        if isinstance(item, LogFilterState):
            changes = await context.services.workers.run_heavy(_new_logs, context, item, first, last)
        else:
            changes = await context.services.workers.run(_block_hashes, context, first, last)
    except BaseException:
        item.unclaim(first)
        raise
    return [log_form(log) | {"removed": True} for log in removed] + changes


def _block_hashes(context: Context, first: int, last: int) -> list[Any]:
    headers = [context.chain.header(number) for number in range(first, last + 1)]
    return [data(header.hash) for header in headers if header is not None]


def _new_logs(context: Context, item: LogFilterState, first: int, last: int) -> list[Any]:
    first, end = _clip(item.query, first, last)
    if first > end:
        return []
    return [log_form(log) for log in _some_logs(context, item, first, end)]


def _clip(query: LogArgs, first: int, last: int) -> tuple[int, int]:
    """The part of a range that the filter's own range covers."""
    if query.first is not None and query.first.number is not None:
        first = max(first, query.first.number)
    if query.last is not None and query.last.number is not None:
        last = min(last, query.last.number)
    # A filter for one past block has nothing new to say.
    return (1, 0) if query.block_hash is not None else (first, last)


def _some_logs(context: Context, item: Filter, first: int, last: int) -> Sequence[Log]:
    """Logs of the range, or of as many of its first blocks as fit the limit (the rest comes next time)."""
    assert isinstance(item, LogFilterState)
    limits = context.limits
    try:
        return context.chain.logs(log_filter(item.query, first, last, limits))
    except TooManyResultsError as error:
        if error.last_block < first:
            raise limit_exceeded(str(error)) from None
        found = context.chain.logs(log_filter(item.query, first, error.last_block, limits))
        item.unclaim(error.last_block + 1)
        return found


def _transactions(context: Context, hashes: bytes) -> list[Form]:
    forms = []
    for start in range(0, len(hashes), 32):
        found = context.chain.transaction(hashes[start : start + 32])
        if found is not None:
            forms.append(transaction_form(found.transaction))
    return forms
