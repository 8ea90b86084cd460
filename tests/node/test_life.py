"""Starting and stopping: what stays, what is refused, and that nothing is left behind."""

from __future__ import annotations

import contextlib
import gc
import json
import resource
import shutil
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jovay.chain.development import development_genesis
from jovay.chain.errors import GenesisError
from jovay.chain.genesis import GenesisAccount, to_json
from jovay.config import ConfigError, NodeConfig
from jovay.monitoring.metrics import Metrics
from jovay.monitoring.stats import STAGES
from jovay.node import Node, most_connections
from jovay.sequencer.errors import ChainIdMismatchError, GenesisMismatchError
from jovay.sequencer.finality import Confirmation, Step
from jovay.sequencer.persistence.pruning import Pruner
from jovay.storage.alloc import state_changes
from jovay.storage.datadir import DataDirectory
from jovay.storage.errors import DatadirLockedError, IncompleteDirectoryError
from jovay.storage.kv import META, Batch
from rigs.rpc import RpcError
from rigs.transactions import keccak256

from .conftest import SETTINGS, Client, hexed

TO = b"\x33" * 20


def config(folder: Path, **changes: object) -> NodeConfig:
    return NodeConfig(datadir=folder, **(SETTINGS | changes))


def test_a_stopped_node_goes_on_where_it_was(folder: Path) -> None:
    first = Node(config(folder))
    first.start()
    client = Client(first)
    receipts = [client.send(TO, value=value) for value in (1, 2, 3)]
    head = client("eth_getBlockByNumber", "latest", True)
    first.stop()
    first.stop()
    second = Node(config(folder))
    second.start()
    try:
        client = Client(second)
        assert client("eth_getBlockByNumber", "latest", True) == head
        assert [client("eth_getTransactionReceipt", item["transactionHash"]) for item in receipts] == receipts
        assert client.number("eth_getBalance", hexed(TO), "latest") == 6
        assert client.send(TO, value=4)["blockNumber"] == hex(int(head["number"], 16) + 1)
    finally:
        second.stop()


def test_a_failed_start_leaves_nothing_running(folder: Path) -> None:
    threads = set(threading.enumerate())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            Node(config(folder, http_port=taken.getsockname()[1])).start()
    assert {thread for thread in threading.enumerate() if thread.is_alive()} <= threads
    node = Node(config(folder))
    node.start()
    try:
        with pytest.raises(DatadirLockedError):
            Node(config(folder)).start()
    finally:
        node.stop()
    with pytest.raises(ChainIdMismatchError):
        Node(config(folder, chain_id=77)).start()


def a_chain(folder: Path) -> NodeConfig:
    """A stopped chain of some blocks."""
    node = Node(config(folder))
    node.start()
    try:
        Client(node).send(TO, value=1)
    finally:
        node.stop()
    return node.config


@pytest.mark.parametrize(
    ("gone", "found", "missing"),
    [("blocks", "state up to block 1", "no blocks/"), ("state", "blocks up to 1", "no state/")],
)
def test_half_a_directory_is_not_written_over(folder: Path, gone: str, found: str, missing: str) -> None:
    settings = a_chain(folder)
    kept = folder.with_name("kept")
    (folder / gone).rename(kept)
    with pytest.raises(IncompleteDirectoryError, match=f"{found} but {missing}"):
        Node(settings).start()
    shutil.rmtree(folder / gone)
    kept.rename(folder / gone)
    again = Node(settings)
    again.start()
    try:
        assert Client(again).number("eth_getBalance", hexed(TO), "latest") == 1
    finally:
        again.stop()


@pytest.mark.parametrize("emptied", [False, True])
def test_a_lost_log_is_no_new_chain(folder: Path, emptied: bool) -> None:
    """Also before the first checkpoint, when the state knows of no block but the genesis."""
    settings = a_chain(folder)
    for path in (folder / "blocks").glob("*.index"):
        path.unlink()
    with DataDirectory(folder) as data:
        batch = Batch()
        for key in (b"state.height", b"state.target"):  # as they stand until the first checkpoint
            batch.put(META, key, bytes(8))
        data.kv.write(batch, sync=True)
        assert data.blocks.latest > 0
    for path in (folder / "blocks").glob("*"):
        if emptied:
            path.write_bytes(b"")
        else:
            path.unlink()
    with pytest.raises(IncompleteDirectoryError, match=r"chain begun with block [0-9a-f]{64} but no blocks/"):
        Node(settings).start()


