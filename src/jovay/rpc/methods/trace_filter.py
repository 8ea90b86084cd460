"""trace_filter: calls from and to addresses, in blocks that are executed again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from jovay.chain.types import Address
from jovay.rpc import codec
from jovay.rpc.args import LATEST, BlockRef, parse_block_number, parse_object
from jovay.rpc.context import Context
from jovay.rpc.errors import invalid_params, limit_exceeded
from jovay.rpc.forms import Form
from jovay.rpc.resolve import state_block
from jovay.rpc.table import Kind, Run, method
from jovay.rpc.tracing import calls_of


class TraceFilter(msgspec.Struct, frozen=True):
    """Which calls are wanted: of blocks, from and to addresses (one of both, or with ``both`` each)."""

    first: BlockRef
    last: BlockRef
    senders: frozenset[Address]
    recipients: frozenset[Address]
    both: bool
    after: int
    count: int | None


_EARLIEST = parse_block_number("earliest")


def _addresses(value: Any) -> frozenset[Address]:
    items = [] if value is None else value if isinstance(value, list) else [value]
    return frozenset([codec.parse_address(item) for item in items])


def parse_trace_filter(value: Any) -> TraceFilter:
    """The parameter of trace_filter."""
    source = parse_object(value, "TraceFilter")
    first, last, mode = (source.get(name) for name in ("fromBlock", "toBlock", "mode"))
    if mode not in (None, "union", "intersection"):
        raise ValueError("mode must be union or intersection")
    after, count = source.get("after"), source.get("count")
    return TraceFilter(
        first=_EARLIEST if first is None else parse_block_number(first),
        last=LATEST if last is None else parse_block_number(last),
        senders=_addresses(source.get("fromAddress")),
        recipients=_addresses(source.get("toAddress")),
        both=mode == "intersection",
        after=0 if after is None else codec.parse_integer(after),
        count=None if count is None else codec.parse_integer(count),
    )


FilterArg = Annotated[TraceFilter, Kind("TRACE FILTER", parse_trace_filter)]


@method("trace_filter", Run.HEAVY)
def trace_filter(context: Context, wanted: FilterArg) -> list[Form]:
    """Calls from or to addresses (``mode``: ``union`` or ``intersection``) in a range of blocks.

    Without the first ``after``, and at most ``count``. All blocks of the range are executed again, so it is limited.
    """
    limits = context.limits
    most = limits.log_results if wanted.count is None else min(wanted.count, limits.log_results)
    found: list[Form] = []
    skip = wanted.after
    for form in _search(context, wanted):
        if skip:
            skip -= 1
            continue
        if len(found) == most:
            if wanted.count is None or wanted.count > most:
                raise limit_exceeded(f"trace_filter returned more than {most} results")
            break
        found.append(form)
    return found


def _search(context: Context, wanted: TraceFilter) -> Iterator[Form]:
    """The calls that match, block by block."""
    limits, chain = context.limits, context.chain
    first, last = (state_block(chain, ref) for ref in (wanted.first, wanted.last))
    if first > last:
        raise invalid_params("invalid block range: fromBlock is after toBlock")
    if last - first >= limits.trace_blocks:
        raise limit_exceeded(f"block range is too wide (limit {limits.trace_blocks})")
    deadline = time.monotonic() + limits.trace_time
    for number in range(max(1, first), last + 1):
        if not chain.transaction_count(number):
            continue
        left = deadline - time.monotonic()
        if left <= 0:
            raise limit_exceeded(f"trace_filter takes too long: blocks {first} to {number - 1} were searched")
        yield from [form for form in calls_of(context, number, left) if _matches(form, wanted)]


def _matches(form: Form, wanted: TraceFilter) -> bool:
    action = form["action"]
    if form["type"] == "suicide":
        sender, recipient = action["address"], action["refundAddress"]
    else:
        sender, recipient = action["from"], action.get("to") or (form.get("result") or {}).get("address")
    tests = []
    for given, address in ((wanted.senders, sender), (wanted.recipients, recipient)):
        if given:
            tests.append(address is not None and codec.parse_address(address) in given)
    if not tests:
        return True
    return all(tests) if wanted.both else any(tests)
