"""The figures of a settled chain, from what its node knows of L1 and what the prover controller says."""

from __future__ import annotations

from typing import Any

from jovay.bridge.controller_client import ZK
from jovay.rpc.backend.settlement import Settlement

from .stats import ProofWork, ProverStats, SettlementStats

SIMULATED = "simulated"
#: Seconds after which a worker that was not heard of is gone.
_GONE = 60


def settlement_stats(settlement: Settlement, now: float) -> SettlementStats:
    """The figures at ``now``, seconds since 1970."""
    known = settlement.sync()
    info = settlement.provers()
    return SettlementStats(
        l1_head=known.l1_head,
        messages_seen=known.messages_seen,
        messages_executed=known.messages_executed,
        backlog=known.backlog.blocks,
        backlog_share=known.backlog.share,
        committed_batch=known.committed_batch,
        attested_batch=known.attested_batch,
        proven_batch=known.proven_batch,
        prover=None if info is None else prover_stats(info, now),
    )


def prover_stats(info: dict[str, Any], now: float) -> ProverStats:
    """Of the controller's answer, those of its workers that were heard of lately."""
    known = [one for one in info.get("workers", ()) if now - one.get("lastSeen", 0) <= _GONE]
    workers, zk = ([one for one in known if (one.get("type") == ZK) is is_zk] for is_zk in (False, True))
    platforms = tuple(sorted({str(one.get("platform", "unknown")) for one in workers}))
    counts = info.get("queue", {}).values()
    return ProverStats(
        workers=len(workers),
        queue=sum(of.get("queued", 0) + of.get("leased", 0) for of in counts),
        platforms=platforms,
        simulated=SIMULATED in platforms,
        zk_workers=len(zk),
        zk_work=tuple(_work(one["work"]) for one in zk if "work" in one),
    )


def _work(told: dict[str, Any]) -> ProofWork:
    return ProofWork(int(told["batch"]), str(told.get("stage", "")), int(told.get("permille", 0)) / 1000)
