"""``jovay evm fuzz`` and ``jovay evm fuzz-witness``."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from jovay.conformance.differential.compare import Summary
    from jovay.conformance.witnesses.fuzz import Summary as WitnessSummary


class OracleName(StrEnum):
    """An independent implementation."""

    revm = "revm"
    specs = "specs"


def fuzz(
    cases: Annotated[int, typer.Option(min=0, help="cases against revm, on Cancun")] = 100_000,
    specs_cases: Annotated[
        int, typer.Option(min=0, help="cases against execution-specs, on each of Cancun, Prague and Osaka")
    ] = 1_000,
    oracle: Annotated[OracleName | None, typer.Option(help="only this implementation")] = None,
    fork: Annotated[str | None, typer.Option(help="only this fork")] = None,
    first_seed: Annotated[int, typer.Option(min=0, help="seed of the first case; each case adds one")] = 0,
    every: Annotated[int, typer.Option(min=1, metavar="N", help="a line of progress after N cases")] = 5_000,
) -> None:
    """Compare the EVM on generated transactions with other implementations; the exit status is 1 if any differs.

    What differs is minimised and printed as a state test in JSON.
    """
    from jovay.conformance.differential.compare import ORACLES, compare
    from jovay.conformance.differential.native import NativeRunner
    from jovay.conformance.differential.report import as_state_test

    def progress(summary: Summary) -> None:
        if summary.cases % every == 0:
            print(summary.lines()[0], file=sys.stderr, flush=True)

    counts = {OracleName.revm: cases, OracleName.specs: specs_cases}
    runs = [
        (name, f)
        for name in OracleName
        for f in ORACLES[name]
        if oracle in (None, name) and fork in (None, f)
    ]
    if not runs:
        typer.echo("error: no implementation to compare with at this fork", err=True)
        raise typer.Exit(2)
    kernel, different = NativeRunner.load(), 0
    for name, at in runs:
        try:
            summary = compare(kernel, name, at, range(first_seed, first_seed + counts[name]), progress)
        except ImportError as missing:
            typer.echo(f"error: {name} needs a package that is not installed: {missing.name}", err=True)
            raise typer.Exit(2) from missing
        for difference in summary.differences:
            print(json.dumps(as_state_test(difference.case, difference.what), indent=1))
        print("\n".join(summary.lines()), flush=True)
        different += len(summary.differences)
    raise typer.Exit(1 if different else 0)


def fuzz_blocks(
    blocks: Annotated[int, typer.Option(min=0, help="blocks of 30 transactions, and as many of 12")] = 2_000,
    first_seed: Annotated[int, typer.Option(min=0, help="seed of the first chain of 100 blocks")] = 0,
) -> None:
    """Make blocks in parallel and serially, with many or few keys in common; the exit status is 1 if any differ.

    Once with all of their transactions at hand, and once with some that are executed beside the blocks.
    """
    from jovay.conformance.beside import compare_beside
    from jovay.conformance.parallel import compare
    from jovay.native.kernel import load_visibly

    library, hot = load_visibly(), (0.0, 0.1, 0.5, 0.9, 1.0)
    for chain, begun in enumerate(range(0, blocks, 100)):
        seed, count = first_seed + chain, min(100, blocks - begun)
        difference = compare(library, count, 30, hot[seed % 5], 1 + seed % 4, seed)
        difference = difference or compare_beside(library, count, 12, hot[seed % 5], 1 + seed % 4, seed)[0]
        if difference:
            print(f"seed {seed}: {difference}")
            raise typer.Exit(1)
    print(f"{blocks:,} blocks, no difference")


def fuzz_inputs(
    cases: Annotated[int, typer.Option(min=0, help="cases")] = 100_000,
    first_seed: Annotated[int, typer.Option(min=0, help="seed of the first case; each case adds one")] = 0,
) -> None:
    """Put changed transactions, batches in JSON and binary form, and what decodes of them to portal and pool.

    Only a crash is a fault: see ``jovay evm checked``.
    """
    from jovay.conformance.inputs import InputFuzzer
    from jovay.native.kernel import load_visibly

    fuzzer = InputFuzzer(load_visibly())
    for seed in range(first_seed, first_seed + cases):
        fuzzer.run(seed)
    for what, count in sorted(fuzzer.seen.items()):
        print(f"{count:>9,} {what}")


def fuzz_witness(
    cases: Annotated[int, typer.Option(min=0, help="witnesses on the native kernel")] = 100_000,
    riscv_cases: Annotated[int, typer.Option(min=0, help="witnesses on the RISC-V program too")] = 1_000,
    first_seed: Annotated[int, typer.Option(min=0, help="seed of the first case; each case adds one")] = 0,
    every: Annotated[int, typer.Option(min=1, metavar="N", help="a line of progress after N cases")] = 5_000,
) -> None:
    """Put changed and made-up witnesses to the stateless function; the exit status is 1 if any shows a fault.

    A fault is a crash, a run without end, a block accepted with another result than it has, or another outcome on
    RISC-V.
    """
    from jovay.conformance.witnesses.fuzz import campaign

    def progress(summary: WitnessSummary) -> None:
        if summary.cases % every == 0:
            print(summary.lines()[0], file=sys.stderr, flush=True)

    faults = 0
    for count, riscv in ((cases, False), (riscv_cases, True)):
        if count:
            summary = campaign(first_seed, count, riscv, progress=progress)
            print(
                "\n".join([f"{'RISC-V' if riscv else 'native'}: {summary.lines()[0]}", *summary.lines()[1:]]),
                flush=True,
            )
            faults += len(summary.faults)
    raise typer.Exit(1 if faults else 0)
