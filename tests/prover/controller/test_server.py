"""The controller over HTTP: a whole proof by its verbs, and that nothing sent to it ends it or goes unanswered."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jovay.bridge.controller_client import ControllerClient
from jovay.bridge.errors import ControllerRefusalError, ControllerUnreachableError, L1RpcError
from jovay.native.library import Library
from jovay.prover.controller.server import MOST_BYTES, ControllerServer
from jovay.prover.controller.service import Controller
from jovay.prover.task import BatchTask
from rigs import process
from rigs.proof_requests import request, statement_of
from rigs.proven_batches import batches, request_of


class Node:
    """Serves witnesses by their blocks."""

    def __init__(self) -> None:
        self.witnesses: dict[tuple[int, int], bytes] = {}
        self.asked: list[tuple[int, int]] = []

    def call(self, method: str, *params: Any) -> Any:
        assert method == "jovay_getChunkWitness"
        chunk = int(params[0], 16), int(params[1], 16)
        self.asked.append(chunk)
        if chunk not in self.witnesses:
            raise L1RpcError(-32000, "not recorded", None, method)
        return "0x" + self.witnesses[chunk].hex()


@pytest.fixture(scope="module")
def batch(library: Library) -> BatchTask:
    return batches(library)[0]


@pytest.fixture
def node(batch: BatchTask) -> Node:
    node = Node()
    node.witnesses = dict(
        zip(request_of(batch).chunks, (one.encode() for one in batch.witnesses), strict=True)
    )
    return node


@pytest.fixture
def service(tmp_path: Path, node: Node) -> Iterator[Controller]:
    service = Controller(tmp_path, node)
    yield service
    service.queue.close()


@pytest.fixture
def served(service: Controller) -> Iterator[ControllerClient]:
    server = ControllerServer(service, "127.0.0.1", 0)
    server.start()
    yield ControllerClient(server.url)
    server.stop()


def refused(client: ControllerClient, verb: str, **body: Any) -> str:
    with pytest.raises(ControllerRefusalError) as error:
        client.call(verb, **body)
    return error.value.type


def test_a_proof_from_end_to_end(served: ControllerClient, service: Controller, batch: BatchTask) -> None:
    asked = request_of(batch)
    assert served.call("prove_batch", **asked.to_json(), types=["tee"]) == {"accepted": True, "new": True}
    assert served.call("prove_batch", **asked.to_json(), types=["tee"]) == {"accepted": True, "new": False}
    service.assembler.assemble()
    about = {"platform": "simulated", "measurement": "0x12", "enclave": "0x34", "more": "is not shown"}
    lease = served.call("lease", type="tee", worker="w", about=about)
    assert served.call("get_proof", index=1, type="tee")["status"] == "leased"
    assert served.task(lease["lease"]) == batch.encode()
    assert lease["size"] == len(batch.encode())
    stated = statement_of(asked)
    result = {"index": 1, "type": "tee", "worker": "w", "statement": stated.to_json(), "proof": "0x1234"}
    assert served.call("renew_lease", lease=lease["lease"], stage="rows", permille=4000) == {}
    assert served.info()["workers"][0]["work"] == {"batch": 1, "stage": "rows", "permille": 1000}
    assert served.call("report_proof", **result) == {"status": "done"}
    found = served.call("get_proof", index=1, type="tee")
    assert (found["status"], found["verifierProof"], found["statement"]) == (
        "done",
        "0x1234",
        stated.to_json(),
    )
    assert refused(served, "report_proof", **result) == "SupersededError"
    (worker,) = served.info()["workers"]
    assert (worker["name"], worker["platform"], worker["enclave"]) == ("w", "simulated", "0x34")
    assert "more" not in worker
    assert served.info()["queue"]["tee"]["done"] == 1
    assert served.call("range_drop_proofs", first=0, last=5) == {"dropped": 1}
    assert refused(served, "get_proof", index=1, type="tee") == "UnknownBatchError"


def test_a_batch_waits_for_the_witness_that_the_node_does_not_have(
    served: ControllerClient, service: Controller, node: Node, batch: BatchTask
) -> None:
    asked = request_of(batch)
    kept, node.witnesses = node.witnesses, {}
    served.call("prove_batch", **asked.to_json())
    service.start()
    for _ in range(200):
        if served.info()["waitsFor"]:
            break
    assert "not recorded" in served.info()["waitsFor"]
    assert served.call("lease", type="tee", worker="w") == {"lease": None}
    node.witnesses = kept
    served.call("notify_block", number=7)
    service.assembler.wake()
    service.assembler.stop()
    service.assembler.assemble()
    assert served.call("lease", type="tee", worker="w")["index"] == 1
    assert served.info()["newestBlock"] == 7


def test_tasks_are_completed_after_any_trouble(
    served: ControllerClient, service: Controller, batch: BatchTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.call("prove_batch", **request_of(batch).to_json())

    def full() -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(service.queue, "without_task", full)
        service.start()
        while "disk is full" not in served.info()["waitsFor"]:
            time.sleep(0.01)
    while served.call("lease", type="tee", worker="w")["lease"] is None:
        service.assembler.wake()
        time.sleep(0.01)
    service.assembler.stop()


def test_witnesses_are_fetched_ahead_and_used_once(
    served: ControllerClient, service: Controller, node: Node, batch: BatchTask
) -> None:
    asked = request_of(batch)
    for first, last in asked.chunks:
        served.call("notify_chunk", first=first, last=last)
    assert refused(served, "notify_chunk", first=90, last=91) == "WitnessError"
    node.asked.clear()
    served.call("prove_batch", **asked.to_json())
    service.assembler.assemble()
    assert node.asked == []
    served.call("re_prove_batch", index=1, types=["tee"])
    service.assembler.assemble()
    assert tuple(node.asked) == asked.chunks


GOOD = request(1).to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"index": 2},
        {"index": -1},
        {"index": "1"},
        {"index": True},
        {"index": 1 << 64},
        {"rollup": "0x12"},
        {"rollup": None},
        {"config": "0x"},
        {"config": "0x" + "00" * 864},
        {"header": GOOD["header"][:-2]},
        {"parentHeader": 5},
        {"da": "0x"},
        {"da": "0x07" + "11" * 40},
        {"da": "zz"},
        {"versionedHashes": "0x"},
        {"versionedHashes": ["0x12"]},
        {"versionedHashes": ["0x" + "00" * 32] * 65},
        {"chunks": []},
        {"chunks": [[2, 1]]},
        {"chunks": [[1]]},
        {"chunks": {"1": 2}},
        {"types": ["tee", "sgx"]},
        {"types": "tee"},
    ],
    ids=lambda change: str(change)[:40],
)
def test_batches_that_are_none(served: ControllerClient, change: dict[str, Any]) -> None:
    assert refused(served, "prove_batch", **GOOD | change) == "BadRequestError"
    assert served.info()["queue"] == {}


@pytest.mark.parametrize(
    ("verb", "body", "error"),
    [
        ("nothing", {}, "UnknownVerbError"),
        ("lease", {}, "BadRequestError"),
        ("lease", {"type": "tee", "worker": "w" * 300}, "BadRequestError"),
        ("lease", {"type": "tee", "worker": "w", "about": []}, "BadRequestError"),
        ("lease", {"type": "tee", "worker": "w", "seconds": 1.5}, "BadRequestError"),
        ("renew_lease", {"lease": "none"}, "SupersededError"),
        ("report_proof", {"lease": "none", "error": "e"}, "SupersededError"),
        ("report_proof", {"lease": "none", "error": "e", "refused": 1}, "BadRequestError"),
        (
            "report_proof",
            {"index": 1, "type": "tee", "worker": "w", "statement": {}, "proof": "0x"},
            "BadRequestError",
        ),
        ("get_proof", {"index": 1, "type": "tee"}, "UnknownBatchError"),
        ("get_proof", {"index": 1, "type": "both"}, "BadRequestError"),
        ("re_prove_batch", {"index": 1}, "UnknownBatchError"),
        ("range_drop_proofs", {"first": 1}, "BadRequestError"),
        ("notify_block", {"number": None}, "BadRequestError"),
        ("get_proof", {"index": 1 << 63, "type": "tee"}, "BadRequestError"),
    ],
)
def test_requests_that_cannot_be_met(
    served: ControllerClient, verb: str, body: dict[str, Any], error: str
) -> None:
    assert refused(served, verb, **body) == error


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b"null", b"\xff\xfe", b"[" * 5_000])
def test_bodies_that_are_no_object(served: ControllerClient, body: bytes) -> None:
    answer = raw(served, b"POST /lease HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.startswith(b"HTTP/1.0 400")
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]["type"] == "BadRequestError"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"POST /lease HTTP/1.1\r\n\r\n", 400),
        (b"POST /lease HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /lease HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MOST_BYTES + 1), 413),
        (b"POST /lease HTTP/1.1\r\nOrigin: null\r\nContent-Length: 2\r\n\r\n{}", 403),
        (b"POST /lease HTTP/1.1\r\nORIGIN: http://localhost\r\nContent-Length: 2\r\n\r\n{}", 403),
        (b"GET /elsewhere HTTP/1.1\r\n\r\n", 404),
        (b"GET /task/none HTTP/1.1\r\n\r\n", 409),
        (b"DELETE /info HTTP/1.1\r\n\r\n", 501),
    ],
)
def test_other_requests(served: ControllerClient, text: bytes, status: int) -> None:
    assert raw(served, text).startswith(b"HTTP/1.0 %d" % status)
    assert served.info()


def raw(client: ControllerClient, text: bytes) -> bytes:
    host, port = client.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def start(datadir: Path, port: int, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "from jovay.cli import main; main()", "prover", "controller"]
    command += ["--node", "http://127.0.0.1:1", "--datadir", str(datadir), "--listen", f"127.0.0.1:{port}"]
    child = process.start(command, log)
    process.wait_until(lambda: b"ready controller=" in log.read_bytes(), child, log, 30)
    return child


def test_killed_at_any_time_it_loses_nothing_that_it_answered(tmp_path: Path) -> None:
    (port,) = process.free_ports(1)
    client = ControllerClient(f"http://127.0.0.1:{port}", timeout=10)
    accepted: list[int] = []
    for life in range(3):
        child = start(tmp_path / "data", port, tmp_path / f"log{life}")
        for index in range(1, len(accepted) + 1):
            assert client.call("get_proof", index=index, type="tee")["status"] == "queued"
        killer = subprocess.Popen(["sh", "-c", f"sleep 0.{2 + 3 * life}; kill -9 {child.pid}"])
        try:
            while True:
                index = len(accepted) + 1
                client.call("prove_batch", **request(index).to_json(), types=["tee"])
                accepted.append(index)
        except ControllerUnreachableError:
            pass
        killer.wait()
        child.wait()
    assert len(accepted) > 10
    child = start(tmp_path / "data", port, tmp_path / "log")
    assert client.info()["queue"]["tee"]["queued"] in (len(accepted), len(accepted) + 1)
    os.kill(child.pid, signal.SIGTERM)
    assert child.wait(10) == 0
