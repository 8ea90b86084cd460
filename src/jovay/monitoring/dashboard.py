"""The live view of a node: a moving panel on a terminal, plain lines elsewhere; both from ``NodeStats``."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

from jovay import __version__
from jovay.config import NodeConfig

from .figures import milliseconds, size
from .stats import BlockSummary, NodeStats, PartStats, SettlementStats

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

REFRESH = 0.5
HISTORY = 120
_IDLE_LINE = 10.0


class Source(Protocol):
    """Where figures come from: a node."""

    def stats(self) -> NodeStats: ...
    @property
    def http_url(self) -> str: ...
    @property
    def ws_url(self) -> str: ...


def welcome(
    config: NodeConfig, http_url: str, ws_url: str, stats: NodeStats, l1_url: str | None = None
) -> list[str]:
    """What is printed once: where to connect, and the accounts of a development chain.

    ``l1_url``: where L1 is reached, for a chain that settles there and was begun by this program.
    """
    lines = [f"Jovay {__version__}", ""]
    if l1_url is not None or (config.dev and config.genesis is None):
        from jovay.chain.development import DEVELOPMENT_KEYS, MNEMONIC

        wealth = "10000 ETH at genesis" if l1_url is None else "ETH deposited from L1"
        lines += [f"Development accounts, each with {wealth}. Anyone knows their keys:", ""]
        addresses = development_addresses()
        for index, (address, key) in enumerate(zip(addresses, DEVELOPMENT_KEYS, strict=True)):
            lines.append(f"  ({index}) {address}  0x{key}")
        lines += ["", f"Mnemonic  {MNEMONIC}", "Path      m/44'/60'/0'/0/"]
    lines += [
        f"Chain id  {stats.chain_id}",
        f"HTTP      {http_url}",
        f"WebSocket {ws_url}",
        *([] if l1_url is None else [f"L1        {l1_url}"]),
        f"Data      {config.datadir}",
        f"Open to   {config.exposure}",
        "",
    ]
    return lines


def development_addresses() -> list[str]:
    """The accounts' addresses with the checksum of EIP-55."""
    from jovay.chain.checksum import checksummed
    from jovay.chain.development import DEVELOPMENT_ADDRESSES
    from jovay.native import kernel
    from jovay.native.hashing import keccak256

    library = kernel.load()
    return [
        checksummed(bytes.fromhex(digits), lambda data: keccak256(library, data))
        for digits in DEVELOPMENT_ADDRESSES
    ]


def block_line(block: BlockSummary, stats: NodeStats) -> str:
    """One block, for a log."""
    return (
        f"block number={block.number} hash=0x{block.hash.hex()} transactions={block.transactions}"
        f" gas={block.gas_used} groups={block.groups} made={block.made_ms:.2f}ms tps={stats.tps_10s:.0f}"
        f" p50={milliseconds(stats.latency_p50_ms).replace(' ', '')}"
        f" p99={milliseconds(stats.latency_p99_ms).replace(' ', '')} pool={stats.pool_pending}"
    )


def status_line(stats: NodeStats) -> str:
    """The whole node in one line, for a log."""
    return (
        f"status height={stats.height} transactions={stats.transactions} tps={stats.tps_10s:.0f}"
        f" pending={stats.pool_pending} queued={stats.pool_queued} safe={stats.safe}"
        f" finalized={stats.finalized} memory={size(stats.memory_bytes).replace(' ', '')}"
    )


def settlement_line(stats: NodeStats, known: SettlementStats) -> str:
    """How far L1 is, for a log."""
    return (
        f"settlement l1={known.l1_head} messages={known.messages_executed}/{known.messages_seen}"
        f" committed={known.committed_batch} attested={known.attested_batch} proven={known.proven_batch}"
        f" safe={stats.safe} finalized={stats.finalized} backlog={known.backlog}"
    )


class Lines:
    """Chooses what plain output says: batches, blocks with transactions (at most one a second), else the status."""

    def __init__(self) -> None:
        self._seen = -1
        self._spoke = float("-inf")
        self._settled: tuple[int, int, int] = (0, 0, 0)

    def of(self, stats: NodeStats, now: float) -> list[str]:
        """Lines that are due at ``now`` (monotonic seconds)."""
        return [*self._of_settlement(stats), *self._of_blocks(stats, now)]

    def _of_settlement(self, stats: NodeStats) -> list[str]:
        """A line whenever a batch came further."""
        if (known := stats.settlement) is None:
            return []
        reached = known.committed_batch, known.attested_batch, known.proven_batch
        if reached == self._settled:
            return []
        self._settled = reached
        return [settlement_line(stats, known)]

    def _of_blocks(self, stats: NodeStats, now: float) -> list[str]:
        full = [b for b in stats.recent if b.transactions and b.number > self._seen]
        if full and now - self._spoke >= 1.0:
            newest = max(full, key=lambda block: block.number)
            self._seen, self._spoke = newest.number, now
            return [block_line(newest, stats)]
        if now - self._spoke >= _IDLE_LINE:
            self._spoke = now
            return [status_line(stats)]
        return []


def print_lines(source: Source, stop: threading.Event, stream: TextIO) -> None:
    """Plain output until ``stop`` is set or the node fails."""
    lines = Lines()
    while not stop.wait(REFRESH):
        stats = source.stats()
        for line in lines.of(stats, time.monotonic()):
            print(line, file=stream, flush=True)
        if stats.failure:
            return


def show_live(
    source: Source,
    config: NodeConfig,
    stop: threading.Event,
    messages: Iterable[str] = (),
    console: Console | None = None,
    parts: Callable[[], Sequence[PartStats]] = lambda: (),
) -> None:
    """The moving panel until ``stop`` is set or the node fails; ``parts``: programs beside the node."""
    from rich.console import Console
    from rich.live import Live

    from .panels import render

    history: deque[float] = deque(maxlen=HISTORY)
    target = console or Console()

    def view() -> tuple[RenderableType, NodeStats]:
        stats = source.stats()
        history.append(stats.tps_1s)
        budget = float(config.block_interval_ms)
        panel = render(stats, history, budget, source.http_url, list(messages), target.size, parts())
        return panel, stats

    first, _ = view()
    with Live(first, console=target, auto_refresh=False, vertical_overflow="crop") as live:
        while not stop.wait(REFRESH):
            panel, stats = view()
            live.update(panel, refresh=True)
            if stats.failure:
                return
