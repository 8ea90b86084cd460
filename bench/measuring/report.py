"""The results as a page: docs/benchmarks.md and its chart, from the figures in docs/benchmarks.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import ROOT, zk
from ..inprocess import STAGES
from ..loads.workloads import TITLES

DATA, PAGE, CHART = (ROOT / "docs" / f"benchmarks.{kind}" for kind in ("json", "md", "svg"))
Figures = dict[str, Any]
COLOURS = {
    "jovay": "#3b6fd6",
    "anvil": "#c9a227",
    "anvil-small": "#dcc46f",
    "in process": "#2a9d6f",
    "binary": "#7a5cc9",
}


def merge(part: str, figures: Sequence[Figures], machine: Figures) -> None:
    """Put new figures of one part into the data."""
    data: dict[str, Any] = json.loads(DATA.read_text()) if DATA.exists() else {}
    data[part] = {"machine": machine, "figures": list(figures)}
    DATA.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, numbers to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def number(value: float) -> str:
    """Three or so digits; a dash where nothing was measured."""
    if value != value:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def machine_line(part: Figures) -> str:
    """What it ran on, and how busy that was."""
    machine = part["machine"]
    return (
        f"{machine['hardware']}. {machine['date']}, revision {machine['revision']}, "
        f"load average {machine['load_before']:.1f} before and {machine['load_after']:.1f} after."
    )


def inprocess_part(part: Figures) -> list[str]:
    """Raw bytes to persisted receipts."""
    figures = part["figures"]
    first = figures[0]
    rows = [
        [
            TITLES[f["load"]],
            str(f["workers"]),
            number(f["rate"]),
            number(f["first"]),
            number(f["cpu"]),
            number(f["block"]),
            number(f["offered"]),
            f"{f['p50']:.1f}",
            f"{f['p99']:.1f}",
        ]
        for f in figures
    ]
    head = "load|workers|TPS|first run|CPU µs|block|half load TPS|p50 ms|p99 ms".split("|")
    stages = [
        [TITLES[f["load"]], *[f"{f['stages'][s]:.1f}" for s in STAGES]] for f in figures if f["workers"] > 1
    ]
    shape = [
        [
            TITLES[f["load"]],
            *[
                number(f["counts"][name] * 1000 / f["transactions"])
                for name in ("groups", "grouped", "deferred")
            ],
            number(f["counts"]["largest"]),
            number(f["counts"]["misses"] * 1000 / f["transactions"]),
        ]
        for f in figures
        if f["workers"] > 1
    ]
    verified = sum(f["verified"] for f in figures)
    return [
        "## In process: raw bytes to persisted receipts\n",
        machine_line(part) + "\n",
        f"Runs of {first['transactions']:,} transactions among 100,000 accounts ({first['leaves']:,} leaves of state), "
        "each transaction signed beforehand, handed over in batches; every block is in the log with fdatasync before "
        "its receipts are visible. TPS is the median of the runs after the first; the first run meets a state that "
        "no transaction has touched. CPU is processor time of the whole process per transaction, the hand-over "
        "included. Latency is from when a batch was due until its block was visible, at half the rate. All receipts "
        f"say success; {verified:,} blocks were executed again on another world, one transaction after the other, with "
        "the same state roots.\n",
        table(head, rows) + "\n",
        "### Where the time goes\n",
        "Microseconds of wall time per transaction in each stage. Stages run side by side, so these do not add up to "
        "the time between two transactions; on a busy machine they contain waiting.\n",
        table(["load", *STAGES], stages) + "\n",
        "### Conflicts\n",
        "Per 1,000 transactions: groups that had to run again in order, transactions in them, transactions that left "
        "their predicted set, keys that were not in memory. Then the largest group.\n",
        table(["load", "groups", "grouped", "ran serially", "largest", "misses"], shape) + "\n",
    ]


def jsonrpc_part(part: Figures) -> list[str]:
    """Beside anvil."""
    figures = part["figures"]
    peers: dict[str, float] = {}
    for f in figures:
        if f["server"] != "jovay":
            peers[f["load"]] = max(f["rate"], peers.get(f["load"], 0.0))
    rows = []
    for f in figures:
        ratio = f["rate"] / peers[f["load"]] if f["server"] == "jovay" and f["load"] in peers else 0.0
        rows.append(
            [
                f"{f['server']}, {f['channel']}",
                TITLES[f["load"]],
                number(f["rate"]),
                f"×{ratio:.1f}" if ratio else "",
                number(f["server_cpu"]),
                number(f["offered"]),
                number(f["p50"]),
                number(f["p99"]),
                number(f["memory"]),
            ]
        )
    head = "server|load|TPS|to anvil's best|server CPU µs|half load TPS|p50 ms|p99 ms|MB".split("|")
    return [
        "## Through JSON-RPC, beside anvil\n",
        machine_line(part) + "\n",
        "The same genesis file and the same signed transactions for both nodes, one node at a time, in the same run. "
        "The client is another process on the same cores: four kept connections, batches of 100 "
        "`eth_sendRawTransaction` (or 500 transactions over the binary channel). TPS counts until the last transaction "
        "is in a block; then every receipt is fetched and must say success. Latency is of single "
        "`eth_sendRawTransactionSync` calls beside a load of half the rate. Anvil keeps everything in "
        "memory, while this node makes every block durable before it answers; anvil makes blocks every second, and in "
        "`anvil-small`, its best case, every 0.1 s on a chain of 1,000 accounts.\n",
        table(head, rows) + "\n",
    ]


def evm_part(part: Figures) -> list[str]:
    """Beside revm."""
    rows = [
        [
            f["name"],
            f"{f['ours'] * 1e9:,.1f} ns per {f['unit']}",
            f"{f['revm'] * 1e9:,.1f} ns",
            f"×{f['revm'] / f['ours']:.2f}",
            number(f["gas_rate"] / 1e6),
            number(f["revm_gas_rate"] / 1e6),
        ]
        for f in part["figures"]
    ]
    return [
        "## The interpreter alone, beside revm\n",
        machine_line(part) + "\n",
        "One thread, loops inside one call, medians of five; revm through pyrevm, whose Python side is outside.\n",
        table(["program", "jovay", "revm", "ratio", "jovay Mgas/s", "revm Mgas/s"], rows) + "\n",
    ]


def hostile_part(part: Figures) -> list[str]:
    """Ordinary senders beside attackers."""
    rows = [
        [
            f["attack"] + ("" if f["alive"] else " (the node ended)"),
            *[f"{f[name]:.1f}" for name in ("p50", "p99", "p100", "interval50", "interval100")],
            number(f["receipts"]),
            number(f["failures"]),
            number(f["memory"]),
        ]
        for f in part["figures"]
    ]
    head = "attack|p50 ms|p99 ms|max ms|between heads p50|max|receipts|refusals|MB".split("|")
    return [
        "## Under attack\n",
        machine_line(part) + "\n",
        "Four ordinary senders send one transfer after the other with `eth_sendRawTransactionSync`, 20 ms after the "
        "last receipt, while another process attacks the node ([the attacks](../bench/attacks)); each attack meets a "
        "node of its own. Times are from sending to receipt, and between two heads that a subscriber sees. Node, "
        "attacker, senders and subscriber share the same cores.\n",
        table(head, rows) + "\n",
    ]


def tee_part(part: Figures) -> list[str]:
    """Batches attested by an enclave."""
    rows = [
        [
            TITLES[f["load"]],
            number(f["transactions"]),
            f"{f['blobs']}",
            f"{f['task'] / 1e6:.1f}",
            *[f"{f[name]:.2f}" for name in ("attested", "executed", "beyond", "beyond_cpu")],
            number(1e6 * f["executed_cpu"] / f["transactions"]),
            number(f["sequencer_cpu"]),
        ]
        for f in part["figures"]
    ]
    head = (
        "load|transactions|blobs|task MB|attested s|execution s|beyond s|beyond CPU s|CPU µs|sequencer CPU µs"
    )
    return [
        "## The TEE prover\n",
        machine_line(part) + "\n",
        "A batch as full as its blobs allow, attested by an enclave of the simulated platform: from the encoded task "
        "to the signature, over the pipes, one thread executing. Execution is that of the same chunks by the kernel "
        "in this process, by turns; beyond it are decoding, hashing, openings and signature. The last columns are "
        "processor time per transaction, re-executed from its witness and made by the sequencer.\n",
        table(head.split("|"), rows) + "\n",
    ]


def zk_part(part: Figures) -> list[str]:
    """Proofs of small batches."""
    found = part["figures"]
    proven = [f for f in found if f["proof"]]
    rows = []
    for f in found:
        known = [stage for name, stage in f["stages"].items() if name != "verification"]
        seconds, cpu = (sum(stage[what] for stage in known) for what in ("seconds", "cpu"))
        sizes = [
            f["transactions"],
            f["blocks"],
            f["cycles"],
            sum(f["calls"].values()),
            f["cells"],
            f["messages"],
        ]
        if f["proof"]:
            speed = f"{seconds:.0f}", f"{cpu:.0f}", number(f["cycles"] / cpu), f"{f['peak'] / 2**30:.1f}"
        else:
            speed = ("",) * 4
        rows.append([*[f"{size:,}" for size in sizes], *speed, number(f["proof"]) if f["proof"] else ""])
    head = "transfers|blocks|instructions|calls|cells|messages|s|CPU s|instructions/CPU s|GB|proof bytes"
    stages = [
        [name, *[f"{f['stages'][name]['cpu']:.1f}" for f in proven]]
        + [f"{1e9 * f['stages'][name]['cpu'] / f['committed']:.0f}" for f in proven]
        for name in zk.STAGES
    ]
    titles = [zk.title(f["transactions"], f["blocks"]) for f in proven]
    widest = sorted(proven[-1]["chips"].items(), key=lambda item: -item[1][1] - 2 * item[1][2])[:12]
    chips = [[name, *[f"{size:,}" for size in sizes]] for name, sizes in widest]
    more = [
        [what, *[number(figures[name]) for name in ("cycles", "cells", "messages")]]
        for what, figures in zk.marginal(found).items()
    ]
    return [
        "## ZK proofs of batches\n",
        machine_line(part) + "\n",
        "Batches of ERC-20 transfers among 1,000 holders, executed and recorded by a sequencer, run by the batch "
        "program on the zkVM with all accelerators, proven, and verified. Cells and messages are those of rows in "
        "use; tables are filled up to powers of two. CPU is of all cores together, from the run to the proof, and "
        "what counts where the load average is above their number; memory is the most that the process ever had.\n",
        table(head.split("|"), rows) + "\n",
        "One more takes:\n",
        table(["", "instructions", "cells", "messages"], more) + "\n",
        "Where the time goes, in seconds of a processor, and in nanoseconds per cell that is committed to:\n",
        table(["stage", *[f"{t}: CPU s" for t in titles], *[f"{t}: ns" for t in titles]], stages) + "\n",
        f"The largest chips of {titles[-1]}:\n",
        table(["chip", "rows", "cells", "messages"], chips) + "\n",
        "Peers publish: Jolt, whose field is that of BN254 too, more than a million cycles a second on 32 cores, "
        "that is 31,000 per core; Airbender, over a field of 31 bits, 21.8 million a second on an H100 for the "
        "base layer and 8.5 million to the end of its recursion; SP1 wraps its proofs into Groth16 of 260 bytes, "
        "for 270,000 gas. An accelerator's call counts as one instruction here, so instructions of different "
        "machines are not the same work.\n",
    ]


def bars(rows: Sequence[tuple[str, float, str]]) -> str:
    """A bar chart: (label, value, colour)."""
    most, height, left, width = max(value for _, value, _ in rows), 26, 330, 380
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" height="{height * len(rows) + 40}" '
        'font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        '<text x="10" y="22" font-weight="bold">Transactions per second</text>',
    ]
    for k, (label, value, colour) in enumerate(rows):
        y, wide = 34 + k * height, width * value / most
        lines.append(f'<text x="{left - 8}" y="{y + 16}" text-anchor="end">{label}</text>')
        lines.append(
            f'<rect x="{left}" y="{y + 3}" width="{wide:.0f}" height="{height - 8}" fill="{colour}"/>'
        )
        lines.append(f'<text x="{left + wide + 6:.0f}" y="{y + 16}">{value:,.0f}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def chart(data: dict[str, Any]) -> str:
    """Rates of all loads."""
    rows = []
    for f in data.get("jsonrpc", {}).get("figures", []):
        colour = COLOURS["binary"] if f["channel"] == "binary" else COLOURS[f["server"]]
        rows.append((f"{f['server']}, {f['channel']}: {f['load']}", f["rate"], colour))
    for f in data.get("inprocess", {}).get("figures", []):
        if f["workers"] > 1:
            rows.append((f"jovay, in process: {f['load']}", f["rate"], COLOURS["in process"]))
    return bars(rows) if rows else ""


def write() -> list[Path]:
    """Make page and chart anew."""
    data = json.loads(DATA.read_text())
    parts = {
        "inprocess": inprocess_part,
        "jsonrpc": jsonrpc_part,
        "evm": evm_part,
        "hostile": hostile_part,
        "tee": tee_part,
        "zk": zk_part,
    }
    lines = [
        "# Benchmarks\n",
        "Made by `make bench` (`jovay bench --write`); the figures are in `benchmarks.json`. "
        "[The programs](../bench) take other sizes and loads as arguments: `jovay bench inprocess --help`.\n",
        "![Transactions per second](benchmarks.svg)\n",
    ]
    for name, form in parts.items():
        if name in data:
            lines += form(data[name])
    PAGE.write_text("\n".join(lines))
    CHART.write_text(chart(data))
    return [DATA, PAGE, CHART]
