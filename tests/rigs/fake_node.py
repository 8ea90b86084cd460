"""A node that only keeps what it is told: for the command line's own tests."""

from __future__ import annotations

import time

from jovay.config import NodeConfig
from jovay.monitoring.metrics import Metrics
from jovay.monitoring.stats import STAGES, BlockSummary, NodeStats, StageStats


def stats(height: int = 7, **changed: object) -> NodeStats:
    """Figures of a node at work."""
    values: dict[str, object] = {
        "height": height,
        "block_hash": height.to_bytes(32, "big"),
        "block_time": time.time(),
        "chain_id": 20257,
        "latest": height,
        "safe": 3,
        "pool_pending": 1234,
        "transactions": 1_234_567,
        "tps_1s": 23_456.0,
        "tps_10s": 22_000.0,
        "gas_per_second": 1.2e9,
        "latency_p50_ms": 8.25,
        "latency_p99_ms": 21.5,
        "stages": tuple(
            StageStats(name=name, busy_mean_ms=1.0 + k, busy_p99_ms=2.0 + k, queue=k, blocks=height)
            for k, name in enumerate(STAGES)
        ),
        "recent": tuple(
            BlockSummary(
                number=n,
                hash=n.to_bytes(32, "big"),
                transactions=10 * n,
                gas_used=21_000 * 10 * n,
                timestamp=time.time(),
                groups=n,
                made_ms=3.5,
            )
            for n in range(max(0, height - 5), height + 1)
        ),
        "workers": 2,
        "uptime": 3725.0,
    }
    return NodeStats(**(values | changed))  # type: ignore[arg-type]


class FakeNode:
    """Counts its starts and stops; ``start_error`` is raised by ``start``, ``failure`` shows in its figures."""

    def __init__(self, config: NodeConfig, metrics: Metrics) -> None:
        self.config, self.metrics = config, metrics
        self.starts = self.stops = self.asked = 0
        self.start_error: Exception | None = None
        self.failure = ""

    def start(self) -> None:
        self.starts += 1
        if self.start_error:
            raise self.start_error

    def stop(self) -> None:
        self.stops += 1

    def stats(self) -> NodeStats:
        self.asked += 1
        return stats(self.asked, failure=self.failure)

    @property
    def http_url(self) -> str:
        return f"http://{self.config.http_host}:{self.config.http_port}"

    @property
    def ws_url(self) -> str:
        return f"ws://{self.config.http_host}:{self.config.ws_port or self.config.http_port}"