def test_a_damaged_hash_index_is_made_again(folder: Path) -> None:
    settings = a_chain(folder)
    (path,) = (folder / "blocks").glob("hashes-*.index")
    path.write_bytes(b"junk" * 1000)
    node = Node(settings)
    node.start()
    try:
        client = Client(node)
        block = client("eth_getBlockByNumber", "0x1", False)
        assert client("eth_getTransactionReceipt", block["transactions"][0])["blockHash"] == block["hash"]
    finally:
        node.stop()


def test_a_flipped_bit_in_the_hash_index_hides_no_receipt(folder: Path) -> None:
    settings = a_chain(folder)
    (path,) = (folder / "blocks").glob("hashes-*.index")
    whole = bytearray(path.read_bytes())
    for position in range(64, 64 + 8 * 3):  # the keys of the genesis, of block 1 and of its transaction
        path.write_bytes(whole[:position] + bytes((whole[position] ^ 0x40,)) + whole[position + 1 :])
        node = Node(settings)
        node.start()
        try:
            client = Client(node)
            block = client("eth_getBlockByNumber", "0x1", False)
            assert receipt_in_the_end(client, block["transactions"][0])["blockHash"] == block["hash"]
        finally:
            node.stop()
        assert path.read_bytes() == whole


def receipt_in_the_end(client: Client, digest: str) -> dict[str, Any]:
    """The receipt; until the node has it, it may only say that its index is being made again."""
    for _ in range(1000):
        try:
            receipt: dict[str, Any] = client("eth_getTransactionReceipt", digest)
            return receipt
        except RpcError as error:
            if "being made again; try again" not in str(error):
                raise
            time.sleep(0.01)
    raise AssertionError("the index is not made again")


def test_a_genesis_that_differs_only_in_its_alloc_is_refused(folder: Path) -> None:
    settings = a_chain(folder)
    content = to_json(development_genesis())
    richest = max(content["alloc"], key=lambda address: int(content["alloc"][address]["balance"], 16))
    content["alloc"][richest]["balance"] = "0x5"
    other = folder.with_name("genesis.json")
    other.write_text(json.dumps(content))
    with pytest.raises(GenesisMismatchError, match="alloc whose SHA-256 is"):
        Node(msgspec.structs.replace(settings, genesis=other)).start()


def test_a_beginning_that_stopped_half_way_leaves_no_state(folder: Path) -> None:
    """The state of one genesis is written, its block is not; then the node begins with another genesis."""
    rich = b"\x77" * 20
    with DataDirectory(folder) as data:
        other = replace(development_genesis(), alloc={rich: GenesisAccount(10**30)})
        data.state.write(0, state_changes(other, keccak256), sync=True)
    node = Node(config(folder))
    node.start()
    try:
        assert Client(node).number("eth_getBalance", hexed(rich), "latest") == 0
    finally:
        node.stop()


def test_figures_and_metrics(folder: Path) -> None:
    metrics = Metrics(process=False)
    node = Node(config(folder, heartbeat=0.05), metrics)
    node.start()
    try:
        client = Client(node)
        client.send(TO, value=1)
        stats = node.stats()
        assert stats.transactions == 1
        assert stats.height == stats.latest >= 1
        assert [stage.name for stage in stats.stages] == list(STAGES)
        assert all(stage.busy_mean_ms > 0 for stage in stats.stages if stage.name != "scheduler")
        assert stats.latency_p50_ms is not None
        assert stats.latency_p50_ms > 0
        assert stats.failure == ""
        with urllib.request.urlopen(f"{node.http_url}/metrics") as answer:
            text = answer.read().decode()
        assert "jovay_transactions_total 1.0" in text
    finally:
        node.stop()


