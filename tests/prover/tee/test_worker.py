"""The TEE prover whole: controller, worker, enclave and L1, and what each may lose."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jovay.bridge.controller_client import ControllerClient
from jovay.bridge.errors import ControllerRefusalError, ControllerUnreachableError, L1UnreachableError
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.transactions import TxManager
from jovay.bridge.wire.statement import Statement
from jovay.chain.development import DEVELOPMENT_KEYS
from jovay.native.library import Library
from jovay.prover import worker
from jovay.prover.controller.server import ControllerServer
from jovay.prover.controller.service import Controller
from jovay.prover.task import BatchTask
from jovay.prover.tee.errors import (
    EnclaveError,
    KeyRevokedError,
    MeasurementNotAllowedError,
    RegistrationError,
)
from jovay.prover.tee.registration import Registrar
from jovay.prover.tee.worker import TeeWorker
from rigs.anvil import anvil
from rigs.proven_batches import batches, request_of
from rigs.tee_on_l1 import TeeOnL1


@pytest.fixture(scope="module")
def l1() -> Iterator[TeeOnL1]:
    with anvil() as chain:
        yield TeeOnL1(chain.url)


@pytest.fixture(scope="module")
def tasks(library: Library) -> list[BatchTask]:
    return batches(library, 2)


class Node:
    """Serves the witnesses of batches, or others. ``again``: whether the last one was asked for so."""

    again = False

    def __init__(self, tasks: list[BatchTask]) -> None:
        self.witnesses = {
            chunk: witness.encode()
            for task in tasks
            for chunk, witness in zip(request_of(task).chunks, task.witnesses, strict=True)
        }

    def call(self, method: str, *params: Any) -> Any:
        self.again = params[2]
        return "0x" + self.witnesses[int(params[0], 16), int(params[1], 16)].hex()


class Stand:
    """A controller that is served, and a worker for it whose turns the test takes."""

    def __init__(self, folder: Path, l1: TeeOnL1, tasks: list[BatchTask]) -> None:
        self.l1, self.node = l1, Node(tasks)
        self.service = Controller(folder, self.node)
        self.server = ControllerServer(self.service, "127.0.0.1", 0)
        self.server.start()
        self.client = ControllerClient(self.server.url)
        signer = RawKey(bytes.fromhex(DEVELOPMENT_KEYS[3]))
        self.transactions = TxManager(l1.client, signer, folder / "registrar.sqlite3")
        self.registrar = Registrar(l1.client, l1.settlement(), self.transactions)
        self.worker = TeeWorker(self.client, self.registrar, l1.settlement(), "simulated", "worker")

    def hand_in(self, task: BatchTask) -> None:
        self.client.call("prove_batch", **request_of(task).to_json(), types=["tee"])
        self.service.assembler.assemble()

    def proof(self, index: int) -> dict[str, Any]:
        return self.client.call("get_proof", index=index, type="tee")

    def work(self) -> None:
        """Turns until a batch was worked on; L1 makes a block between them."""
        until = time.monotonic() + 30
        while not self.worker.turn():
            assert time.monotonic() < until, "nothing was worked on"
            self.l1.client.call("anvil_mine", "0x1")

    def check_on_l1(self, index: int) -> bytes:
        """The key that L1 finds behind a proof."""
        found = self.proof(index)
        assert found["status"] == "done", found
        statement = Statement.from_json(found["statement"])
        proof = bytes.fromhex(found["verifierProof"][2:])
        key: bytes = self.l1.verifier.read(self.l1.client, "verify", statement.hash, index, proof)
        return key[12:]

    @property
    def key(self) -> bytes:
        return self.worker.start().identity.enclave

    def close(self) -> None:
        self.worker.kill()
        self.worker.run()
        self.server.stop()
        self.service.queue.close()
        self.transactions.close()


@pytest.fixture(scope="module")
def kept_stand(
    tmp_path_factory: pytest.TempPathFactory, l1: TeeOnL1, tasks: list[BatchTask]
) -> Iterator[Stand]:
    """One for all tests, since every enclave takes seconds to start."""
    stand = Stand(tmp_path_factory.mktemp("prover"), l1, tasks)
    yield stand
    stand.close()


@pytest.fixture
def stand(kept_stand: Stand) -> Stand:
    """Without batches."""
    kept_stand.client.call("range_drop_proofs", first=0, last=9)
    return kept_stand


@pytest.fixture(scope="module")
def allowed(kept_stand: Stand) -> bytes:
    measurement = kept_stand.worker.start().identity.measurement
    kept_stand.l1.allow(measurement)
    return measurement


def test_nothing_is_registered_or_leased_before_the_measurement_is_allowed(
    stand: Stand, tasks: list[BatchTask]
) -> None:
    stand.hand_in(tasks[0])
    with pytest.raises(MeasurementNotAllowedError, match="is not allowed by TEEVerifier"):
        stand.worker.turn()
    assert stand.client.info()["workers"] == []
    assert stand.registrar.record(stand.key) is None
    stand.l1.allow(stand.worker.start().identity.measurement)
    stand.work()
    assert stand.check_on_l1(1) == stand.key


def test_a_key_is_registered_and_batches_are_proven(
    stand: Stand, tasks: list[BatchTask], allowed: bytes
) -> None:
    for task in tasks:
        stand.hand_in(task)
        stand.work()
    assert stand.check_on_l1(1) == stand.check_on_l1(2) == stand.key
    record = stand.registrar.record(stand.key)
    assert record is not None
    assert (record.measurement, record.platform, record.status) == (allowed, 1, 0)
    (worker,) = stand.client.info()["workers"]
    assert (worker["platform"], worker["enclave"]) == ("simulated", f"0x{stand.key.hex()}")
    assert stand.worker.turn() is False


@pytest.mark.usefixtures("allowed")
def test_an_enclave_that_was_killed_is_replaced_with_its_key(stand: Stand, tasks: list[BatchTask]) -> None:
    stand.hand_in(tasks[0])
    stand.work()
    old = stand.check_on_l1(1)
    os.kill(stand.worker.start().pid, 9)
    stand.hand_in(tasks[1])
    with contextlib.suppress(EnclaveError):  # if it is not known to be dead yet
        stand.work()
    if stand.proof(2)["status"] != "done":
        stand.work()
    assert stand.check_on_l1(2) == stand.key != old


@pytest.mark.usefixtures("allowed")
def test_an_enclave_that_dies_over_a_batch_gives_it_back(
    stand: Stand, tasks: list[BatchTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.hand_in(tasks[0])
    fetch = stand.client.task

    def fetch_and_kill(lease: str) -> bytes:
        os.kill(stand.worker.start().pid, 9)
        return fetch(lease)

    monkeypatch.setattr(stand.client, "task", fetch_and_kill)
    with pytest.raises(EnclaveError):
        stand.work()
    assert (stand.proof(1)["status"], stand.proof(1)["attempts"]) == ("queued", 1)
    monkeypatch.undo()
    stand.work()
    assert stand.check_on_l1(1) == stand.key


@pytest.mark.usefixtures("allowed")
def test_a_revoked_key_gives_way_to_another(stand: Stand, tasks: list[BatchTask]) -> None:
    stand.hand_in(tasks[0])
    stand.work()
    old = stand.key
    stand.l1.call(stand.l1.verifier, "revokeKey", old)
    with pytest.raises(KeyRevokedError):
        stand.worker.turn()
    stand.worker._end()  # as ``run`` does
    stand.client.call("re_prove_batch", index=1, types=["tee"])
    stand.service.assembler.assemble()
    stand.work()
    assert stand.check_on_l1(1) == stand.key != old


@pytest.mark.usefixtures("allowed")
def test_a_registrar_without_funds_is_told_of(stand: Stand) -> None:
    address = f"0x{stand.transactions.address.hex()}"
    stand.worker._end()  # the next key is to be paid for
    stand.l1.client.call("anvil_setBalance", address, "0x0")
    with pytest.raises(RegistrationError, match="waits to be admitted"):
        stand.work()
    stand.l1.client.call("anvil_setBalance", address, hex(10**18))
    until = time.monotonic() + 30
    while stand.registrar.record(stand.key) is None:
        assert time.monotonic() < until
        with contextlib.suppress(RegistrationError):
            stand.worker.turn()
        stand.l1.client.call("anvil_mine", "0x1")


@pytest.mark.usefixtures("allowed")
def test_a_key_is_replaced_before_it_expires(stand: Stand, tasks: list[BatchTask]) -> None:
    stand.hand_in(tasks[0])
    stand.work()
    old = stand.key
    record = stand.registrar.record(old)
    assert record is not None
    before = stand.l1.client.call("evm_snapshot")
    stand.l1.pass_time(record.replace_at - stand.registrar.now() + 1)
    stand.hand_in(tasks[1])
    stand.work()
    assert stand.check_on_l1(2) == old  # which goes on until the next is there
    until = time.monotonic() + 30
    while stand.key == old:
        assert time.monotonic() < until
        assert stand.worker.turn() is False
        stand.l1.client.call("anvil_mine", "0x1")
    stand.client.call("re_prove_batch", index=2, types=["tee"])
    stand.service.assembler.assemble()
    stand.work()
    assert stand.check_on_l1(2) == stand.key != old
    stand.l1.client.call("evm_revert", before)


@pytest.mark.usefixtures("allowed")
def test_a_registration_that_a_reorganisation_takes_is_made_again(
    stand: Stand, tasks: list[BatchTask]
) -> None:
    stand.hand_in(tasks[0])
    stand.work()
    height = stand.l1.client.block_number()
    while stand.registrar.record(stand.key) is not None:
        stand.l1.client.call("anvil_reorg", 3, [])
        assert stand.l1.client.block_number() <= height + 5
    stand.hand_in(tasks[1])
    with contextlib.suppress(RegistrationError):  # the quote was over a block that is gone
        stand.work()
    if stand.proof(2)["status"] != "done":
        stand.work()
    assert stand.check_on_l1(2) == stand.key


@pytest.mark.usefixtures("allowed")
def test_a_batch_that_lies_fails_with_the_reason(stand: Stand, tasks: list[BatchTask]) -> None:
    header = replace(tasks[0].header, l1_msg_rolling_hash=b"\1" * 32)
    lie = replace(tasks[0], header=header)
    stand.hand_in(lie)
    stand.work()
    assert stand.proof(1)["status"] == "queued"  # witnesses are fetched anew before it counts
    stand.service.assembler.assemble()
    stand.work()
    found = stand.proof(1)
    assert found["status"] == "failed"
    assert "L1 message rolling hash" in found["error"]
    stand.hand_in(tasks[0])  # it is reverted on L1 and committed as it should be
    stand.work()
    assert stand.check_on_l1(1) == stand.key


@pytest.mark.usefixtures("allowed")
def test_a_wrong_witness_is_fetched_anew(stand: Stand, tasks: list[BatchTask]) -> None:
    first, _ = request_of(tasks[0]).chunks
    right = stand.node.witnesses[first]
    stand.node.witnesses[first] = tasks[1].witnesses[0].encode()
    stand.hand_in(tasks[0])
    stand.work()
    assert stand.proof(1)["status"] == "queued"
    assert not stand.node.again
    stand.node.witnesses[first] = right
    stand.service.assembler.assemble()
    assert stand.node.again
    stand.work()
    assert stand.check_on_l1(1) == stand.key


@pytest.mark.usefixtures("allowed")
def test_it_works_until_it_is_stopped(stand: Stand, tasks: list[BatchTask]) -> None:
    thread = threading.Thread(target=stand.worker.run)
    thread.start()
    try:
        stand.hand_in(tasks[0])
        wait(lambda: stand.proof(1)["status"] == "done", stand)
        pid = stand.worker.start().pid
    finally:
        stand.worker.stop()
        thread.join(30)
    assert not thread.is_alive()
    assert not Path(f"/proc/{pid}").exists()


def test_only_who_started_it_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody: Any = None
    other = TeeWorker(nobody, nobody, nobody, "simulated", "other")
    troubles = [sqlite3.OperationalError("database or disk is full"), ValueError("no quote")]

    def turn() -> bool:
        if troubles:
            raise troubles.pop()
        other.stop()
        return False

    monkeypatch.setattr(other, "turn", turn)
    monkeypatch.setattr(worker, "_PAUSE_AFTER_TROUBLE", 0.0)
    other.run()
    assert not troubles


def test_enclaves_that_end_over_batches_are_replaced_more_and_more_slowly() -> None:
    """Each registers a key, for gas."""
    client: Any = SimpleNamespace(task=lambda lease: b"", call=lambda *verb, **body: {})
    settlement: Any = SimpleNamespace(tee_verifier=bytes(20))
    other = TeeWorker(client, client, settlement, "simulated", "other")

    def prove(verifier: bytes, task: bytes) -> None:
        raise EnclaveError("the enclave ended")

    enclave: Any = SimpleNamespace(prove=prove)
    rests = []
    for _ in range(12):
        rests.append(other.rest)
        with pytest.raises(EnclaveError):
            other._prove(enclave, "lease", 1)
    assert rests[:3] == [2, 4, 8]
    assert rests[-1] == 600


@pytest.mark.usefixtures("allowed")
def test_it_goes_on_when_controller_and_l1_are_back(
    stand: Stand, tasks: list[BatchTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.hand_in(tasks[0])
    with monkeypatch.context() as away:
        away.setattr(stand.worker, "_controller", ControllerClient("http://127.0.0.1:1", timeout=1))
        with pytest.raises(ControllerUnreachableError):
            stand.work()
    with monkeypatch.context() as away:
        away.setattr(stand.registrar, "_client", L1Client("http://127.0.0.1:1", timeout=1))
        with pytest.raises(L1UnreachableError):
            stand.work()
    stand.work()
    assert stand.check_on_l1(1) == stand.key


@pytest.mark.usefixtures("allowed")
def test_a_batch_that_was_replaced_meanwhile_is_reported_to_nobody(
    stand: Stand, tasks: list[BatchTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.hand_in(tasks[0])
    fetch = stand.client.task
    other = replace(tasks[0], header=replace(tasks[0].header, data_hash=b"\1" * 32))

    def fetch_and_replace(lease: str) -> bytes:
        task = fetch(lease)
        stand.client.call("prove_batch", **request_of(other).to_json(), types=["tee"])
        return task

    monkeypatch.setattr(stand.client, "task", fetch_and_replace)
    with pytest.raises(ControllerRefusalError, match="SupersededError"):
        stand.work()
    assert (stand.proof(1)["status"], stand.proof(1)["attempts"]) == ("queued", 0)


def wait(is_there: Callable[[], bool], stand: Stand) -> None:
    until = time.monotonic() + 60
    while not is_there():
        assert time.monotonic() < until
        stand.l1.client.call("anvil_mine", "0x1")
        time.sleep(0.05)
