"""Prometheus metrics of a node, in a registry of the node's own, behind plain typed methods.

All methods are thread-safe and cheap enough to be called once for each block or request; none is meant to be
called for each transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector

from .stats import STAGES, SettlementStats

_BLOCK_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_REQUEST_SECONDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10, 30)
_BLOCK_TRANSACTIONS = (0, 1, 4, 16, 64, 256, 1024, 4096, 16384)


class Metrics:
    """Counters, gauges and histograms. Names begin with ``jovay_``; times in seconds, sizes in bytes."""

    def __init__(self, process: bool = True) -> None:
        """``process`` adds memory, CPU time and open files of this process."""
        self.registry = registry = CollectorRegistry()
        if process:
            ProcessCollector(registry=registry)
        seconds = Histogram(
            "jovay_stage_seconds",
            "Work of a stage on one block",
            ["stage"],
            buckets=_BLOCK_SECONDS,
            registry=registry,
        )
        queue = Gauge("jovay_stage_queue_length", "Items that wait for a stage", ["stage"], registry=registry)
        self._stage_seconds = {stage: seconds.labels(stage) for stage in STAGES}
        self._stage_queue = {stage: queue.labels(stage) for stage in STAGES}
        self._make_block_metrics(registry)
        self._make_pool_and_rpc_metrics(registry)

    def _make_block_metrics(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str) -> Counter:
            return Counter(f"jovay_{name}", text, registry=registry)

        self._blocks = counter("blocks", "Blocks made")
        self._transactions = counter("transactions", "Transactions in blocks")
        self._gas = counter("gas", "Gas used")
        self._groups = counter("conflict_groups", "Groups of transactions that share keys")
        self._conflicts = counter("conflicts", "Transactions that share a group with another")
        self._reexecutions = counter("reexecutions", "Transactions executed again")
        self._misses = counter("state_misses", "Keys read from storage since they were not in memory")
        self._block_transactions = Histogram(
            "jovay_block_transactions",
            "Transactions of a block",
            buckets=_BLOCK_TRANSACTIONS,
            registry=registry,
        )
        self._latency = Histogram(
            "jovay_receipt_latency_seconds",
            "From a transaction's arrival to its receipt, for the oldest of each block",
            buckets=_BLOCK_SECONDS,
            registry=registry,
        )
        self._write = Histogram(
            "jovay_write_seconds", "Writes to disk", ["kind"], buckets=_BLOCK_SECONDS, registry=registry
        )
        self._records = Gauge(
            "jovay_state_records", "Records of the state in memory", ["table", "of"], registry=registry
        )
        self._evictions = Gauge("jovay_state_evictions", "Times that records left memory", registry=registry)
        self._unrecorded = Gauge(
            "jovay_unrecorded_blocks", "Blocks whose witness was to be recorded and is not", registry=registry
        )
        self._height = Gauge("jovay_height", "Newest block by confirmation", ["stage"], registry=registry)
        self._l1_block = Gauge("jovay_l1_block", "Newest block of L1 that was read", registry=registry)
        self._messages = Gauge("jovay_l1_messages", "Messages from L1", ["state"], registry=registry)
        self._batch = Gauge("jovay_batch", "Newest batch by what L1 has of it", ["step"], registry=registry)
        self._backlog = Gauge("jovay_backlog_blocks", "Blocks that are not attested on L1", registry=registry)
        self._backlog_share = Gauge(
            "jovay_backlog_share",
            "The same, of the limit at which no more blocks are made",
            registry=registry,
        )

    def _make_pool_and_rpc_metrics(self, registry: CollectorRegistry) -> None:
        self._pool = Gauge(
            "jovay_pool_transactions", "Transactions in the pool", ["state"], registry=registry
        )
        self._refused = Counter(
            "jovay_refused_transactions", "Transactions not taken", ["reason"], registry=registry
        )
        self._left = Counter(
            "jovay_pool_left_transactions", "Transactions that left the pool", ["reason"], registry=registry
        )
        self._left_out = Counter(
            "jovay_left_out_transactions",
            "Transactions that a block took and does not contain",
            ["reason"],
            registry=registry,
        )
        self._requests = Counter("jovay_rpc_requests", "JSON-RPC calls", ["method"], registry=registry)
        self._errors = Counter(
            "jovay_rpc_errors", "JSON-RPC calls that failed", ["method"], registry=registry
        )
        self._request_seconds = Histogram(
            "jovay_rpc_seconds",
            "Time of a JSON-RPC call",
            ["method"],
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )

    def stage(self, name: str, seconds: float, queue: int | None = None) -> None:
        """A stage worked on a block for ``seconds``; ``queue`` items wait for it now."""
        self._stage_seconds[name].observe(seconds)
        if queue is not None:
            self._stage_queue[name].set(queue)

    def queue(self, name: str, length: int) -> None:
        """Items that wait for a stage."""
        self._stage_queue[name].set(length)

    def block(
        self,
        *,
        transactions: int,
        gas: int,
        groups: int = 0,
        conflicts: int = 0,
        reexecutions: int = 0,
        misses: int = 0,
    ) -> None:
        """A block was made."""
        self._blocks.inc()
        self._transactions.inc(transactions)
        self._gas.inc(gas)
        self._groups.inc(groups)
        self._conflicts.inc(conflicts)
        self._reexecutions.inc(reexecutions)
        self._misses.inc(misses)
        self._block_transactions.observe(transactions)

    def latencies(self, seconds: Iterable[float]) -> None:
        """Arrival-to-receipt times, a few for each block."""
        for one in seconds:
            self._latency.observe(one)

    def confirmed(self, latest: int, safe: int, finalized: int) -> None:
        """The newest blocks of the three stages of confirmation."""
        for name, number in (("latest", latest), ("safe", safe), ("finalized", finalized)):
            self._height.labels(name).set(number)

    def settled(self, ask: Callable[[], SettlementStats]) -> None:
        """A settled chain, whose figures are asked for whenever somebody wants the metrics."""
        self._l1_block.set_function(lambda: ask().l1_head or 0)
        self._messages.labels("seen").set_function(lambda: ask().messages_seen or 0)
        self._messages.labels("executed").set_function(lambda: ask().messages_executed)
        self._batch.labels("committed").set_function(lambda: ask().committed_batch)
        self._batch.labels("attested").set_function(lambda: ask().attested_batch)
        self._batch.labels("proven").set_function(lambda: ask().proven_batch)
        self._backlog.set_function(lambda: ask().backlog)
        self._backlog_share.set_function(lambda: ask().backlog_share)

    def state(self, fill: Iterable[tuple[str, int, int]], evictions: int) -> None:
        """(table, used, capacity) of the tables in memory, and how often records left them so far."""
        for table, used, capacity in fill:
            self._records.labels(table, "used").set(used)
            self._records.labels(table, "capacity").set(capacity)
        self._evictions.set(evictions)

    def unrecorded(self, blocks: int) -> None:
        """Blocks that were to be recorded for witnesses and are not, so far."""
        self._unrecorded.set(blocks)

    def pool(self, pending: int, queued: int) -> None:
        """Transactions whose turn it is, and those that wait for another."""
        self._pool.labels("pending").set(pending)
        self._pool.labels("queued").set(queued)

    def left(self, reason: str, count: int) -> None:
        """Transactions left the pool: in a block that is seen (``settled``), replaced, evicted, …"""
        self._left.labels(reason).inc(count)

    def left_out(self, reason: str, count: int) -> None:
        """Transactions that a block took are not in it; most wait for a later one."""
        self._left_out.labels(reason).inc(count)

    def refused(self, reason: str, count: int = 1) -> None:
        """Transactions that the pool did not take; ``reason`` is one of few fixed texts."""
        self._refused.labels(reason).inc(count)

    def write(self, kind: str, seconds: float) -> None:
        """A write to disk: ``blocks`` (the log), ``state`` (checkpoints) or ``index``."""
        self._write.labels(kind).observe(seconds)

    def rpc(self, method: str, seconds: float, ok: bool, calls: int = 1) -> None:
        """Calls of a known method: an ``Observer`` of ``jovay.rpc.dispatch``."""
        self._requests.labels(method).inc(calls)
        if not ok:
            self._errors.labels(method).inc(calls)
        self._request_seconds.labels(method).observe(seconds)

    def expose(self) -> tuple[str, bytes]:
        """(content type, text) of all metrics, as ``RpcServer`` serves them."""
        return CONTENT_TYPE_LATEST, generate_latest(self.registry)