def test_a_failed_sequencer_is_told(folder: Path) -> None:
    node = Node(config(folder))
    node.start()
    try:
        client = Client(node)
        client.send(TO, value=1)
        node.sequencer.fail(RuntimeError("the disk is gone"))
        with pytest.raises(RpcError, match="the sequencer has stopped: the disk is gone"):
            client("eth_sendRawTransaction", hexed(client.raw(TO, nonce=1)))
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{node.http_url}/health")
        assert caught.value.code == 503
        assert "the disk is gone" in json.loads(caught.value.read())["status"]
        assert "the disk is gone" in node.stats().failure
        assert client.number("eth_getBalance", hexed(TO), "latest") == 1
    finally:
        node.stop()


def health(node: Node) -> tuple[int, dict[str, Any]]:
    """Status and content of the answer."""
    try:
        with urllib.request.urlopen(f"{node.http_url}/health") as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def healthy(node: Node) -> bool:
    return health(node)[0] == 200


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_health_of_a_node_whose_blocks_do_not_come(folder: Path) -> None:
    """A disk that hangs, somebody who holds blocks up; an idle chain is well however long nothing happens."""
    node = Node(config(folder, heartbeat=0.0))
    node.start()
    client, sequencer, hangs = Client(node), node.sequencer, threading.Event()
    sequencer.progress.limit = 0.3
    try:
        client.send(TO, value=1)
        time.sleep(0.6)
        assert health(node) == (200, {"status": "ok", "block": 1})
        append = sequencer.data.blocks.append
        sequencer.data.blocks.append = lambda blocks: (hangs.wait(60), append(blocks))
        begun = time.time()
        client("eth_sendRawTransaction", hexed(client.raw(TO, value=1)))
        wait_for(lambda: not healthy(node))
        status, form = health(node)
        assert (status, form["status"], form["block"]) == (503, "block 2 is not stored", 1)
        assert begun - 1 < datetime.fromisoformat(form["since"]).timestamp() < time.time()
        hangs.set()
        wait_for(lambda: healthy(node))
        with sequencer.still():
            client("eth_sendRawTransaction", hexed(client.raw(TO, value=1)))
            wait_for(lambda: not healthy(node))
            assert health(node)[1]["status"] == "a block that is due is not made"
        wait_for(lambda: healthy(node))
    finally:
        hangs.set()
        node.stop()


def test_old_blocks_lose_what_the_settings_do_not_keep(folder: Path) -> None:
    node = Node(config(folder, keep_blocks=20))
    node.start()
    client = Client(node)
    node.sequencer.data.blocks.segment_blocks = 8
    receipts = [client.send(TO, value=1) for _ in range(50)]
    data, persistence, head = node.sequencer.data, node.sequencer.persistence, node.backend.chain.head
    assert Pruner(data, persistence, head, 1000).prune() == 0
    assert Pruner(data, persistence, head, 20).prune() > 0
    head, balance = client.number("eth_blockNumber"), client.number("eth_getBalance", hexed(TO), "latest")
    node.stop()
    node = Node(config(folder, keep_blocks=20))
    node.start()
    try:
        client, first = Client(node), receipts[0]
        assert client("eth_getTransactionReceipt", receipts[-1]["transactionHash"]) == receipts[-1]
        assert client("eth_getTransactionReceipt", first["transactionHash"]) is None
        with pytest.raises(RpcError, match="pruned history unavailable"):
            client("eth_getBlockReceipts", first["blockNumber"])
        assert client("eth_getHeaderByNumber", first["blockNumber"])["hash"] == first["blockHash"]
        for number in range(head - 19, head + 1):
            assert client("eth_getBlockByNumber", hex(number), True) is not None
        assert client.number("eth_getBalance", hexed(TO), "latest") == balance == 50
    finally:
        node.stop()


@pytest.mark.parametrize(
    ("limits", "connections"),
    [((1024, 100_000), 4096), ((1024, 1024), 512), ((528, 528), 16), ((9, -1), 4096)],
)
def test_connections_leave_files_to_the_stores(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], connections: int
) -> None:
    granted: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda kind, wanted: granted.append(wanted))
    assert most_connections(4096) == connections
    assert granted == ([] if limits[0] == limits[1] else [(limits[1], limits[1])])


