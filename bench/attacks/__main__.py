"""Runs one attack: prepares it, says so, and goes on from the first line on standard input until that is closed."""

from __future__ import annotations

import argparse
import sys
import threading

from . import Step, Target
from .table import ATTACKS


def repeat(step: Step, ending: threading.Event) -> None:
    """Do a step over and over; a refused connection or answer is no reason to give up."""
    while not ending.is_set():
        try:
            step()
        except (OSError, ValueError, RuntimeError) as error:
            print(f"{type(error).__name__}: {error}"[:300], file=sys.stderr, flush=True)
            ending.wait(0.1)


def main() -> None:
    """Obey."""
    parser = argparse.ArgumentParser(prog="python -m bench.attacks", description=__doc__)
    parser.add_argument("name", choices=sorted(ATTACKS))
    parser.add_argument("url")
    parser.add_argument("--accounts", type=int, default=1_000)
    options = parser.parse_args()
    sys.setswitchinterval(0.0005)
    ending = threading.Event()
    steps = ATTACKS[options.name](Target(options.url, options.accounts))
    print("prepared", flush=True)
    sys.stdin.readline()
    for step in steps:
        threading.Thread(target=repeat, args=(step, ending), daemon=True).start()
    sys.stdin.read()
    ending.set()


if __name__ == "__main__":
    main()
