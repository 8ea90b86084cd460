"""The suites that run on the checked build: each is a command line of ``jovay``, in a process of its own.

To add one, append it to ``SUITES``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from jovay.compiler.checked import CHECKED, VARIABLE

#: Stand for the archive or folder of state tests, and of blockchain tests; a suite that names one is passed over where
#: there is none.
FIXTURES, BLOCKS = "FIXTURES", "BLOCKS"
#: What they are called in a folder of fixtures.
NAMES = {
    FIXTURES: ("eest-state-tests.tar.xz", "state_tests"),
    BLOCKS: ("eest-blockchain-samples.tar.xz", "eest-blockchain-samples"),
}
#: What the console script runs.
MAIN = "import sys; from jovay.cli import main; sys.exit(main())"
FORKS = ("--fork", "Cancun", "--fork", "Prague", "--fork", "Osaka")


@dataclass(frozen=True)
class Suite:
    """``arguments`` of the whole and of a spread that takes seconds."""

    name: str
    whole: tuple[str, ...]
    quick: tuple[str, ...]


SUITES = (
    Suite(
        "statetest",
        ("evm", "statetest", *FORKS, FIXTURES),
        ("evm", "statetest", *FORKS, "--every", "200", FIXTURES),
    ),
    Suite(
        "blocktest",
        ("evm", "blocktest", BLOCKS),
        ("evm", "blocktest", "--every", "20", BLOCKS),
    ),
    Suite(
        "blocktest-parallel",
        ("evm", "blocktest", "--parallel", BLOCKS),
        ("evm", "blocktest", "--parallel", "--every", "20", "--offset", "10", BLOCKS),
    ),
    Suite(
        "fuzz",
        ("evm", "fuzz", "--oracle", "revm", "--cases", "20000"),
        ("evm", "fuzz", "--oracle", "revm", "--cases", "300"),
    ),
    Suite(
        "fuzz-blocks", ("evm", "fuzz-blocks", "--blocks", "2000"), ("evm", "fuzz-blocks", "--blocks", "40")
    ),
    Suite(
        "fuzz-inputs", ("evm", "fuzz-inputs", "--cases", "100000"), ("evm", "fuzz-inputs", "--cases", "1000")
    ),
    Suite(
        "fuzz-witness",
        ("evm", "fuzz-witness", "--cases", "100000", "--riscv-cases", "0"),
        ("evm", "fuzz-witness", "--cases", "100", "--riscv-cases", "0"),
    ),
)


def find_fixtures(kind: str) -> Path | None:
    """Where the tests of a kind are, if they are: ``$JOVAY_FIXTURES``, or a place of their own."""
    own = os.environ.get("JOVAY_FIXTURES")
    folders = [Path(own)] if own else [Path.home() / ".cache" / "jovay-fixtures", Path("../shared/fixtures")]
    for folder in folders:
        for name in NAMES[kind]:
            if (folder / name).exists():
                return folder / name
    return None


def run_suite(suite: Suite, quick: bool, fixtures: Path | None) -> bool:
    """Run a suite, its output following its name; whether it found nothing. ``fixtures``: the state tests."""
    arguments = suite.quick if quick else suite.whole
    places = {FIXTURES: fixtures or find_fixtures(FIXTURES), BLOCKS: find_fixtures(BLOCKS)}
    if any(places[kind] is None for kind in places if kind in arguments):
        print(f"==== {suite.name}: no fixtures: see --fixtures", flush=True)
        return True
    print(f"==== {suite.name}", flush=True)
    words = [str(places.get(word, word)) for word in arguments]
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", MAIN, *words], env={**os.environ, VARIABLE: CHECKED}, check=False
    )
    verdict = "silent" if ended.returncode == 0 else f"exit status {ended.returncode}"
    print(f"==== {suite.name}: {verdict} ({time.monotonic() - began:.0f} s)", flush=True)
    return ended.returncode == 0
