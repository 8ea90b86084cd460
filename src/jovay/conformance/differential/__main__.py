"""``python -m jovay.conformance.differential``: the command."""

from __future__ import annotations

import argparse
import json
import sys

from .compare import ORACLES, Summary, compare
from .native import NativeRunner
from .report import as_state_test


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="jovay evm fuzz", description="Compare the EVM with other implementations."
    )
    parser.add_argument("--cases", type=int, default=100_000, help="cases on Cancun against revm")
    parser.add_argument(
        "--specs-cases", type=int, default=1_000, help="cases per fork against execution-specs (slow)"
    )
    parser.add_argument("--oracle", choices=sorted(ORACLES), help="only this oracle")
    parser.add_argument("--fork", help="only this fork")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=5_000, help="cases between lines of progress")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run what is asked for; 1 where something differs."""
    arguments = _arguments(argv)
    kernel = NativeRunner.load()
    different = 0

    def progress(summary: Summary) -> None:
        if summary.cases % arguments.every == 0:
            print(summary.lines()[0], file=sys.stderr, flush=True)

    for oracle, forks in ORACLES.items():
        count = arguments.cases if oracle == "revm" else arguments.specs_cases
        for fork in forks:
            if count == 0 or arguments.oracle not in (None, oracle) or arguments.fork not in (None, fork):
                continue
            seeds = range(arguments.first_seed, arguments.first_seed + count)
            summary = compare(kernel, oracle, fork, seeds, progress)
            for difference in summary.differences:
                print(json.dumps(as_state_test(difference.case, difference.what), indent=1))
            print("\n".join(summary.lines()), flush=True)
            different += len(summary.differences)
    return int(different != 0)


if __name__ == "__main__":
    sys.exit(main())
