"""A snapshot of a running node: what the live view, metrics and benchmarks read."""

from __future__ import annotations

import msgspec

STAGES = ("portal", "pool", "pre-execution", "scheduler", "execution", "commitment", "persistence")
"""The sequencer's stages in order."""


class StageStats(msgspec.Struct, frozen=True, kw_only=True):
    """One stage. ``busy_*``: milliseconds of work per block, over the last seconds; ``queue`` items wait."""

    name: str
    busy_mean_ms: float = 0.0
    busy_p99_ms: float = 0.0
    queue: int = 0
    blocks: int = 0


class BlockSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One recent block; ``made_ms`` from its first to its last stage."""

    number: int
    hash: bytes
    transactions: int
    gas_used: int
    timestamp: float
    groups: int = 0
    made_ms: float = 0.0


class PartStats(msgspec.Struct, frozen=True, kw_only=True):
    """A program beside the node: whether it runs, and how often it had to be started again."""

    name: str
    runs: bool = True
    restarts: int = 0


class ProofWork(msgspec.Struct, frozen=True):
    """A batch that is being proven: the stage, and how much of the whole is done (0 to 1)."""

    batch: int
    stage: str
    share: float


class ProverStats(msgspec.Struct, frozen=True, kw_only=True):
    """What the prover controller says: ``workers`` with a TEE, their platforms by name (a simulated one says so),
    proofs that wait, ``zk_workers``, and what those of them that prove are at.
    """

    workers: int = 0
    queue: int = 0
    platforms: tuple[str, ...] = ()
    simulated: bool = False
    zk_workers: int = 0
    zk_work: tuple[ProofWork, ...] = ()


class SettlementStats(msgspec.Struct, frozen=True, kw_only=True):
    """How far a settled chain and its L1 know of each other.

    ``l1_head`` and ``messages_seen``: None where nobody reads L1. Batches by number; ``backlog``: blocks that are not
    attested, ``backlog_share`` of the limit at which production rests. ``prover`` None: none answers.
    """

    l1_head: int | None = None
    messages_seen: int | None = None
    messages_executed: int = 0
    backlog: int = 0
    backlog_share: float = 0.0
    committed_batch: int = 0
    attested_batch: int = 0
    proven_batch: int = 0
    prover: ProverStats | None = None


class NodeStats(msgspec.Struct, frozen=True, kw_only=True):
    """What a node did and has; times of day in seconds since 1970, sizes in bytes.

    ``tps_*`` and ``gas_per_second`` over the last seconds; ``latency_*`` in milliseconds from a
    transaction's arrival to its receipt, over recent transactions (None before the first). Counts since the
    start: ``transactions`` in blocks, ``groups``, ``conflicts`` (transactions that share a group with
    another), ``reexecutions``, ``misses`` (keys read from storage). ``latest``, ``safe``, ``finalized`` are
    the newest blocks of the three stages of confirmation (-1: none). ``failure`` says why the node
    can make no more blocks; the program then ends. ``settlement``: of a settled chain.
    """

    height: int
    block_hash: bytes
    block_time: float
    pool_pending: int = 0
    pool_queued: int = 0
    transactions: int = 0
    tps_1s: float = 0.0
    tps_10s: float = 0.0
    gas_per_second: float = 0.0
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    stages: tuple[StageStats, ...] = ()
    recent: tuple[BlockSummary, ...] = ()
    groups: int = 0
    conflicts: int = 0
    reexecutions: int = 0
    misses: int = 0
    latest: int = -1
    safe: int = -1
    finalized: int = -1
    chain_id: int = 0
    genesis_hash: bytes = bytes(32)
    workers: int = 1
    memory_bytes: int = 0
    datadir_bytes: int = 0
    uptime: float = 0.0
    failure: str = ""
    settlement: SettlementStats | None = None