def test_a_node_that_cannot_accept_goes_on(folder: Path) -> None:
    """No file is left for a connection: it waits or is lost, and the next ones are served."""
    node = Node(config(folder))
    node.start()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        client = Client(node)
        head = client("eth_blockNumber")
        waiting = [socket.socket() for _ in range(20)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            for one in waiting:
                one.settimeout(0.05)
                with contextlib.suppress(OSError):
                    one.connect(("127.0.0.1", int(node.http_url.rpartition(":")[2])))
                    one.recv(1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for one in waiting:
            one.close()
        assert client("eth_blockNumber") == head
        assert Client(node)("eth_blockNumber") == head
    finally:
        node.stop()


def test_too_few_files_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 256))
    with pytest.raises(ConfigError, match=r"ulimit -n: 256 open files are too few: at least 528 are needed"):
        Node(config(folder)).start()
    assert not folder.exists()


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_a_server_that_cannot_listen_leaves_nothing(
    folder: Path, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(OSError, match=r"not known|not assign|assign"):
        Node(config(folder, http_host=host)).start()
    gc.collect()
    assert not [record for record in caplog.records if "destroyed" in record.getMessage()]


def test_a_chain_does_not_begin_with_rules_before_cancun(folder: Path, tmp_path: Path) -> None:
    """Until Cancun, SELFDESTRUCT took away storage that the state trie holds."""
    document = to_json(development_genesis(1))
    for fork in ("cancunTime", "pragueTime", "osakaTime"):
        del document["config"][fork]
    path = tmp_path / "genesis.json"
    path.write_text(json.dumps(document))
    with pytest.raises(GenesisError, match="Cancun's or newer ones; got 'Shanghai'"):
        Node(config(folder, genesis=path)).start()


def test_storage_needs_an_account_that_stays(folder: Path, tmp_path: Path) -> None:
    document = to_json(development_genesis(1))
    document["alloc"]["0x" + "ab" * 20] = {"balance": "0x1", "storage": {"0x" + "00" * 32: "0x01"}}
    path = tmp_path / "genesis.json"
    path.write_text(json.dumps(document))
    with pytest.raises(GenesisError, match=r"alloc.0xabab.*needs code or a nonce; got '1 slots'"):
        Node(config(folder, genesis=path)).start()


def tags(client: Client) -> list[str]:
    """The blocks that are safe and finalized."""
    return [client("eth_getBlockByNumber", tag, False)["number"] for tag in ("safe", "finalized")]


def test_what_l1_has_confirmed_is_told_and_kept(folder: Path) -> None:
    """The bridge's part is played here: it reports two batches to the node's finality."""
    node = Node(config(folder))
    node.start()
    client = Client(node)
    digests = [client.send(TO, value=1)["transactionHash"] for _ in range(4)]
    finality = node.sequencer.finality
    finality.report(Step.COMMITTED, Confirmation(2, 1, b"\x0c" * 32, 100))
    finality.report(Step.COMMITTED, Confirmation(4, 2, b"\x2c" * 32, 200))
    finality.report(Step.ATTESTED, Confirmation(4, 2, b"\x2a" * 32, 210))
    finality.report(Step.PROVEN, Confirmation(2, 1, b"\x0d" * 32, 220))
    assert tags(client) == ["0x4", "0x2"]
    node.stop()
    node = Node(config(folder))
    node.start()
    try:
        client = Client(node)
        first, third = client("jovay_getFinality", digests[0]), client("jovay_getFinality", digests[2])
        assert (first["stage"], first["status"], first["batchIndex"]) == (3, "proven", "0x1")
        assert first["zk"] == {"transactionHash": hexed(b"\x0d" * 32), "timestamp": hex(220)}
        assert (third["stage"], third["status"], third["zk"]) == (2, "attested", None)
        assert third["commit"] == {"transactionHash": hexed(b"\x2c" * 32), "timestamp": hex(200)}
        assert (node.stats().safe, node.stats().finalized) == (4, 2)
        client("anvil_rollback", "0x1")
        assert tags(client) == ["0x2", "0x2"]
    finally:
        node.stop()
