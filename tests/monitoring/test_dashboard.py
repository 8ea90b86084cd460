"""The live view: figures as people read them, panels that fit the screen, plain lines without one."""

from __future__ import annotations

import io
import threading
from typing import cast

import pytest
from rich.console import Console

from jovay.config import NodeConfig
from jovay.monitoring import dashboard, figures
from jovay.monitoring.metrics import Metrics
from jovay.monitoring.panels import render
from jovay.monitoring.settlement import prover_stats
from jovay.monitoring.stats import PartStats, ProofWork, ProverStats, SettlementStats
from rigs.fake_node import FakeNode, stats

FIRST = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def drawn(width: int, height: int, **changed: object) -> list[str]:
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=False)
    messages = ["warning of something"]
    console.print(render(stats(9, **changed), [0.0, 5.0, 10.0], 10.0, "http://h:1", messages, console.size))
    return cast(io.StringIO, console.file).getvalue().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
def test_the_view_fits_and_says_all(width: int, height: int) -> None:
    lines = drawn(width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for part in (
        "20257",
        "http://h:1",
        "23.5k",
        "8.2 ms / 21.5 ms",
        "1,234",
        "warning of something",
        "Ctrl-C",
    ):
        assert part in text, part
    for stage in ("portal", "pool", "pre-execution", "scheduler", "execution", "commitment", "persistence"):
        assert f"│ {stage} " in text, stage
    assert "│ 1 real time 9" in text
    assert "│ 2 TEE       3" in text
    assert "│ 3 ZK        –" in text


SETTLED = SettlementStats(
    l1_head=123, messages_seen=12, messages_executed=11, backlog=4, backlog_share=0.9, committed_batch=4,
    attested_batch=3,
    prover=ProverStats(
        workers=2, queue=1, platforms=("simulated",), simulated=True,
        zk_workers=1, zk_work=(ProofWork(2, "rows", 0.4),),
    ),
)  # fmt: skip


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (120, 40)])
def test_a_settled_chain_shows_l1_batches_prover_and_parts(width: int, height: int) -> None:
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=False)
    parts = (
        PartStats(name="l1"),
        PartStats(name="relayer", restarts=2),
        PartStats(name="prover", runs=False),
    )
    console.print(render(stats(9, settlement=SETTLED), [1.0], 10.0, "http://h:1", [], console.size, parts))
    lines = cast(io.StringIO, console.file).getvalue().splitlines()
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for part in (
        "block 123", "executed 11 of 12", "4 committed, 3 attested, 0 proven", "backlog 4 blocks (90%)",
        "SIMULATED",        "2 workers, 1 proofs wait", "batch 2", "40% rows",
        "● l1", "● relayer ×3", "○ prover", "Ctrl-C stops all parts",
    ):  # fmt: skip
        assert part in text, part


def test_a_prover_that_does_not_answer_is_no_prover() -> None:
    lines = drawn(80, 40, settlement=SettlementStats())
    assert any("no prover controller answers" in line for line in lines)


def test_workers_that_are_silent_are_gone() -> None:
    workers = [
        {"name": "a", "platform": "simulated", "lastSeen": 1_000},
        {"name": "b", "platform": "tsm", "lastSeen": 900},
        {
            "name": "c",
            "type": "zk",
            "lastSeen": 1_000,
            "work": {"batch": 7, "stage": "opening", "permille": 900},
        },
        {"name": "d", "type": "zk", "lastSeen": 990},
    ]
    info = {"workers": workers, "queue": {"tee": {"queued": 2, "leased": 1, "done": 7, "failed": 0}}}
    assert prover_stats(info, 1_010.0) == ProverStats(
        workers=1, queue=3, platforms=("simulated",), simulated=True,
        zk_workers=2, zk_work=(ProofWork(7, "opening", 0.9),),
    )  # fmt: skip


def test_batches_are_lines_once() -> None:
    lines, known = dashboard.Lines(), stats(9, settlement=SETTLED)
    (first, *_) = lines.of(known, 0.0)
    assert first.startswith("settlement l1=123 messages=11/12 committed=4 attested=3 proven=0 safe=3")
    assert not any(line.startswith("settlement") for line in lines.of(known, 99.0))


