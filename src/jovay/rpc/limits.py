"""Limits of the JSON-RPC layer, all configurable; the defaults follow geth where geth has one."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may ask for.  Sizes in bytes, times in seconds.

    * ``body``, ``batch``, ``response``: one request body or WebSocket message, calls in one batch, one
      answer.
    * ``values``: JSON values in one body (its commas and opening brackets are counted before it is decoded);
      ``memory``: bodies and answers on their way, over all connections.
    * ``params``: parameters of methods that need no large ones; ``depth`` of JSON nesting is bounded by the
      decoder.
    * ``request_time``: from the complete request to its answer; ``execution_time`` for executing calls;
      ``body_time`` for receiving a body.
    * ``call_gas``: gas cap of eth_call and its relatives.
    * ``workers``: threads for what may block; ``heavy``: calls, traces and log queries that run at a time;
      ``waiting`` more may queue for a turn.
    * ``log_blocks``, ``log_results``, ``log_terms``: block range, number of results, and addresses or
      alternatives per topic of a log query.
    * ``filters`` and ``filter_time``: installed polling filters and how long they live without being polled.
    * ``connections`` in all; ``head`` bytes of an HTTP request's head; ``idle_time`` of a kept connection.
    * ``subscriptions`` of one WebSocket, its requests ``in_flight``, and ``queue`` bytes that may wait for a
      slow reader before it is dropped; ``ping_time`` between pings.
    * ``sync_time``, ``sync_time_max``: default and longest wait of eth_sendRawTransactionSync.
    * ``trace_time``, ``trace_bytes``, ``trace_steps``: one trace request; ``trace_blocks``: blocks that one search
      for calls looks through.
    """

    body: int = 5 << 20
    batch: int = 5_000
    response: int = 25 << 20
    values: int = 200_000
    memory: int = 256 << 20
    params: int = 64 << 10
    body_time: float = 30.0
    request_time: float = 30.0
    execution_time: float = 5.0
    call_gas: int = 50_000_000
    workers: int = 8
    heavy: int = 4
    waiting: int = 256
    log_blocks: int = 200_000
    log_results: int = 10_000
    log_terms: int = 1_000
    filters: int = 10_000
    filter_time: float = 300.0
    filter_hashes: int = 100_000
    subscriptions: int = 128
    in_flight: int = 64
    queue: int = 16 << 20
    connections: int = 4_096
    head: int = 16 << 10
    idle_time: float = 120.0
    ping_time: float = 30.0
    ingest: int = 200_000
    sync_time: float = 2.0
    sync_time_max: float = 60.0
    trace_time: float = 20.0
    trace_time_max: float = 60.0
    trace_bytes: int = 256 << 20
    trace_steps: int = 2_000_000
    trace_blocks: int = 10_000
    proof_keys: int = 1_024
    fee_history: int = 1_024
