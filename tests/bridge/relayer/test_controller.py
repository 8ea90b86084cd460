"""The relayer's side of the prover controller, against the controller itself."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from jovay.bridge.errors import ControllerRefusalError, ControllerUnreachableError
from jovay.bridge.l1.batches import GENESIS_BATCH
from jovay.bridge.l1.record import Kind
from jovay.bridge.relayer.controller import Controller, Proof, Unproven
from jovay.bridge.relayer.store import Batch, RawData
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.statement import Statement
from jovay.chain.settlement import Settlement
from jovay.prover.controller.server import ControllerServer
from jovay.prover.controller.service import Controller as Service
from rigs.anvil import CHAIN_ID
from rigs.relayed_l1 import CONFIG

PLACES = "rollup l1_mailbox l1_eth_bridge l1_erc20_bridge escape_hatch tee_verifier tee_collateral timelock".split()
SETTLEMENT = Settlement(
    l1_chain_id=CHAIN_ID, deployed_at=1, config=CONFIG, **dict.fromkeys(PLACES, b"\1" * 20)
)


class NoWitnesses:
    """A node that does not answer yet."""

    def call(self, method: str, *params: Any) -> Any:
        raise AssertionError(method)


def batch(salt: bytes = b"") -> Batch:
    da = DaData.of(2, b"payload" + salt)
    header = BatchHeader(2, 1, bytes(32), da.digest, GENESIS_BATCH.hash)
    return Batch(RawData(header, da, ()), ((1, 4), (5, 5)), 0, b"\5" * 32, 77)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    service = Service(tmp_path, NoWitnesses())
    server = ControllerServer(service, "127.0.0.1", 0)
    server.start()
    yield server.url
    server.stop()
    service.queue.close()


def test_a_batch_is_handed_over_and_its_proof_comes_back(url: str) -> None:
    controller, given = Controller(url, SETTLEMENT), batch()
    assert controller.proof(given, Kind.TEE) == Unproven(known=False)
    for _ in range(2):
        controller.prove(given, GENESIS_BATCH, [Kind.TEE])
    assert controller.proof(given, Kind.TEE) == Unproven()
    assert controller.proof(given, Kind.ZK) == Unproven(known=False)

    stated = Statement(
        CHAIN_ID, SETTLEMENT.rollup, CONFIG.chain_id, CONFIG.hash, GENESIS_BATCH.hash, given.hash, b"\1" * 32,
        b"\2" * 32, b"\3" * 32, b"\4" * 32, 77, bytes(32), given.raw.da.digest, [],
    )  # fmt: skip
    report = {"index": 1, "type": "tee", "worker": "w", "statement": stated.to_json(), "proof": "0xabcd"}
    assert httpx.post(f"{url}/report_proof", json=report).json() == {"status": "done"}
    assert controller.proof(given, Kind.TEE) == Proof(stated, b"\xab\xcd")
    controller.prove_again(given, Kind.TEE)
    assert controller.proof(given, Kind.TEE) == Unproven()
    # another batch under the same number
    controller.prove(batch(b"!"), GENESIS_BATCH, [Kind.TEE])
    assert controller.proof(given, Kind.TEE) == Unproven()


def test_what_the_controller_refuses_or_does_not_answer(url: str) -> None:
    with pytest.raises(ControllerRefusalError, match="without chunks"):
        Controller(url, SETTLEMENT).prove(replace(batch(), chunks=()), GENESIS_BATCH, [Kind.TEE])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ControllerUnreachableError):
        Controller(f"http://127.0.0.1:{port}", SETTLEMENT).proof(batch(), Kind.TEE)
