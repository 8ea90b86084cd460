"""L1 and Python find the same hashes: of messages and their queue, of batches in blobs and in calldata."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.l1_message import L1Message, rolling_hash
from rigs.anvil import anvil
from rigs.paths import MissingToolError
from rigs.rollup_scene import MESSAGE_GAS, RollupScene

TARGET, ETHER = b"\x0d" * 20, 10**18


@pytest.fixture(scope="module")
def scene() -> Iterator[RollupScene]:
    try:
        with anvil() as node:
            yield RollupScene(node.url)
    except MissingToolError as missing:
        pytest.skip(str(missing))


def test_messages_and_batches_have_the_hashes_that_python_finds(scene: RollupScene) -> None:
    message = L1Message(scene.me, TARGET, ETHER, 0, b"call", MESSAGE_GAS, scene.me)
    logs = scene.message(b"call", TARGET, ETHER).logs
    (sent,) = (event for event in map(scene.mailbox.event, logs) if event and event.name == "SentMsg")
    assert sent.args["hash"] == message.hash
    assert message.transaction().endswith(sent.args["msg"])
    rolled = rolling_hash([message.hash])
    assert scene.mailbox.read(scene.client, "getMsg", 1) == rolled

    genesis = BatchHeader(0, 0, bytes(32), bytes(32), bytes(32))
    first = scene.commit(DaData(0, b"payload" * 10_000), 1)
    assert (first.l1_msg_rolling_hash, first.parent_batch_hash) == (rolled, genesis.hash)
    assert scene.rollup.read(scene.client, "committedBatches", 1) == first.hash
    assert scene.rollup.read(scene.client, "batch", 1)[4] == 1

    calldata = DaData(1, b"\x02" + (3).to_bytes(3, "big") + b"abc")
    second = scene.commit(calldata, 1, in_blobs=False)
    assert (second.data_hash, second.parent_batch_hash) == (calldata.digest, first.hash)
    assert scene.rollup.read(scene.client, "committedBatches", 2) == second.hash
