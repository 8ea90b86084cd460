"""``jovay follow``, ``jovay verify-batch`` and ``jovay exit`` as a person runs them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jovay.bridge.l1.record import Kind
from jovay.chain.genesis import to_json
from jovay.cli.app import app
from jovay.cli.own_stack import jovay
from rigs import process
from rigs.anvil import anvil
from rigs.paths import MissingToolError
from rigs.rpc import Rpc
from rigs.settled_story import Story

TARGET = b"\x77" * 20
SMALL = ["--accounts", "200000", "--slots", "800000"]


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Batch 1, final; the genesis is in ``genesis.json``."""
    try:
        with anvil(extra=["--slots-in-an-epoch", "1"]) as l1:
            story = Story(tmp_path, l1.url)
            (tmp_path / "genesis.json").write_text(json.dumps(to_json(story.genesis)))
            story.fund()
            story.block(story.transaction(0, TARGET, value=5))
            story.commit()
            story.claim(1, [Kind.TEE, Kind.ZK])
            story.l1.mine(3)
            yield story
            story.stop()
    except MissingToolError as missing:
        pytest.skip(str(missing))


def run(*words: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


def test_from_l1_to_an_exit(story: Story, tmp_path: Path) -> None:
    where = ["--genesis", str(tmp_path / "genesis.json"), "--l1", story.url]
    folder = tmp_path / "follower"
    (port,) = process.free_ports(1)
    command = jovay("follow", *where, *SMALL, "--datadir", str(folder), "--http-port", str(port))
    child = process.start(command, log := tmp_path / "log", None)
    process.wait_until(lambda: "ready" in log.read_text(), child, log, 400)
    client, until = Rpc(f"http://127.0.0.1:{port}"), time.monotonic() + 60
    while client.call("eth_getBlockByNumber", "finalized", False)["number"] != hex(2):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert (
        client.call("eth_getBlockByNumber", "latest", False)["hash"]
        == "0x" + story.sequencer.visible.hash.hex()
    )
    process.stop(child)
    assert child.returncode == 0
    for source in (["--node", story.l2.node.http_url], ["--datadir", str(folder)]):
        lines = run("verify-batch", "1", *where, *source).splitlines()
        assert len(lines) == 11
        assert all(line.startswith("pass") for line in lines)
    assert "FAIL" in run("verify-batch", "2", *where, "--datadir", str(folder), status=1)
    leave = ["exit", story.keys[1].address, *where, "--datadir", str(folder)]
    run(*leave, status=1)
    story.l1.message(b"", TARGET, 1)  # which nobody executes
    story.l1.wait(7 * 86_400 + 1)
    story.l1.call(story.l1.rollup, "openExodus")
    assert "data   0x" in run(*leave)
    client_l1, account = story.l1.client, bytes.fromhex(story.keys[1].address[2:])
    before = client_l1.balance(account)
    assert "sent   0x" in run(*leave, "--key", "dev:7")
    assert client_l1.balance(account) == before + 100 * 10**18
    assert "AlreadyExited" in run(*leave, "--key", "dev:7", status=1)