@pytest.mark.parametrize("width", [80, 120])
def test_large_figures_are_not_cut_off(width: int) -> None:
    big = {"groups": 123_456_789, "conflicts": 23_456_789, "reexecutions": 3_456_789, "misses": 999_999_999}
    lines = drawn(width, 40, **big, memory_bytes=23 << 30, datadir_bytes=987 << 30)
    assert any("data 987.0 GiB" in line for line in lines)


def test_a_failure_is_shown() -> None:
    assert any("stopped: the disk is full" in line for line in drawn(80, 24, failure="the disk is full"))


def test_before_the_first_transaction() -> None:
    text = "\n".join(drawn(80, 24, latency_p50_ms=None, latency_p99_ms=None, recent=(), tps_1s=0.0))
    assert "– / –" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (0.25, "0.25"),
        (1000, "1.00k"),
        (23_456, "23.5k"),
        (999_900, "1.00M"),
        (3e9, "3.00G"),
    ],
)
def test_amounts(value: float, text: str) -> None:
    assert figures.amount(value) == text


def test_sizes_and_times() -> None:
    assert [figures.size(n) for n in (5, 2048, 3 << 30, 5 << 40)] == [
        "5 B",
        "2.0 KiB",
        "3.0 GiB",
        "5.0 TiB",
    ]
    times = (None, 0.123, 9.87, 120.4)
    assert [figures.milliseconds(t) for t in times] == ["–", "0.12 ms", "9.9 ms", "120 ms"]


def test_sparklines_and_bars() -> None:
    assert figures.sparkline([0, 1, 8], 5) == "   ▁█"
    assert figures.sparkline([1, 1000], 2) == "▁█"
    assert figures.sparkline([], 3) == "   "
    assert figures.sparkline([0, 0], 2) == "  "
    assert [figures.bar(share, 4) for share in (-1, 0, 0.5, 1, 7)] == [
        "    ",
        "    ",
        "██  ",
        "████",
        "████",
    ]


def test_welcome_of_a_chain_without_known_keys() -> None:
    lines = dashboard.welcome(NodeConfig(dev=False), "http://h:1", "ws://h:2", stats())
    text = "\n".join(lines)
    assert "http://h:1" in text
    assert "ws://h:2" in text
    assert "0xac0974be" not in text
    assert "web pages of this machine (--origins), without debug_* and trace_* (--debug-api)" in text


def test_welcome_of_a_development_chain(library) -> None:
    text = "\n".join(dashboard.welcome(NodeConfig(dev=True), "http://h:1", "ws://h:2", stats()))
    assert FIRST in text
    assert "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80" in text
    assert "test test test" in text
    assert "web pages of everybody (--origins), with debug_* and trace_*" in text


def test_lines_tell_full_blocks_once_and_stay_calm() -> None:
    lines = dashboard.Lines()
    (first,) = lines.of(stats(5), 100.0)
    assert first.startswith("block number=5 hash=0x000")
    assert " transactions=50 " in first
    assert lines.of(stats(6), 100.5) == []
    assert lines.of(stats(5), 102.0) == []
    (second,) = lines.of(stats(8), 102.5)
    assert second.startswith("block number=8 ")
    assert lines.of(stats(8), 105.0) == []
    (idle,) = lines.of(stats(8), 113.0)
    assert idle.startswith("status height=8 transactions=1234567 ")


class Source(FakeNode):
    """Stops the view after some looks, or fails."""

    def __init__(self, looks: int, stop: threading.Event, failure: str = "") -> None:
        super().__init__(NodeConfig(), Metrics(process=False))
        self.looks, self.stop_event, self.then = looks, stop, failure

    def stats(self):
        if self.asked >= self.looks:
            self.failure = self.then
            if not self.then:
                self.stop_event.set()
        return super().stats()


@pytest.mark.parametrize("failure", ["", "the disk is full"])
def test_both_views_end(monkeypatch: pytest.MonkeyPatch, failure: str) -> None:
    monkeypatch.setattr(dashboard, "REFRESH", 0.001)
    stop, stream = threading.Event(), io.StringIO()
    dashboard.print_lines(Source(3, stop, failure), stop, stream)
    assert stream.getvalue().startswith("block number=1 ")
    stop = threading.Event()
    console = Console(file=io.StringIO(), width=100, height=40, force_terminal=True, legacy_windows=False)
    source = Source(3, stop, failure)
    dashboard.show_live(source, NodeConfig(), stop, [], console)
    assert source.asked == 4
    assert "pre-execution" in cast(io.StringIO, console.file).getvalue()
