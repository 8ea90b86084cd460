"""Reading L1 on anvil: messages, batches and claims as they stand, through reverts and reorganisations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from jovay.bridge.errors import L1AnswerError
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.data import BeaconNode, RawDataSource, fetch, is_published
from jovay.bridge.l1.following_errors import DataUnavailableError, WrongContractsError
from jovay.bridge.l1.reader import FINALIZED, L1Reader
from jovay.bridge.l1.record import Kind, L1Record
from jovay.bridge.l1.records import L1Block
from jovay.bridge.wire.blobs import to_blobs
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.l1_message import L1Message
from rigs.anvil import anvil
from rigs.paths import MissingToolError
from rigs.rollup_scene import CONFIG, GENESIS_HASH, GENESIS_ROOT, MESSAGE_GAS, PROVER, RollupScene

DA = DaData.of(2, b"payload" * 10_000)


@pytest.fixture(scope="module")
def scene() -> Iterator[RollupScene]:
    try:
        with anvil(extra=["--slots-in-an-epoch", "1"]) as node:
            yield RollupScene(node.url)
    except MissingToolError as missing:
        pytest.skip(str(missing))


@pytest.fixture(autouse=True)
def as_it_was(scene: RollupScene) -> Iterator[None]:
    snapshot = scene.client.call("evm_snapshot")
    yield
    scene.client.call("evm_revert", snapshot)


def reader(scene: RollupScene, path: Path | None = None, confirmations: int | None = 0) -> L1Reader:
    return L1Reader(scene.client, scene.settlement, L1Record(path), confirmations)


def output(scene: RollupScene, n: int) -> tuple[bytes, bytes, bytes, int]:
    return bytes((n,)) * 32, bytes(32), bytes((n + 1,)) * 32, scene.now() * 1000


def test_the_genesis_must_be_that_of_the_contracts(scene: RollupScene) -> None:
    good = reader(scene)
    good.check(GENESIS_ROOT, GENESIS_HASH)
    with pytest.raises(WrongContractsError, match="genesis state root"):
        good.check(GENESIS_HASH, GENESIS_HASH)
    with pytest.raises(WrongContractsError, match="genesis block hash"):
        good.check(GENESIS_ROOT, GENESIS_ROOT)
    genesis = GENESIS_ROOT, GENESIS_HASH
    for changes in (
        {"l1_chain_id": 1},
        {"l1_mailbox": b"\x05" * 20},
        {"config": replace(CONFIG, chain_id=9)},
    ):
        settlement = replace(scene.settlement, **changes)  # type: ignore[arg-type]
        with pytest.raises(WrongContractsError):
            L1Reader(scene.client, settlement, L1Record(None), 0, genesis).step()


def test_messages_are_the_transactions_of_l2(scene: RollupScene) -> None:
    for n in range(3):
        scene.message(b"call %d" % n, value=n)
    found = reader(scene)
    assert not found.step()
    expected = [
        L1Message(scene.me, b"\x0d" * 20, n, n, b"call %d" % n, MESSAGE_GAS, scene.me).transaction()
        for n in range(3)
    ]
    assert found.record.messages(0) == expected
    assert found.record.messages(1, 1) == expected[1:2]
    for count in range(4):
        assert found.record.rolling_hash(count) == scene.mailbox.read(scene.client, "getMsg", count)


@pytest.mark.parametrize("in_blobs", [True, False])
def test_batches_and_their_data(scene: RollupScene, in_blobs: bool) -> None:
    scene.message(b"one")
    header = scene.commit(DA, 1, in_blobs)
    found = reader(scene)
    found.step()
    batch = found.record.batch(1)
    assert batch is not None
    assert batch.header == header
    assert batch.l1_messages == 1
    assert bool(batch.versioned_hashes) == in_blobs
    assert bool(batch.calldata) != in_blobs
    assert fetch(batch, [BeaconNode(scene.client.name)] if in_blobs else []) == DA


def test_data_that_nobody_gives(scene: RollupScene) -> None:
    scene.commit(DA, 0)
    found = reader(scene)
    found.step()
    batch = found.record.batch(1)
    assert batch is not None
    nowhere = RawDataSource("http://127.0.0.1:9")
    with pytest.raises(DataUnavailableError, match="no answer"):
        fetch(batch, [nowhere])
    assert fetch(batch, [nowhere, BeaconNode(scene.client.name)]) == DA
    blobs = to_blobs(DA)
    assert is_published(blobs, batch.versioned_hashes)
    wrong = [bytes((0, 1)) + blobs[0][2:]]
    for given in ([], blobs * 2, [blobs[0][:-1]], [b"\xff" + blobs[0][1:]], wrong):
        assert not is_published(given, batch.versioned_hashes)


def test_claims_and_finality(scene: RollupScene) -> None:
    found = reader(scene)
    header = scene.commit(DA, 0)
    scene.claim(Kind.TEE, header, DA, output(scene, 3))
    found.step()
    claim = found.record.claim(Kind.TEE, 1)
    assert claim is not None
    assert claim.state_root == b"\3" * 32
    assert found.record.claim(Kind.ZK, 1) is None
    assert found.record.claim(Kind.FINAL, 1) is None
    said = scene.rollup.read(scene.client, "claim", int(Kind.TEE), 1)[1]
    scene.claim(Kind.ZK, header, DA, said)
    found.step()
    assert found.record.claim(Kind.FINAL, 1) is not None
    assert found.finalized < (found.record.claim(Kind.FINAL, 1) or claim).block
    scene.mine(3)
    found.step()
    assert found.finalized >= (found.record.claim(Kind.FINAL, 1) or claim).block


def test_reverted_batches_and_what_follows(scene: RollupScene) -> None:
    found = reader(scene)
    headers = [scene.commit(DA, 0, in_blobs=n % 2 == 0) for n in range(3)]
    scene.claim(Kind.TEE, headers[0], DA, output(scene, 3))
    scene.claim(Kind.TEE, headers[1], DA, output(scene, 4), in_blobs=False)
    found.step()
    assert found.record.last_batch == 3
    scene.call(scene.rollup, "revertBatches", 1)
    other = DaData.of(2, b"other" * 100)
    header = scene.commit(other, 0)
    found.step()
    batch = found.record.batch(2)
    assert found.record.last_batch == 2
    assert batch is not None
    assert batch.header == header != headers[1]
    assert found.record.claim(Kind.TEE, 1) is not None
    assert found.record.claim(Kind.TEE, 2) is None


def test_voided_claims(scene: RollupScene) -> None:
    found = reader(scene)
    header = scene.commit(DA, 0)
    scene.claim(Kind.TEE, header, DA, output(scene, 3))
    found.step()
    scene.send(scene.verifier, keccak(text="revoke(bytes32)")[:4] + PROVER)
    scene.call(scene.rollup, "voidClaims", int(Kind.TEE), 1)
    found.step()
    assert found.record.claim(Kind.TEE, 1) is None
    assert found.record.batch(1) is not None


def test_scheduled_rules(scene: RollupScene) -> None:
    found = reader(scene)
    for first, config_hash in ((5, b"\5" * 32), (9, b"\x09" * 32), (7, b"\7" * 32)):
        scene.call(scene.rollup, "scheduleRules", first, (config_hash, scene.verifier, bytes(20), bytes(32)))
    found.step()
    hashes = [found.record.config_hash(index) for index in range(12)]
    assert hashes == [CONFIG.hash] * 5 + [b"\5" * 32] * 2 + [b"\7" * 32] * 5


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 8, 32])
def test_a_reorganisation(scene: RollupScene, tmp_path: Path, depth: int) -> None:
    """Whatever L1 takes back, what stands then is what a new reader finds."""
    found = reader(scene, tmp_path / "l1")
    scene.mine(30)
    scene.message(b"one")
    headers = [scene.commit(DA, n, in_blobs=False) for n in range(2)]
    scene.claim(Kind.TEE, headers[0], DA, output(scene, 3), in_blobs=False)
    scene.call(scene.rollup, "revertBatches", 1)
    scene.message(b"two")
    while found.step():
        pass
    before = found.record.newest()
    scene.reorganise(depth)
    scene.mine()
    again = L1Reader(L1Client(scene.client.name), scene.settlement, L1Record(tmp_path / "l1"), 0)
    fresh = reader(scene)
    for one in (again, fresh):
        one.step()
    assert before is not None
    assert (newest := again.record.newest())
    assert newest.number == before.number + 1
    for record in (again.record, found.record):
        assert record.message_count == fresh.record.message_count == int(depth < 6)
        assert record.last_batch == fresh.record.last_batch
        for index in range(3):
            assert record.batch(index) == fresh.record.batch(index)
            assert record.claim(Kind.TEE, index) == fresh.record.claim(Kind.TEE, index)


def test_what_is_not_confirmed_is_not_read(scene: RollupScene) -> None:
    careful, strict = reader(scene, confirmations=2), reader(scene, confirmations=FINALIZED)
    scene.message(b"one")
    for one in (careful, strict):
        one.step()
        assert one.record.message_count == 0
    scene.mine(2)
    for one in (careful, strict):
        one.step()
        assert one.record.message_count == 1


def test_a_server_that_is_behind_takes_nothing_back(scene: RollupScene) -> None:
    """Of two servers behind one address, one may not have the newest blocks yet."""
    found = reader(scene)
    scene.mine(3)
    snapshot = scene.client.call("evm_snapshot")
    scene.message(b"one")
    found.step()
    newest = found.record.newest()
    scene.client.call("evm_revert", snapshot)
    with pytest.raises(L1AnswerError, match="newest block"):
        found.step()
    assert (found.record.message_count, found.record.newest()) == (1, newest)
    scene.mine(2)
    assert not found.step()
    assert found.record.message_count == 0


def test_what_changes_while_it_is_read_is_not_taken(
    scene: RollupScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = reader(scene)
    scene.message(b"one")
    block, asked = found.client.block, []

    def changing(where: int | str | bytes = "latest") -> L1Block | None:
        asked.append(where)
        answer = block(where)
        assert answer is not None
        return replace(answer, hash=b"\x99" * 32) if asked.count(where) > 1 else answer

    monkeypatch.setattr(found.client, "block", changing)
    with pytest.raises(L1AnswerError, match="while they were read"):
        found.step()
    assert found.record.newest() is None
    monkeypatch.undo()
    found.step()
    assert found.record.message_count == 1
