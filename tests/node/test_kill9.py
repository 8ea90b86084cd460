"""A node that is killed under load loses no transaction whose receipt was given, and its state is exact."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from jovay.chain.development import development_genesis
from jovay.native.library import Library
from jovay.sequencer.reexecution import Reexecution
from jovay.storage.datadir import DataDirectory
from rigs import process
from rigs.jovay_node import CHAIN_ID, JovayNode, launch
from rigs.load import Sender
from rigs.slow_contracts import HeavySender

ACCOUNTS = 3
OPTIONS = ["--heartbeat", "0.2", "--checkpoint-interval", "0.3", "--log-level", "warning"]


def kill_under_load(node: JovayNode, seconds: float) -> dict[str, dict[str, Any]]:
    """Receipts that clients were given until the node was killed, ``seconds`` after the first one."""
    senders: list[Sender | HeavySender] = [Sender(node.url, account, CHAIN_ID) for account in range(ACCOUNTS)]
    senders.append(HeavySender(node.url, ACCOUNTS, CHAIN_ID))
    for sender in senders:
        sender.start()
    deadline = time.monotonic() + 20
    while not any(sender.receipts for sender in senders) and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(seconds)
    node.process.kill()
    node.process.wait()
    for sender in senders:
        sender.join(30)
        assert sender.failure is None
    return {digest: receipt for sender in senders for digest, receipt in sender.receipts.items()}


def run_cycles(folder: Path, library: Library, cycles: int) -> None:
    draw = random.Random(9)
    given: dict[str, dict[str, Any]] = {}
    fresh: dict[str, dict[str, Any]] = {}
    for _ in range(cycles):
        node = launch(folder / "data", extra=OPTIONS)
        try:
            check_receipts(node, fresh)
            fresh = kill_under_load(node, draw.uniform(0.0, 0.8))
            assert fresh
            given |= fresh
        finally:
            process.stop(node.process)
    node = launch(folder / "data", extra=OPTIONS)
    try:
        check_receipts(node, given)
    finally:
        assert process.stop(node.process, 30.0) == 0
    with DataDirectory(folder / "data") as data:
        assert data.blocks.torn is None
        last = Reexecution(library, data.blocks, development_genesis(CHAIN_ID)).run()
        assert last == data.blocks.latest
        assert last > cycles


def check_receipts(node: JovayNode, given: dict[str, dict[str, Any]]) -> None:
    """Every receipt is still there and the same."""
    rpc = node.rpc()
    hashes = list(given)
    for start in range(0, len(hashes), 500):
        some = hashes[start : start + 500]
        answers = rpc.batch([("eth_getTransactionReceipt", [digest]) for digest in some])
        assert answers == [given[digest] for digest in some]


def test_killed_under_load(tmp_path: Path, library: Library) -> None:
    run_cycles(tmp_path, library, 4)


@pytest.mark.slow
def test_killed_a_hundred_times_under_load(tmp_path: Path, library: Library) -> None:
    run_cycles(tmp_path, library, 100)
