"""Metrics say what was counted, under the names that dashboards query."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jovay.monitoring.metrics import Metrics
from jovay.monitoring.stats import STAGES, SettlementStats


def samples(metrics: Metrics) -> dict[tuple[str, str], float]:
    """Value by (name, first label's value)."""
    content_type, text = metrics.expose()
    assert content_type.startswith("text/plain")
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


def test_all_that_is_counted_is_exposed() -> None:
    metrics = Metrics(process=False)
    metrics.stage("execution", 0.25, 3)
    metrics.stage("execution", 0.5)
    metrics.queue("pool", 9)
    metrics.block(transactions=5, gas=105_000, groups=2, conflicts=3, reexecutions=1, misses=4)
    metrics.latencies([0.01, 0.02])
    metrics.confirmed(7, 5, 3)
    metrics.unrecorded(6)
    metrics.pool(11, 12)
    metrics.refused("nonce too low", 2)
    metrics.write("blocks", 0.001)
    metrics.rpc("eth_call", 0.5, True)
    metrics.rpc("eth_call", 0.5, False, 3)
    found = samples(metrics)
    expected = {
        ("jovay_stage_seconds_sum", "execution"): 0.75,
        ("jovay_stage_seconds_count", "execution"): 2,
        ("jovay_stage_queue_length", "execution"): 3,
        ("jovay_stage_queue_length", "pool"): 9,
        ("jovay_blocks_total", ""): 1,
        ("jovay_transactions_total", ""): 5,
        ("jovay_gas_total", ""): 105_000,
        ("jovay_conflict_groups_total", ""): 2,
        ("jovay_conflicts_total", ""): 3,
        ("jovay_reexecutions_total", ""): 1,
        ("jovay_state_misses_total", ""): 4,
        ("jovay_block_transactions_sum", ""): 5,
        ("jovay_receipt_latency_seconds_count", ""): 2,
        ("jovay_height", "latest"): 7,
        ("jovay_height", "safe"): 5,
        ("jovay_height", "finalized"): 3,
        ("jovay_unrecorded_blocks", ""): 6,
        ("jovay_pool_transactions", "pending"): 11,
        ("jovay_pool_transactions", "queued"): 12,
        ("jovay_refused_transactions_total", "nonce too low"): 2,
        ("jovay_write_seconds_count", "blocks"): 1,
        ("jovay_rpc_requests_total", "eth_call"): 4,
        ("jovay_rpc_errors_total", "eth_call"): 3,
        ("jovay_rpc_seconds_sum", "eth_call"): 1.0,
    }
    assert {key: found[key] for key in expected} == expected


def test_stages_are_there_before_the_first_block() -> None:
    found = samples(Metrics(process=False))
    assert {stage for name, stage in found if name == "jovay_stage_seconds_count"} == set(STAGES)


def test_an_unknown_stage_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Metrics(process=False).stage("lunch", 1.0)


def test_nodes_do_not_share_counts() -> None:
    first, second = Metrics(process=False), Metrics(process=False)
    first.block(transactions=1, gas=1)
    assert samples(second)["jovay_blocks_total", ""] == 0


def test_settlement_is_asked_for_when_metrics_are_wanted() -> None:
    metrics, asked = Metrics(process=False), list[int]()

    def ask() -> SettlementStats:
        asked.append(1)
        return SettlementStats(
            l1_head=90, messages_seen=5, messages_executed=4, backlog=3, backlog_share=0.5, committed_batch=2
        )

    metrics.settled(ask)
    assert not asked
    text = metrics.expose()[1].decode()
    for line in (
        "jovay_l1_block 90.0",
        'jovay_l1_messages{state="seen"} 5.0',
        'jovay_l1_messages{state="executed"} 4.0',
        'jovay_batch{step="committed"} 2.0',
        "jovay_backlog_blocks 3.0",
        "jovay_backlog_share 0.5",
    ):
        assert line in text, line
