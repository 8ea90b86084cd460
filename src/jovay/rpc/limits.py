"""Limits of the JSON-RPC layer, all configurable; the defaults follow geth where geth has one."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1 << 48)]
Threads: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1_024)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0.001, le=1e9)]
SLACK = 5.0
"""Seconds after which what a client sends must have come at the least rate."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may ask for.  Sizes in bytes, times in seconds.

    * ``body``, ``batch``, ``response``: one request body or WebSocket message, calls in one batch, one
      answer.
    * ``values``: JSON values in one body (its commas and opening brackets are counted before it is decoded);
      ``memory``: requests until they are answered, transactions that wait for the pool, and answers in the making
      and on their way, over all connections.
    * ``params``: parameters of methods that need no large ones; ``depth`` of JSON nesting is bounded by the
      decoder.
    * ``head_time`` and ``body_time``: from the first byte of a request (or WebSocket message) to the end of its
      head and to its last byte; ``rate``: bytes that must come in a second, on the average, once it lasts.
    * ``request_time``: from the complete request to its answer, and from there until it is read;
      ``execution_time`` for executing calls.
    * ``call_gas``: gas cap of eth_call and its relatives.
    * ``workers``: threads for what may block; ``heavy``: calls, traces and log queries that run at a time;
      ``waiting`` more may queue for a turn.
    * ``log_blocks``, ``log_results``, ``log_terms``: block range, number of results, and addresses or
      alternatives per topic of a log query.
    * ``filters`` and ``filter_time``: installed polling filters and how long they live without being polled;
      ``filter_hashes``: pending transactions of one poll; ``filter_terms``: addresses and topics of all filters and
      subscriptions.
    * ``connections`` in all, WebSockets and those that are being closed included; ``head`` bytes of an HTTP
      request's head, or of the trailer and what surrounds the chunks of a body; ``idle_time`` of a kept connection.
    * ``subscriptions`` of one WebSocket, ``all_subscriptions`` of the node (a few on each may go beyond), requests
      ``in_flight`` of a WebSocket, ``ping_time`` between pings; ``queue``: bytes of events of one kind that are kept
      for all subscriptions and filters to read; whoever is further behind is dropped.
    * ``sync_time``, ``sync_time_max``: default and longest wait of eth_sendRawTransactionSync.
    * ``trace_time``, ``trace_bytes``, ``trace_steps``: one trace request; ``trace_blocks``: blocks that one search
      for calls looks through.
    """

    body: Count = 5 << 20
    batch: Count = 5_000
    response: Count = 25 << 20
    values: Count = 200_000
    memory: Count = 256 << 20
    params: Count = 64 << 10
    head_time: Seconds = 10.0
    body_time: Seconds = 30.0
    rate: Count = 1_000
    request_time: Seconds = 30.0
    execution_time: Seconds = 5.0
    call_gas: Count = 50_000_000
    workers: Threads = 8
    heavy: Threads = 4
    waiting: Count = 256
    log_blocks: Count = 200_000
    log_results: Count = 10_000
    log_terms: Count = 1_000
    filters: Count = 10_000
    filter_time: Seconds = 300.0
    filter_hashes: Count = 100_000
    filter_terms: Count = 1_000_000
    subscriptions: Count = 128
    all_subscriptions: Count = 10_000
    in_flight: Count = 64
    queue: Count = 64 << 20
    connections: Count = 4_096
    head: Count = 16 << 10
    idle_time: Seconds = 120.0
    ping_time: Seconds = 30.0
    ingest: Count = 200_000
    sync_time: Seconds = 2.0
    sync_time_max: Seconds = 60.0
    trace_time: Seconds = 20.0
    trace_time_max: Seconds = 60.0
    trace_bytes: Count = 256 << 20
    trace_steps: Count = 2_000_000
    trace_blocks: Count = 10_000
    proof_keys: Count = 1_024
    fee_history: Count = 1_024
