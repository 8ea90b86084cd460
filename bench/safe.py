"""From a transaction's receipt to its block being `safe`: committed on L1 and attested there, through a whole stack."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import dataclass

from jovay.bridge.l1.client import L1Client
from jovay.bridge.wallet import Wallet, wait_for
from jovay.chain.types import Hash32
from jovay.cli.own_stack import own_stack
from jovay.cli.stack import L1_URL, NODE_URL, Stack, open_stack

from .measuring.hardware import describe, load_average

_POLL = 0.05
_PATIENCE = 180.0


@dataclass(frozen=True)
class Times:
    """Seconds of one transaction: to its receipt, and from there to the commit of its batch and to `safe`."""

    receipt: float
    committed: float
    safe: float


def measure(stack: Stack, wallet: Wallet) -> Times:
    """One transfer to the account itself."""
    begun = time.monotonic()
    sent = wallet.send(wallet.address, gas=21_000)
    if wait_for(stack.l2, sent, _PATIENCE) is None:
        raise TimeoutError("no receipt")
    received = time.monotonic()
    committed = _until(stack.l2, sent, "commit")
    safe = _until(stack.l2, sent, "tee")
    return Times(received - begun, committed - received, safe - received)


def _until(l2: L1Client, transaction: Hash32, step: str) -> float:
    """When a step was seen; seconds on the monotonic clock."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        found = l2.call("jovay_getFinality", "0x" + transaction.hex())
        if found is not None and found[step] is not None:
            return time.monotonic()
        time.sleep(_POLL)
    raise TimeoutError(f"no {step} within {_PATIENCE:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(prog="jovay bench safe", description=__doc__)
    parser.add_argument(
        "--node", metavar="URL", help=f"a running L2, for instance {NODE_URL}; without it one is started"
    )
    parser.add_argument("--l1", metavar="URL", default=L1_URL, help="its L1")
    parser.add_argument("--count", type=int, default=10, help="transactions, one after another")
    parser.add_argument("--json", action="store_true", help="figures as one line of JSON")
    options = parser.parse_args()
    if options.node is not None:
        times = _measured(open_stack(options.node, options.l1), options.count)
    else:
        with own_stack() as urls:
            times = _measured(open_stack(*urls), options.count)
    figures = {
        name: {"median": statistics.median(values), "most": max(values)}
        for name in ("receipt", "committed", "safe")
        if (values := [getattr(one, name) for one in times])
    }
    if options.json:
        print(json.dumps({"count": len(times), **figures}))
        return
    print(describe(), f"load average {load_average():.1f}; L1 is anvil with a block a second", sep="\n")
    for name, text in (
        ("receipt", "sent → receipt"),
        ("committed", "receipt → on L1"),
        ("safe", "receipt → safe"),
    ):
        print(f"{text:<18} {figures[name]['median']:6.2f} s median {figures[name]['most']:6.2f} s at most")


def _measured(stack: Stack, count: int) -> list[Times]:
    _, wallet = stack.wallets("dev:9")
    measure(stack, wallet)  # the first batch pays for what is loaded once
    return [measure(stack, wallet) for _ in range(count)]


if __name__ == "__main__":
    main()
