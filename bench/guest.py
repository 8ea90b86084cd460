"""The chunk program as RISC-V: cycles and system calls of a transaction, with accelerators and without, by function."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path

from jovay.compiler.riscv.elf import read_functions
from jovay.kernel.accelerated import ACCELERATORS
from jovay.native.emulator import Emulator, Profile
from jovay.tracer.chunk import ChunkStatement
from jovay.tracer.guest import ChunkGuest

from .inprocess import Watcher, throughput
from .loads.chain import genesis
from .loads.workloads import TITLES, load
from .measuring.pipeline import pipeline
from .tracer import Recorded

LIMIT = 10**12


def chunk(name: str, accounts: int, count: int, folder: Path | None) -> tuple[int, bytes]:
    """Blocks of a chunk of so many transactions, and the program's input."""
    with pipeline(genesis(accounts), 1, folder, record=True) as target:
        throughput(target, Watcher(target), load(name, count, accounts), 0, count, count)
        assert target.sequencer.recording is not None
        target.sequencer.recording.drain()
        recorded, last = Recorded(target), target.data.blocks.latest
        return last, recorded.given(1, last, recorded.witnesses.witness(1, last, 60.0)).encode(scale=0)


def profile(elf: bytes, data: bytes) -> Profile:
    """A run of the program that must state something."""
    made = Emulator(elf).profile(data, LIMIT)
    if error := ChunkStatement.read(made.execution.output).error:
        raise RuntimeError(error)
    return made


def show(elf: bytes, made: Profile, blocks: int, count: int, functions: int) -> None:
    """What a transaction takes."""
    calls = ", ".join(f"{number:#x} {times / count:.1f}" for number, times in sorted(made.calls.items()))
    print(
        f"   {count} transactions in {blocks} blocks: {made.execution.cycles / count:,.0f} cycles, "
        f"{len(made.words) / count:,.0f} words of memory each; calls: {calls or 'none'}",
        flush=True,
    )
    text = Emulator(elf).image.text.address
    for name, spent in made.by_function(read_functions(elf), text).most_common(functions):
        print(f"   {spent / count:9,.0f} {100 * spent / made.execution.cycles:5.1f} % {name}", flush=True)


def measure(
    name: str, accounts: int, count: int, accelerators: Collection[str], options: argparse.Namespace
) -> None:
    """One load."""
    elf = ChunkGuest(accelerators).elf
    print(
        f"{TITLES[name]}, {accounts:,} accounts, accelerators: {', '.join(sorted(accelerators)) or 'none'}",
        flush=True,
    )
    blocks, data = chunk(name, accounts, count, options.folder)
    show(elf, profile(elf, data), blocks, count, options.functions)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="jovay bench guest", description=__doc__)
    parser.add_argument("--loads", default="native,erc20", help="loads, separated by commas")
    parser.add_argument(
        "--accounts", type=int, default=10_000, help="funded accounts, which all hold the token"
    )
    parser.add_argument("--count", type=int, default=200, help="transactions of a chunk")
    parser.add_argument("--functions", type=int, default=15, help="how many functions to list")
    parser.add_argument("--folder", type=Path, help="where the chain's data lie")
    options = parser.parse_args()
    for accelerators in (set(ACCELERATORS), set[str]()):
        for name in options.loads.split(","):
            measure(name, options.accounts, options.count, accelerators, options)


if __name__ == "__main__":
    main()
