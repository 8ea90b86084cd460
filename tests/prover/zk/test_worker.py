"""The ZK prover around its proofs: what becomes of a batch whose process proves, refuses, fails or ends."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from jovay.bridge.wire.statement import Statement
from jovay.prover.zk.errors import BatchRefusedError, ProvingEndedError, ZkError
from jovay.prover.zk.process import ProvingProcess
from jovay.prover.zk.worker import ZkWorker
from rigs.toy_prover import ToyProver

STATEMENT = Statement(
    l1_chain_id=31337, rollup=bytes([1] * 20), l2_chain_id=7, chain_config_hash=bytes([2] * 32),
    parent_batch_hash=bytes([3] * 32), batch_hash=bytes([4] * 32), pre_state_root=bytes([5] * 32),
    post_state_root=bytes([6] * 32), parent_block_hash=bytes([7] * 32), last_block_hash=bytes([8] * 32),
    last_timestamp=9, l2_msg_root=bytes([10] * 32), data_digest=bytes([11] * 32), openings=[],
)  # fmt: skip


def task(do: str) -> bytes:
    return json.dumps({"do": do, "statement": STATEMENT.to_json()}).encode()


@pytest.fixture(scope="module")
def process() -> ProvingProcess:
    return ProvingProcess(ToyProver)


def test_a_proof_comes_out_of_its_process_and_says_how_far_it_is(process: ProvingProcess) -> None:
    told: list[tuple[str, float]] = []
    statement, proof = process.prove(task("prove"), lambda *what: told.append(what))
    assert (statement.hash, proof) == (STATEMENT.hash, b"proof")
    assert told == [("begins", 0.25), ("ends", 1.0)]


@pytest.mark.parametrize(
    ("do", "kind", "why"),
    [
        ("refuse", BatchRefusedError, "number of chunks"),
        ("fail", ZkError, "too large"),
        ("end", ProvingEndedError, "status 7"),
    ],
)
def test_what_goes_wrong_has_a_name_and_the_next_is_proven(
    process: ProvingProcess, do: str, kind: type[ZkError], why: str
) -> None:
    with pytest.raises(kind, match=why):
        process.prove(task(do), lambda *_: None)
    assert process.prove(task("prove"), lambda *_: None)[1] == b"proof"


def test_a_proof_can_be_ended(process: ProvingProcess) -> None:
    with pytest.raises(ProvingEndedError, match="-9"):
        process.prove(task("sleep"), lambda *_: process.kill())


class Controller:
    """Hands one batch out, and keeps what it is told."""

    def __init__(self, do: str) -> None:
        self.do, self.calls = do, list[tuple[str, dict[str, Any]]]()

    def call(self, verb: str, **body: Any) -> dict[str, Any]:
        self.calls.append((verb, body))
        return {"lease": "id", "index": 3} if verb == "lease" else {}

    def task(self, lease: str) -> bytes:
        assert lease == "id"
        return task(self.do)

    def told(self, verb: str) -> list[dict[str, Any]]:
        return [body for name, body in self.calls if name == verb]


def turned(process: ProvingProcess, do: str) -> list[dict[str, Any]]:
    controller = Controller(do)
    worker = ZkWorker(controller, process, {"program": "0x12"}, "w")  # type: ignore[arg-type]
    try:
        assert worker.turn()
    except ZkError:
        assert do in ("fail", "end")
    assert controller.told("lease") == [{"type": "zk", "worker": "w", "about": {"program": "0x12"}}]
    return controller.told("report_proof")


def test_a_worker_reports_what_became_of_its_batch(process: ProvingProcess) -> None:
    assert turned(process, "prove") == [
        {"index": 3, "type": "zk", "worker": "w", "statement": STATEMENT.to_json(), "proof": "0x70726f6f66"}
    ]
    assert [one["refused"] for one in turned(process, "refuse")] == [True]
    assert [one["refused"] for one in turned(process, "fail") + turned(process, "end")] == [False, False]


def test_a_worker_that_is_killed_ends_its_proof_and_says_how_far_it_was(process: ProvingProcess) -> None:
    controller = Controller("sleep")
    worker = ZkWorker(controller, process, {}, "w")  # type: ignore[arg-type]
    worker._renewal = 0.05
    thread = threading.Thread(target=worker.run)
    thread.start()
    while {"lease": "id", "stage": "begins", "permille": 250} not in controller.told("renew_lease"):
        time.sleep(0.01)
    worker.kill()
    thread.join(20)
    assert not thread.is_alive()
    assert controller.told("report_proof") == []


def _orphan(pipe: Any) -> None:
    process = ProvingProcess(ToyProver)
    process.prove(task("sleep"), lambda *_: pipe.send(process._process.pid))  # type: ignore[union-attr]


def test_a_proof_ends_with_who_asked_for_it() -> None:
    ours, theirs = multiprocessing.Pipe()
    parent = multiprocessing.get_context("spawn").Process(target=_orphan, args=(theirs,))
    parent.start()
    pid = ours.recv()
    os.kill(parent.pid or 0, 9)
    parent.join()
    end = time.monotonic() + 20
    stat = Path(f"/proc/{pid}/stat")
    while stat.exists() and stat.read_text().split()[2] != "Z":
        assert time.monotonic() < end
        time.sleep(0.05)
