"""The panels of the live view, as rich renderables."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich import box
from rich.console import ConsoleDimensions, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from jovay import __version__

from .figures import amount, bar, milliseconds, size, sparkline
from .stats import NodeStats, PartStats, ProverStats, SettlementStats, StageStats

_NARROW = 90
_FIXED_LINES = 21
_SETTLEMENT_LINES = 7
#: Characters of a proof's bar.
_BAR = 20


def render(
    stats: NodeStats,
    history: Sequence[float],
    budget_ms: float,
    http_url: str,
    messages: Sequence[str],
    screen: ConsoleDimensions,
    parts: Sequence[PartStats] = (),
) -> RenderableType:
    """The whole view. ``history``: recent figures of transactions per second, oldest first.

    ``parts``: programs beside the node, where it runs with others.
    """
    width = min(screen.width, 120)
    fixed = _FIXED_LINES + (_SETTLEMENT_LINES if stats.settlement else 0)
    rows = max(2, min(10, screen.height - fixed - len(messages)))
    throughput = _throughput(stats, history, max(10, width // 2 - 8))
    figures, blocks = _figures(stats), _blocks(stats, rows, width >= _NARROW)
    stages = _stages(stats.stages, budget_ms, width >= _NARROW)
    top = Table.grid(expand=True, padding=0)
    top.add_column(ratio=1)
    top.add_column(ratio=1)
    top.add_row(throughput, figures)
    shown: list[RenderableType] = [_headline(stats, http_url), top]
    if stats.settlement is not None:
        shown.append(_settlement(stats.settlement, parts))
    # A small screen has no room for both.
    shown += [blocks] if stats.settlement and screen.height < fixed + 2 else [stages, blocks]
    shown += [Text(line, style="yellow", no_wrap=True, overflow="ellipsis") for line in messages]
    if stats.failure:
        shown.append(Text(f"stopped: {stats.failure}", style="bold red"))
    else:
        shown.append(Text(f"Ctrl-C stops {'all parts' if parts else 'the node'}", style="dim"))
    return Panel(Group(*shown), box=box.ROUNDED, width=width, padding=(0, 1))


def _headline(stats: NodeStats, http_url: str) -> Text:
    minutes, seconds = divmod(int(stats.uptime), 60)
    hours, minutes = divmod(minutes, 60)
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"Jovay {__version__}", style="bold cyan")
    workers = f"{stats.workers} worker" + ("s" if stats.workers != 1 else "")
    line.append(f"  chain {stats.chain_id}  {http_url}  {workers}  up {hours}:{minutes:02}:{seconds:02}")
    return line


def _pairs(*rows: tuple[str, str]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True, min_width=max(len(name) for name, _ in rows))
    table.add_column(no_wrap=True)
    for name, value in rows:
        table.add_row(name, value)
    return table


def _throughput(stats: NodeStats, history: Sequence[float], width: int) -> Panel:
    line = Text(sparkline(history, width), style="green", no_wrap=True)
    figures = _pairs(
        ("now", f"[bold green]{amount(stats.tps_1s)}[/] tx/s"),
        ("10 s", f"{amount(stats.tps_10s)} tx/s   peak {amount(max(history, default=0.0))}"),
        ("gas", f"{amount(stats.gas_per_second)}/s"),
        ("total", f"{stats.transactions:,} transactions"),
    )
    return Panel(Group(line, figures), title="throughput", title_align="left", box=box.SQUARE)


def _number(value: int) -> str:
    return f"{value:,}" if value >= 0 else "–"


def _figures(stats: NodeStats) -> Panel:
    latency = f"{milliseconds(stats.latency_p50_ms)} / {milliseconds(stats.latency_p99_ms)}"
    table = _pairs(
        ("p50 / p99", f"[bold]{latency}[/]"),
        ("pool", f"{stats.pool_pending:,} + {stats.pool_queued:,} queued"),
        ("1 real time", f"[green]{_number(stats.latest)}[/]"),
        ("2 TEE", f"{_number(stats.safe)}"),
        ("3 ZK", f"{_number(stats.finalized)}"),
    )
    return Panel(table, title="latency and confirmation", title_align="left", box=box.SQUARE)


def _settlement(known: SettlementStats, parts: Sequence[PartStats]) -> Panel:
    """L1, batches, prover, and the programs beside the node."""
    head = "not read" if known.l1_head is None else f"block {known.l1_head:,}"
    seen = "" if known.messages_seen is None else f" of {known.messages_seen:,}"
    batches = f"{known.committed_batch:,} committed, {known.attested_batch:,} attested, {known.proven_batch:,} proven"
    rows = [
        ("L1", f"{head}   messages executed {known.messages_executed:,}{seen}"),
        ("batches", f"{batches}   [dim]backlog[/] {_backlog(known)}"),
        ("TEE", _tee(known.prover)),
        ("ZK", _zk(known.prover)),
    ]
    if parts:
        rows.append(("parts", "  ".join(map(_part, parts))))
    return Panel(_pairs(*rows), title="settlement", title_align="left", box=box.SQUARE)


def _backlog(known: SettlementStats) -> str:
    """Blocks that wait for L1, and how much that is of the limit at which no more are made."""
    style = "green" if known.backlog_share < 0.6 else "yellow" if known.backlog_share < 0.8 else "red"
    return f"{amount(known.backlog)} blocks ([{style}]{known.backlog_share:.0%}[/])"


def _tee(prover: ProverStats | None) -> str:
    if prover is None:
        return "[dim]no prover controller answers[/]"
    platforms = ", ".join(prover.platforms) or "no platform yet"
    mark = "[bold yellow]SIMULATED[/] " if prover.simulated else ""
    workers = f"{prover.workers} worker" + ("s" if prover.workers != 1 else "")
    return f"{mark}({platforms})   {workers}, {prover.queue:,} proofs wait"


def _zk(prover: ProverStats | None) -> str:
    """What the ZK workers prove, with a bar for the first."""
    if prover is None or not prover.zk_workers:
        return "[dim]no worker[/]"
    if not prover.zk_work:
        return f"[dim]{prover.zk_workers} at rest[/]"
    work = prover.zk_work[0]
    return f"batch {work.batch:,} {bar(work.share, _BAR)} {work.share:.0%} [dim]{work.stage}[/]"


def _part(part: PartStats) -> str:
    again = f" [yellow]×{part.restarts + 1}[/]" if part.restarts else ""
    return f"[green]●[/] {part.name}{again}" if part.runs else f"[red]○ {part.name}[/]{again}"


def _stages(stages: Sequence[StageStats], budget_ms: float, wide: bool) -> Table:
    """Work per block of each stage against the time between blocks."""
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 1), header_style="bold dim")
    table.add_column("stage", no_wrap=True, min_width=13)
    width = 32 if wide else 16
    table.add_column(f"of {budget_ms:g} ms", no_wrap=True, width=width)
    for name in ("mean", "p99", "queue", "blocks"):
        table.add_column(name, justify="right", no_wrap=True)
    for stage in stages:
        share = stage.busy_mean_ms / budget_ms
        style = "green" if share < 0.6 else "yellow" if share < 0.9 else "red"
        table.add_row(
            stage.name,
            Text(bar(share, width), style=style),
            milliseconds(stage.busy_mean_ms),
            milliseconds(stage.busy_p99_ms),
            f"{stage.queue:,}",
            f"{stage.blocks:,}",
        )
    return table


def _blocks(stats: NodeStats, rows: int, wide: bool) -> Group:
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 1), header_style="bold dim")
    for name in ("block", "age", "txs", "gas", "groups", "made"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("hash", no_wrap=True, overflow="ellipsis", ratio=1)
    newest = sorted(stats.recent, key=lambda block: -block.number)[:rows]
    for block in newest:
        digest = block.hash.hex()
        table.add_row(
            f"{block.number:,}",
            f"{max(0.0, time.time() - block.timestamp):.0f} s",
            f"[bold]{block.transactions:,}[/]" if block.transactions else "[dim]0[/]",
            amount(block.gas_used),
            f"{block.groups:,}",
            milliseconds(block.made_ms),
            f"0x{digest}" if wide else f"0x{digest[:12]}…",
        )
    for _ in range(rows - len(newest)):
        table.add_row("")
    counts = f"groups {amount(stats.groups)}  conflicts {amount(stats.conflicts)}"
    if wide:
        counts += f"  re-executions {amount(stats.reexecutions)}"
    counts += f"  misses {amount(stats.misses)}"
    counts += f"  memory {size(stats.memory_bytes)}  data {size(stats.datadir_bytes)}"
    return Group(table, Text(counts, style="dim", no_wrap=True, overflow="ellipsis"))
