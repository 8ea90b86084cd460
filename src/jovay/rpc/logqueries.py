"""Log queries of clients, bounded and made ready for the chain."""

from __future__ import annotations

from jovay.rpc.args import LATEST, BlockRef, LogArgs
from jovay.rpc.backend.chain import LogFilter
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError, invalid_params
from jovay.rpc.limits import Limits
from jovay.rpc.resolve import find_block


def check_terms(query: LogArgs, limits: Limits) -> None:
    """Refuse filters with too many alternatives."""
    if len(query.addresses) > limits.log_terms or any(
        len(topics) > limits.log_terms for topics in query.topics
    ):
        raise RpcError("exceed max addresses or topics per search position")


def log_filter(query: LogArgs, first: int, last: int, limits: Limits) -> LogFilter:
    """The form of a query over a block range."""
    return LogFilter(
        first=first, last=last, addresses=query.addresses, topics=query.topics, limit=limits.log_results
    )


def block_range(context: Context, query: LogArgs) -> tuple[int, int]:
    """First and last block of a query (first after last: nothing yet); raises for bad ranges."""
    chain = context.chain
    if query.block_hash is not None:
        number = chain.number_of(query.block_hash)
        if number is None:
            raise RpcError("unknown block")
        return number, number
    head = chain.head()
    first = _bound(context, query.first or LATEST, head)
    last = _bound(context, query.last or LATEST, head)
    if first > last:
        if query.last is None or query.last.number is None:
            # A client that polls from the next block to "latest" is early, not wrong.
            return first, head
        raise invalid_params("invalid block range params")
    if last > head:
        raise invalid_params("block range extends beyond current head block")
    most = context.limits.log_blocks
    if last - first >= most:
        raise invalid_params(f"exceed maximum block range {most}")
    return first, last


def _bound(context: Context, ref: BlockRef, head: int) -> int:
    if ref.number is not None:
        return ref.number
    number = find_block(context.chain, ref)
    return head if number is None else number
