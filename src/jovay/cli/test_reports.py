"""What ``jovay evm statetest`` and ``jovay evm blocktest`` print."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

if TYPE_CHECKING:
    from jovay.conformance.results import TestResult
    from jovay.conformance.runner import Selection, Suite


def run_and_exit(
    suite: Suite,
    make_engine: Callable[[], Any],
    paths: list[Path],
    selection: Selection,
    jobs: int,
    as_json: bool,
) -> None:
    """Run the tests and print what came of them; exit status 1 if any failed, 2 for paths without tests."""
    from jovay.conformance import sources
    from jovay.conformance.runner import run_all, tasks

    started = time.monotonic()
    try:
        results = run_all(suite, make_engine, tasks(suite, sources.files(paths), selection), jobs)
        failed = print_json(results, sys.stdout) if as_json else print_text(results, sys.stdout, started)
    except sources.SourceError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(1 if failed else 0)


def print_json(results: Iterator[TestResult], stream: TextIO) -> int:
    """One list, written as the results come; answers how many failed."""
    failed, separator = 0, "[\n"
    for result in results:
        failed += not result.passed
        lines = json.dumps(result.as_json(), indent=2).splitlines()
        stream.write(separator + "\n".join("  " + line for line in lines))
        separator = ",\n"
    stream.write("[]\n" if separator == "[\n" else "\n]\n")
    return failed


def print_text(results: Iterable[TestResult], stream: TextIO, started: float) -> int:
    """Failures as they come and a summary by fork; answers how many failed."""
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for result in results:
        (passed if result.passed else failed)[result.fork] += 1
        sums["cycles"] += result.cycles
        sums["blocks valid"] += result.valid_blocks
        sums["refused"] += result.refused_blocks
        sums["in another order"] += result.reordered_blocks
        if not result.passed:
            print(f"FAIL {result.name} ({result.fork}): {result.error}", file=stream, flush=True)
    for fork in dict.fromkeys([*passed, *failed]):
        print(f"{fork or '(no fork)':<20} {passed[fork]:>7,} passed {failed[fork]:>6,} failed", file=stream)
    total, bad = passed.total() + failed.total(), failed.total()
    counted = "".join(f", {number:,} {what}" for what, number in sums.items() if number)
    seconds = time.monotonic() - started
    print(f"{total:,} tests, {total - bad:,} passed, {bad:,} failed in {seconds:.1f} s{counted}", file=stream)
    return bad
