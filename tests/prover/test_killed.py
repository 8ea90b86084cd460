"""Controller, TEE prover and enclave as processes, killed again and again: every batch is attested in the end."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jovay.bridge.controller_client import ControllerClient
from jovay.bridge.errors import BridgeError
from jovay.bridge.genesis import Roles, settled_config, settled_genesis
from jovay.bridge.wire.statement import Statement
from jovay.chain.genesis import to_json
from jovay.native.library import Library
from jovay.prover.task import BatchTask
from jovay.prover.tee.launch import measurement_of
from rigs import process
from rigs.anvil import anvil
from rigs.proven_batches import batches, request_of
from rigs.tee_on_l1 import TeeOnL1

BATCHES, KILLS = 4, 10


@contextmanager
def witnesses(tasks: list[BatchTask]) -> Iterator[str]:
    """A server in the place of the node: it has the chunks' witnesses."""
    known = {
        (hex(first), hex(last)): f"0x{witness.encode().hex()}"
        for task in tasks
        for (first, last), witness in zip(request_of(task).chunks, task.witnesses, strict=True)
    }

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = {"jsonrpc": "2.0", "id": asked["id"], "result": known[tuple(asked["params"][:2])]}
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


class Provers:
    """Both programs, started again whenever they are not running."""

    def __init__(self, folder: Path, l1_url: str, node_url: str, genesis: Path) -> None:
        (port,) = process.free_ports(1)
        self.folder, self.url = folder, f"http://127.0.0.1:{port}"
        jovay = [sys.executable, "-c", "from jovay.cli import main; main()", "prover"]
        self.commands = {
            "controller": [*jovay, "controller", "--node", node_url, "--listen", f"127.0.0.1:{port}"],
            "tee": [
                *jovay, "tee", "--genesis", str(genesis), "--l1", l1_url, "--controller", self.url,
                "--platform", "simulated",
            ],
        }  # fmt: skip
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.logs: dict[str, Path] = {}

    def keep_up(self) -> None:
        for name, command in self.commands.items():
            if name not in self.running or self.running[name].poll() is not None:
                log = self.folder / f"{name}-{time.monotonic_ns()}.log"
                self.running[name] = process.start([*command, "--datadir", str(self.folder / name)], log)
                self.logs[name] = log

    def wait_for_enclave(self) -> None:
        """The TEE prover is ready, or has ended."""
        until = time.monotonic() + 120
        while (
            not self.logs["tee"].read_text().startswith("ready")
            and "\nready" not in self.logs["tee"].read_text()
        ):
            assert time.monotonic() < until, self.said()
            if self.running["tee"].poll() is not None:
                return
            time.sleep(0.05)

    def said(self) -> str:
        return process.tail(self.logs["tee"]) + process.tail(self.logs["controller"])

    def kill(self, name: str) -> None:
        """``enclave`` is the child of the TEE prover."""
        if name != "enclave":
            self.running[name].kill()
            self.running[name].wait()
            return
        parent = self.running["tee"].pid
        children = Path(f"/proc/{parent}/task/{parent}/children")
        for pid in children.read_text().split() if children.exists() else []:
            os.kill(int(pid), signal.SIGKILL)

    def close(self) -> None:
        for one in self.running.values():
            process.stop(one, 30)


def settled(l1: TeeOnL1, folder: Path) -> Path:
    """A genesis file that names the verifier."""
    settlement = replace(l1.settlement(), config=settled_config(20_257, 10**8, 10**7))
    genesis = settled_genesis(settlement, Roles((), (), ()), 1_700_000_000)
    path = folder / "genesis.json"
    path.write_text(json.dumps(to_json(genesis)))
    return path


@pytest.mark.slow
def test_every_batch_is_attested_whatever_is_killed(library: Library, tmp_path: Path) -> None:
    tasks, chance = batches(library, BATCHES), random.Random(4)
    with anvil(block_time=0.5, accounts=20) as chain, witnesses(tasks) as node_url:
        l1 = TeeOnL1(chain.url)
        l1.allow(measurement_of("simulated"))
        provers = Provers(tmp_path, chain.url, node_url, settled(l1, tmp_path))
        try:
            client = ControllerClient(provers.url, timeout=5)
            for _ in range(KILLS):
                provers.keep_up()
                provers.wait_for_enclave()
                time.sleep(chance.uniform(0, 3))
                hand_in(client, tasks)
                provers.kill(chance.choice(["controller", "tee", "enclave"]))
            until = time.monotonic() + 240
            while hand_in(client, tasks) < BATCHES:
                assert time.monotonic() < until, provers.said()
                provers.keep_up()
                time.sleep(0.5)
            found = results(client)
        finally:
            provers.close()
        for index, (statement, proof) in enumerate(found, 1):
            assert statement.batch_hash == tasks[index - 1].header.hash
            assert l1.verifier.read(l1.client, "verify", statement.hash, index, proof)


def hand_in(client: ControllerClient, tasks: list[BatchTask]) -> int:
    """As a relayer does at every look; how many are proven."""
    try:
        for task in tasks:
            client.call("prove_batch", **request_of(task).to_json(), types=["tee"])
        status = [client.call("get_proof", index=n, type="tee")["status"] for n in range(1, BATCHES + 1)]
    except BridgeError:
        return 0
    for index, one in enumerate(status, 1):
        if one == "failed":  # too many were killed over it
            client.call("re_prove_batch", index=index, types=["tee"])
    return status.count("done")


def results(client: ControllerClient) -> list[tuple[Statement, bytes]]:
    answers = [client.call("get_proof", index=n, type="tee") for n in range(1, BATCHES + 1)]
    return [
        (Statement.from_json(one["statement"]), bytes.fromhex(one["verifierProof"][2:])) for one in answers
    ]
