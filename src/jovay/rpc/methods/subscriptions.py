"""eth_subscribe and eth_unsubscribe, on WebSockets."""

from __future__ import annotations

from typing import Any

from jovay.rpc.args import AnyArg, LogArgs, StringArg, parse_log_filter
from jovay.rpc.context import Context
from jovay.rpc.errors import METHOD_NOT_FOUND, RpcError, invalid_params, limit_exceeded
from jovay.rpc.event_log import EventLog
from jovay.rpc.logqueries import check_terms
from jovay.rpc.news import LogMatcher
from jovay.rpc.table import Run, alias, method


@method("eth_subscribe", Run.LOOP, large=True)
def subscribe(context: Context, name: StringArg, options: AnyArg = None) -> str:
    """Subscribe to ``newHeads``, ``logs`` (with a filter), ``newPendingTransactions`` (``true``: whole), ``finality``.

    The last tells of each batch that is ``committed``, ``attested`` or ``proven`` on L1, or ``reverted``.
    """
    session = context.session
    if session is None:
        raise RpcError("notifications not supported", METHOD_NOT_FOUND)
    most = context.limits.subscriptions
    if len(session.subscriptions) >= most:
        raise limit_exceeded(f"too many subscriptions on this connection (limit {most})")
    feed = context.services.feed
    if name == "newHeads":
        subscription = feed.subscribe(session, feed.heads)
    elif name == "logs":
        subscription = feed.subscribe(session, feed.logs, LogMatcher(_query(context, options)))
    elif name == "newPendingTransactions":
        subscription = feed.subscribe(session, feed.transactions if _flag(options) else feed.hashes)
    elif name == "finality":
        subscription = feed.subscribe(session, feed.finality)
    elif name == "syncing":
        # Served for the clients that ask; a sequencer has nothing to say about it.
        subscription = feed.subscribe(session, EventLog(0))
    else:
        raise RpcError(f'no "{name[:64]}" subscription in eth namespace', METHOD_NOT_FOUND)
    session.subscriptions[subscription.identifier] = lambda: feed.end(subscription)
    session.after_answer(lambda: feed.activate(subscription))
    return subscription.identifier


def _query(context: Context, options: Any) -> LogArgs:
    try:
        query = parse_log_filter({} if options is None else options)
    except ValueError as error:
        raise invalid_params(f"invalid argument 1: {error}") from None
    check_terms(query, context.limits)
    return query


def _flag(options: Any) -> bool:
    if options is None or isinstance(options, bool):
        return bool(options)
    raise invalid_params("invalid argument 1: json: cannot unmarshal value into Go value of type bool")


alias("eth_subscribe", "jovay_subscribe")


@method("eth_unsubscribe", Run.LOOP)
def unsubscribe(context: Context, identifier: StringArg) -> bool:
    """End a subscription of this connection."""
    if context.session is None:
        raise RpcError("notifications not supported", METHOD_NOT_FOUND)
    stop = context.session.subscriptions.pop(identifier, None)
    if stop is None:
        raise RpcError("subscription not found")
    stop()
    return True


alias("eth_unsubscribe", "jovay_unsubscribe")
