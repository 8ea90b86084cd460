"""eth_simulateV1 on a node, where it shows more than one block or one call."""

from __future__ import annotations

from typing import Any

import pytest

from rigs.rpc import RpcError

from .conftest import Client

SENDER, LOGGER, REVERTER, MOVED = ("0x" + digits * 20 for digits in ("c1", "c2", "c3", "c4"))
SHA256 = "0x" + "00" * 19 + "02"
TWO_LOGS = "0x5f5fa05f5fa000"
REVERTS = "0x602a5f5260205ffd"
NONE = "0x" + "77" * 20


def simulate(client: Client, *blocks: dict[str, Any], **options: Any) -> list[Any]:
    found: list[Any] = client("eth_simulateV1", {"blockStateCalls": list(blocks)} | options, "latest")
    return found


def call(to: str | None = None, **values: Any) -> dict[str, Any]:
    return {"from": SENDER} | ({} if to is None else {"to": to}) | values


def test_log_indexes_go_on_over_the_block(client: Client) -> None:
    codes = {LOGGER: {"code": TWO_LOGS}, REVERTER: {"code": "0x5f5fa05f5ffd"}}
    first = {"stateOverrides": codes, "calls": [call(LOGGER), call(REVERTER), call(LOGGER)]}
    blocks = simulate(client, first, {"calls": [call(LOGGER)]})
    indexes = [[[int(log["logIndex"], 16) for log in one["logs"]] for one in b["calls"]] for b in blocks]
    assert indexes == [[[0, 1], [], [2, 3]], [[0, 1]]]


def test_log_indexes_with_transfers(client: Client) -> None:
    state = {SENDER: {"balance": hex(10**18)}, LOGGER: {"code": TWO_LOGS}}
    calls = [call(LOGGER, value="0x1"), call(NONE, value="0x1"), call(LOGGER)]
    (block,) = simulate(client, {"stateOverrides": state, "calls": calls}, traceTransfers=True)
    indexes = [[int(log["logIndex"], 16) for log in one["logs"]] for one in block["calls"]]
    assert indexes == [[0, 1, 2], [3], [4, 5]]


def test_what_a_revert_says_stands_in_its_error(client: Client) -> None:
    block = {"stateOverrides": {REVERTER: {"code": REVERTS}}, "calls": [call(REVERTER)]}
    ((answer,),) = [one["calls"] for one in simulate(client, block)]
    assert answer["returnData"] == "0x"
    assert answer["error"]["code"] == 3
    assert answer["error"]["data"] == "0x" + (42).to_bytes(32, "big").hex()
    assert answer["status"] == "0x0"


def test_moved_precompiles_are_back_in_the_next_block(client: Client) -> None:
    move = {"stateOverrides": {SHA256: {"movePrecompileToAddress": MOVED}}}
    calls = {"calls": [call(SHA256, input="0x01"), call(MOVED, input="0x01")]}
    blocks = simulate(client, move | calls, calls)
    outputs = [[one["returnData"] for one in block["calls"]] for block in blocks]
    digest = "0x4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"
    assert outputs == [["0x", digest], [digest, "0x"]]


def test_the_greatest_nonce_wraps_without_validation(client: Client) -> None:
    state = {SENDER: {"nonce": hex(2**64 - 1), "balance": hex(10**18)}}
    block = {"stateOverrides": state, "calls": [call(NONE), call(NONE)]}
    (answer,) = simulate(client, block, returnFullTransactions=True)
    assert [one["status"] for one in answer["calls"]] == ["0x1", "0x1"]
    assert [one["nonce"] for one in answer["transactions"]] == [hex(2**64 - 1), "0x0"]
    with pytest.raises(RpcError) as refused:
        simulate(client, block, validation=True)
    assert refused.value.code == -38011
    text = "err: nonce has max value: address 0xC1C1c1c1C1C1c1c1C1c1C1C1C1c1c1C1C1C1C1C1, nonce: 18446744073709551615"
    assert refused.value.message.lower().startswith(text.lower())
    assert client("eth_call", call(NONE, nonce=hex(2**64 - 1)), "latest") == "0x"


def test_refused_calls_are_told_as_geth_tells_them(client: Client) -> None:
    with pytest.raises(RpcError) as refused:
        simulate(client, {"calls": [call(NONE, gas="0x5207")]})
    assert refused.value.code == -38013
    assert refused.value.message == "err: intrinsic gas too low: have 20999, want 21000 (supplied gas 20999)"


@pytest.mark.parametrize("blocks", [[{}] * 257, [{"blockOverrides": {"number": hex(10**6)}}]])
def test_too_many_blocks(client: Client, blocks: list[dict[str, Any]]) -> None:
    with pytest.raises(RpcError, match="too many blocks") as refused:
        simulate(client, *blocks)
    assert refused.value.code == -38026
