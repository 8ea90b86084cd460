"""`jovay up` as a person runs it: it stops in order, goes on where it was, and outlives the death of each part."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jovay.bridge.errors import AnvilError
from jovay.bridge.l1.anvil import binary
from rigs import process
from rigs.accounts import KEYS
from rigs.load import address_of
from rigs.rpc import Rpc, RpcError
from rigs.running_stack import NO_ZK, PARTS, RunningStack, is_alive, launch
from rigs.transactions import sign

#: Seconds for a batch to be made, sent, proven, claimed and seen, beside other tests.
SETTLE_TIME = 120.0
ACCOUNT = 3


@pytest.fixture(scope="module")
def ports() -> list[int]:
    try:
        binary()
    except AnvilError as missing:
        pytest.skip(str(missing))
    return process.free_ports(4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up") / "stack"


@pytest.fixture(scope="module")
def stack(folder: Path, ports: list[int]) -> Iterator[RunningStack]:
    started = launch(folder, ports, [NO_ZK])
    yield started
    if started.process.poll() is None:
        process.stop(started.process, 60.0)


def eventually(ask: Callable[[], Any], seconds: float = SETTLE_TIME) -> Any:
    """What ``ask`` gives once that is true; while a part is away it may fail."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := ask():
                return found
        except (OSError, RpcError, ValueError):
            pass
        time.sleep(0.2)
    raise AssertionError("it has not come")


def transfer(rpc: Rpc) -> str:
    """A transaction on L2 that is in a block; its hash."""
    key = KEYS[ACCOUNT]
    nonce = int(rpc.call("eth_getTransactionCount", "0x" + address_of(key).hex(), "pending"), 16)
    fields = [20257, nonce, 0, 10**10, 21_000, b"\x0e" * 20, 1, b"", []]
    found: str = rpc.call("eth_sendRawTransaction", "0x" + sign(2, fields, bytes.fromhex(key[2:])).hex())
    rpc.wait_receipt(found)
    return found


def is_attested(stack: RunningStack, transaction: str) -> bool:
    rpc = stack.rpc()
    try:
        return bool(rpc.call("jovay_getFinality", transaction)["stage"] >= 2)
    finally:
        rpc.close()


def test_the_first_batch_is_attested(stack: RunningStack) -> None:
    rpc = stack.rpc()
    sent = transfer(rpc)
    assert eventually(lambda: is_attested(stack, sent))
    assert rpc.call("jovay_getBatch", 1)["status"] == "attested"
    info = rpc.call("jovay_proverInfo")
    assert [worker["platform"] for worker in info["workers"]] == ["simulated"]
    assert set(stack.children()) == set(PARTS)
    rpc.close()


def test_the_demonstration_reaches_every_step_that_needs_no_second_proof(stack: RunningStack) -> None:
    words = ["demo", "--json", "--node", stack.url, "--l1", stack.l1_url]
    code = "from jovay.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, timeout=300, check=True)
    walk = json.loads(done.stdout)
    assert walk["ok"]
    assert [step["status"] for step in walk["steps"]] == ["done"] * 8 + ["waits"]
    assert walk["steps"][4]["blobs"] >= 1
    assert walk["steps"][5]["simulated"]


@pytest.mark.parametrize(
    "part",
    ["relayer", *(pytest.param(part, marks=pytest.mark.slow) for part in PARTS if part != "relayer")],
)
def test_a_part_that_is_killed_comes_back_and_batches_go_on(stack: RunningStack, part: str) -> None:
    before = stack.children()[part]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: stack.children().get(part, before) != before)
    rpc = stack.rpc()
    sent = transfer(rpc)
    rpc.close()
    assert eventually(lambda: is_attested(stack, sent))
    assert stack.process.poll() is None


def test_ctrl_c_stops_all_parts_in_order_and_a_restart_goes_on(
    stack: RunningStack, folder: Path, ports: list[int]
) -> None:
    rpc = stack.rpc()
    sent = transfer(rpc)
    assert eventually(lambda: is_attested(stack, sent))
    safe = int(rpc.call("eth_getBlockByNumber", "safe", False)["number"], 16)
    rpc.close()
    children = stack.children()
    assert stack.stop() == 0
    told = [line.split()[1] for line in stack.log.read_text().splitlines() if line.startswith("stopping ")]
    assert told == ["relayer", "prover", "controller", "l1"]
    assert not any(map(is_alive, children.values()))
    assert "Traceback" not in stack.log.read_text()

    again = launch(folder, ports, [NO_ZK])
    try:
        rpc = again.rpc()
        assert int(rpc.call("eth_getBlockByNumber", "safe", False)["number"], 16) >= safe
        assert is_attested(again, sent)
        later = transfer(rpc)
        rpc.close()
        assert eventually(lambda: is_attested(again, later))
        children = again.children()
        again.process.kill()
        again.process.wait()
        eventually(lambda: not any(map(is_alive, children.values())), 30.0)
    finally:
        process.stop(again.process, 60.0)
