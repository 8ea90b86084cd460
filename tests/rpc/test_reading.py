"""Blocks, transactions, receipts, state, fees and the pool over HTTP."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from jovay.chain.types import ChainParameters, Fork
from jovay.rpc.backend.chain import BlockTag, Finality
from jovay.rpc.methods.config import fork_id
from rigs.rpc import Rpc, RpcError
from rigs.transactions import keccak256, sign
from rpc.memory_backend import CHAIN_ID, MemoryBackend
from rpc.serving import ALICE, ALICE_KEY, BOB, Served, transfer


def x(value: bytes) -> str:
    return "0x" + value.hex()


def test_send_and_read_back(rpc: Rpc, backend: MemoryBackend) -> None:
    raw = transfer(0, value=5)
    digest = x(keccak256(raw))
    assert rpc.call("eth_sendRawTransaction", x(raw)) == digest
    assert rpc.call("eth_blockNumber") == "0x1"
    receipt = rpc.call("eth_getTransactionReceipt", digest)
    assert (receipt["status"], receipt["from"], receipt["to"]) == ("0x1", x(ALICE), x(BOB))
    assert rpc.call("eth_getBlockReceipts", "latest") == [receipt]
    found = rpc.call("eth_getTransactionByHash", digest)
    assert (found["blockNumber"], found["transactionIndex"]) == ("0x1", "0x0")
    block_hash = x(backend.blocks[1].header.hash)
    for place in (
        ("eth_getTransactionByBlockNumberAndIndex", "0x1"),
        ("eth_getTransactionByBlockHashAndIndex", block_hash),
    ):
        assert rpc.call(*place, "0x0") == found
        assert rpc.call(*place, "0x1") is None
    for method, *params in (
        ("eth_getRawTransactionByHash", digest),
        ("eth_getRawTransactionByBlockNumberAndIndex", "0x1", "0x0"),
        ("eth_getRawTransactionByBlockHashAndIndex", block_hash, "0x0"),
        ("debug_getRawTransaction", digest),
    ):
        assert rpc.call(method, *params) == x(raw)


def test_unknown_things_are_null(rpc: Rpc) -> None:
    nowhere = x(b"\1" * 32)
    for method, *params in (
        ("eth_getBlockByNumber", "0x99", False),
        ("eth_getBlockByHash", nowhere, True),
        ("eth_getHeaderByNumber", "0x99"),
        ("eth_getHeaderByHash", nowhere),
        ("eth_getTransactionByHash", nowhere),
        ("eth_getTransactionReceipt", nowhere),
        ("eth_getBlockReceipts", nowhere),
        ("eth_getBlockTransactionCountByHash", nowhere),
        ("eth_getBlockTransactionCountByNumber", "0x99"),
        ("eth_getUncleCountByBlockNumber", "0x99"),
        ("eth_getUncleByBlockNumberAndIndex", "0x0", "0x0"),
        ("eth_getUncleByBlockHashAndIndex", nowhere, "0x0"),
        ("eth_getTransactionByBlockNumberAndIndex", "0x99", "0x0"),
        ("eth_getRawTransactionByHash", nowhere),
        ("jovay_getFinality", nowhere),
    ):
        assert rpc.call(method, *params) is None, method


def test_blocks(rpc: Rpc, backend: MemoryBackend) -> None:
    rpc.batch([("eth_sendRawTransaction", [x(transfer(nonce))]) for nonce in range(3)])
    number = hex(backend.head())
    short, full = (rpc.call("eth_getBlockByNumber", number, whole) for whole in (False, True))
    assert [one["hash"] for one in full["transactions"]] == short["transactions"]
    assert len(short["transactions"]) == 3
    assert {**full, "transactions": 0} == {**short, "transactions": 0}
    assert rpc.call("eth_getBlockByHash", short["hash"], False) == short
    header = rpc.call("eth_getHeaderByNumber", number)
    assert header == {name: short[name] for name in header}
    assert set(short) - set(header) == {"size", "transactions", "uncles", "withdrawals"}
    assert rpc.call("eth_getHeaderByHash", short["hash"]) == header
    assert rpc.call("eth_getBlockTransactionCountByNumber", "latest") == "0x3"
    assert rpc.call("eth_getUncleCountByBlockHash", short["hash"]) == "0x0"
    assert (short["uncles"], short["withdrawals"], short["difficulty"]) == ([], [], "0x0")


def test_tags(rpc: Rpc, backend: MemoryBackend) -> None:
    for _ in range(5):
        backend.seal()
    backend.tags |= {BlockTag.SAFE: 3, BlockTag.FINALIZED: 2}
    tags = {"earliest": 0, "finalized": 2, "safe": 3, "latest": 5, "pending": 5}
    for tag, number in tags.items():
        assert rpc.call("eth_getHeaderByNumber", tag)["number"] == hex(number)
    del backend.tags[BlockTag.SAFE]
    with pytest.raises(RpcError, match="safe block not found"):
        rpc.call("eth_getBlockByNumber", "safe", False)
    for bad, text in (
        ("newest", "hex string without 0x prefix"),
        ("0x", 'hex string "0x"'),
        ("0x8000000000000000", "block number larger than int64"),
        (5, "hex string without 0x prefix"),
    ):
        with pytest.raises(RpcError, match=text):
            rpc.call("eth_getBlockByNumber", bad, False)


def test_state_at_blocks(rpc: Rpc, backend: MemoryBackend) -> None:
    rpc.call("eth_sendRawTransaction", x(transfer(0, value=5)))
    rpc.call("eth_sendRawTransaction", x(transfer(1, value=7)))
    first = x(backend.blocks[1].header.hash)
    for block, gained in (
        ("0x0", 0),
        ("earliest", 0),
        ("0x1", 5),
        (first, 5),
        ({"blockHash": first}, 5),
        ({"blockHash": first, "requireCanonical": True}, 5),
        ({"blockNumber": "0x1"}, 5),
        ("latest", 12),
        (None, 12),
    ):
        assert rpc.call("eth_getBalance", x(BOB), block) == hex(10**21 + gained)
    assert rpc.call("eth_getBalance", x(BOB)) == hex(10**21 + 12)
    for bad in ({}, {"blockHash": first, "blockNumber": "0x1"}, {"blockHash": "0x12"}, [], True):
        with pytest.raises(RpcError) as refused:
            rpc.call("eth_getBalance", x(BOB), bad)
        assert refused.value.code == -32602


def test_accounts_code_and_storage(rpc: Rpc, backend: MemoryBackend) -> None:
    state = backend.states[-1]
    state.code[BOB] = b"\x60\x01"
    state.storage[BOB, 1 << 255] = 7
    slot = "0x8" + "0" * 63
    word = "0x" + "7".zfill(64)
    assert rpc.call("eth_getCode", x(BOB)) == "0x6001"
    assert rpc.call("eth_getCode", x(ALICE)) == "0x"
    for key in (slot, slot[2:], slot.replace("0x", "0X")):
        assert rpc.call("eth_getStorageAt", x(BOB), key, "latest") == word
    assert rpc.call("eth_getStorageAt", x(BOB), "0x1") == "0x" + "0" * 64
    assert rpc.call("eth_getStorageValues", {x(BOB): [slot, x(bytes(32))]}) == {x(BOB): [word, x(bytes(32))]}
    assert rpc.call("eth_getAccountInfo", x(BOB)) == {
        "balance": hex(10**21),
        "nonce": "0x0",
        "code": "0x6001",
    }
    account = rpc.call("eth_getAccount", x(BOB))
    assert set(account) == {"codeHash", "storageRoot", "balance", "nonce"}
    proof = rpc.call("eth_getProof", x(BOB), ["0x1", slot])
    assert [one["key"] for one in proof["storageProof"]] == ["0x1", slot]
    assert proof["storageProof"][1]["value"] == "0x7"
    assert (proof["accountProof"], proof["scheme"]) == ([x(b"node")], "none")
    ours = rpc.call("jovay_getProof", x(BOB), [slot], "latest")
    assert ours["storageProof"] == [{"key": slot, "value": word, "proof": [x(b"leaf")]}]
    for bad in ("0x" + "1" * 65, "zz"):
        with pytest.raises(RpcError, match="storage key"):
            rpc.call("eth_getStorageAt", x(BOB), bad)
    with pytest.raises(RpcError, match="too many storage keys requested"):
        rpc.call("eth_getProof", x(BOB), ["0x1"] * 1_025)
    with pytest.raises(RpcError, match="empty request"):
        rpc.call("eth_getStorageValues", {x(BOB): []})
    with pytest.raises(RpcError, match="too many slots"):
        rpc.call("eth_getStorageValues", {x(BOB): [x(bytes(32))] * 1_025})


def test_pool(rpc: Rpc, backend: MemoryBackend) -> None:
    backend.automine = False
    raws = [transfer(0), transfer(1)]
    for raw in raws:
        rpc.call("eth_sendRawTransaction", x(raw))
    assert rpc.call("eth_getTransactionCount", x(ALICE), "latest") == "0x0"
    assert rpc.call("eth_getTransactionCount", x(ALICE), "pending") == "0x2"
    assert rpc.call("txpool_status") == {"pending": "0x2", "queued": "0x0"}
    content = rpc.call("txpool_content")
    alice, bob = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    assert list(content["pending"]) == [alice]  # EIP-55, as geth gives it
    assert list(content["pending"][alice]) == ["0", "1"]
    assert content["pending"][alice]["1"]["hash"] == x(keccak256(raws[1]))
    assert rpc.call("txpool_contentFrom", x(ALICE))["pending"] == content["pending"][alice]
    assert rpc.call("txpool_contentFrom", x(BOB)) == {"pending": {}, "queued": {}}
    text = f"{bob}: 1 wei + 100000 gas × 100 wei"
    assert rpc.call("txpool_inspect")["pending"][alice]["0"] == text
    waiting = rpc.call("eth_getTransactionByHash", x(keccak256(raws[0])))
    absent = ("blockHash", "blockNumber", "blockTimestamp", "transactionIndex")
    assert [waiting[name] for name in absent] == [None] * 4
    assert waiting["gasPrice"] == waiting["maxFeePerGas"] == "0x64"
    assert rpc.call("eth_getTransactionReceipt", x(keccak256(raws[0]))) is None


def test_legacy_and_protected(rpc: Rpc) -> None:
    for nonce, chain in ((0, None), (1, CHAIN_ID)):
        raw = sign(0, [nonce, 100, 21_000, BOB, 1, b""], ALICE_KEY, chain)
        digest = rpc.call("eth_sendRawTransaction", x(raw))
        found = rpc.call("eth_getTransactionByHash", digest)
        assert ("chainId" in found) == (chain is not None)
        assert "yParity" not in found
        v = int(found["v"], 16)
        assert v in ((27, 28) if chain is None else (35 + 2 * CHAIN_ID, 36 + 2 * CHAIN_ID))


def test_fees(rpc: Rpc, backend: MemoryBackend) -> None:
    assert rpc.call("eth_gasPrice") == "0xa"
    assert rpc.call("eth_maxPriorityFeePerGas") == "0x3"
    assert rpc.call("eth_blobBaseFee") == "0x1"
    for nonce in range(3):
        rpc.call("eth_sendRawTransaction", x(transfer(nonce)))
    history = rpc.call("eth_feeHistory", "0x2", "latest", [0, 50, 100])
    assert history["oldestBlock"] == "0x2"
    assert history["baseFeePerGas"] == ["0x7"] * 3
    assert history["baseFeePerBlobGas"] == ["0x1"] * 3
    assert history["gasUsedRatio"] == [21_000 / 30_000_000] * 2
    assert history["blobGasUsedRatio"] == [0.0, 0.0]
    assert history["reward"] == [["0x2"] * 3] * 2
    assert "reward" not in rpc.call("eth_feeHistory", 1, "latest")
    assert rpc.call("eth_feeHistory", 4, "0x3", None)["oldestBlock"] == "0x0"
    assert rpc.call("eth_feeHistory", 99, "0x1")["baseFeePerGas"] == ["0x7"] * 3
    assert rpc.call("eth_feeHistory", 0, "latest") == {"oldestBlock": "0x0", "gasUsedRatio": None}
    for params, text in (
        ([1, "0x9"], "request beyond head block: requested 9, head 3"),
        ([1, "latest", [101]], "invalid reward percentile: 101.000000"),
        ([1, "latest", [50, 20]], "invalid reward percentile: #0:50.000000 >= #1:20.000000"),
        ([1, "latest", ["5"]], "cannot unmarshal string"),
    ):
        with pytest.raises(RpcError, match=text):
            rpc.call("eth_feeHistory", *params)


def test_percentiles_follow_gas(rpc: Rpc, backend: MemoryBackend) -> None:
    backend.automine = False
    for nonce, tip in enumerate((5, 1, 3)):
        raw = sign(2, [CHAIN_ID, nonce, tip, 100, 30_000, BOB, 1, b"", []], ALICE_KEY)
        rpc.call("eth_sendRawTransaction", x(raw))
    backend.seal()
    rewards = rpc.call("eth_feeHistory", 1, "latest", [0, 33, 34, 67, 100])["reward"]
    assert rewards == [["0x1", "0x1", "0x3", "0x5", "0x5"]]


def test_network(rpc: Rpc) -> None:
    assert rpc.call("net_version") == str(CHAIN_ID)
    assert rpc.call("net_listening") is True
    assert rpc.call("net_peerCount") == "0x0"
    assert rpc.call("web3_clientVersion") == "memory/v0"
    assert rpc.call("web3_sha3", "0x1234") == x(keccak256(b"\x12\x34"))
    assert rpc.call("eth_syncing") is False
    assert rpc.call("eth_coinbase") == x(b"\xcb" * 20)
    assert set(rpc.call("rpc_modules")) >= {"eth", "net", "web3", "debug", "txpool"}
    assert "anvil" not in rpc.call("rpc_modules")
    assert rpc.call("eth_accounts") == []
    with pytest.raises(RpcError, match="unknown account"):
        rpc.call("eth_sendTransaction", {"from": x(ALICE), "to": x(BOB)})


def test_config(rpc: Rpc) -> None:
    found = rpc.call("eth_config")
    current = found["current"]
    assert current["activationTime"] == 0
    assert current["blobSchedule"] == {"baseFeeUpdateFraction": 5_007_716, "max": 9, "target": 6}
    assert (current["chainId"], list(current["precompiles"])) == ("0x539", ["ECREC", "SHA256"])
    assert found["next"] == found["last"]
    assert found["next"]["activationTime"] == 1 << 40
    assert found["next"]["forkId"] != current["forkId"]


def test_fork_ids_of_hoodi() -> None:
    """The sample values of EIP-7910."""
    hoodi = bytes.fromhex("bbe312868b376a3001692a646dd2d7d1e4406380dfd86b98aa8a34d1557c971b")
    forks = (Fork(name="Cancun", activation_time=0), Fork(name="Prague", activation_time=1742999832))
    chain = ChainParameters(chain_id=560048, forks=forks, genesis_hash=hoodi)
    assert [fork_id(chain, position).hex() for position in (0, 1)] == ["bef71d30", "0929e24e"]


def test_raw_encodings(rpc: Rpc) -> None:
    digest = rpc.call("eth_sendRawTransaction", x(transfer(0)))
    assert rpc.call("debug_getRawHeader", "0x1") == x(b"header1")
    assert rpc.call("debug_getRawBlock", "latest") == x(b"block1")
    assert rpc.call("debug_getRawReceipts", "0x1") == [x(b"receipt") + digest[2:]]
    assert rpc.call("debug_getBadBlocks") == []
    with pytest.raises(RpcError, match="block #153 not found"):
        rpc.call("debug_getRawBlock", "0x99")


def test_finality(rpc: Rpc, backend: MemoryBackend) -> None:
    digest = rpc.call("eth_sendRawTransaction", x(transfer(0)))
    first = rpc.call("jovay_getFinality", digest)
    assert (first["stage"], first["status"], first["batchIndex"], first["tee"]) == (1, "executed", None, None)

    def finality(number: int) -> Finality:
        return Finality(stage=2, block_number=number, batch_index=4, tee_transaction=b"\1" * 32, tee_time=9)

    backend.finality = finality  # type: ignore[method-assign]
    second = rpc.call("jovay_getFinality", digest)
    assert (second["stage"], second["status"], second["batchIndex"]) == (2, "attested", "0x4")
    assert second["tee"] == {"transactionHash": x(b"\1" * 32), "timestamp": "0x9"}


def test_send_and_wait(rpc: Rpc, backend: MemoryBackend) -> None:
    raw = transfer(0)
    receipt = rpc.call("eth_sendRawTransactionSync", x(raw))
    assert receipt == rpc.call("eth_getTransactionReceipt", x(keccak256(raw)))
    backend.automine = False
    late = transfer(1)
    threading.Timer(0.3, backend.seal).start()
    begun = time.monotonic()
    assert rpc.call("eth_sendRawTransactionSync", x(late), 5_000)["blockNumber"] == "0x2"
    assert 0.2 < time.monotonic() - begun < 3


def test_send_and_wait_errors(rpc: Rpc, backend: MemoryBackend) -> None:
    backend.automine = False
    raw = transfer(0)
    with pytest.raises(RpcError, match=r"wasn't processed in 0.05s") as late:
        rpc.call("eth_sendRawTransactionSync", x(raw), 50)
    assert (late.value.code, late.value.data) == (4, x(keccak256(raw)))
    with pytest.raises(RpcError, match="nonce too high") as gap:
        rpc.call("eth_sendRawTransactionSync", x(transfer(5)))
    assert (gap.value.code, gap.value.data) == (6, "0x1")
    poor = transfer(1, value=10**30)
    with pytest.raises(RpcError, match="insufficient funds") as broke:
        rpc.call("eth_sendRawTransactionSync", x(poor))
    assert (broke.value.code, broke.value.data) == (5, x(keccak256(poor)))
    with pytest.raises(RpcError, match="rlp") as malformed:
        rpc.call("eth_sendRawTransactionSync", "0x02c0")
    assert malformed.value.code == -32000


def test_many_wait_for_one_block(served: Served, backend: MemoryBackend) -> None:
    backend.automine = False
    raws = [transfer(nonce) for nonce in range(50)]
    answers: list[Any] = []

    def wait(raw: bytes) -> None:
        client = served.rpc()
        answers.append(client.call("eth_sendRawTransactionSync", x(raw), 20_000))
        client.close()

    threads = []
    for nonce, raw in enumerate(raws):
        threads.append(threading.Thread(target=wait, args=(raw,)))
        threads[-1].start()
        while backend.status().pending <= nonce:
            time.sleep(0.001)
    backend.seal()
    for thread in threads:
        thread.join(20)
    assert {one["transactionHash"] for one in answers} == {x(keccak256(raw)) for raw in raws}
    assert not served.server._services.hub._waiters


def test_fill_transaction(rpc: Rpc) -> None:
    filled = rpc.call("eth_fillTransaction", {"from": x(ALICE), "to": x(BOB), "value": "0x5"})
    made = filled["tx"]
    assert (made["type"], made["nonce"], made["gas"], made["value"]) == ("0x2", "0x0", "0x5208", "0x5")
    # Tip 3, and twice the base fee of 7 on top.
    assert (made["maxPriorityFeePerGas"], made["maxFeePerGas"], made["gasPrice"]) == ("0x3", "0x11", None)
    assert (made["chainId"], made["accessList"], made["v"], made["r"]) == ("0x539", [], "0x0", "0x0")
    raw = bytes.fromhex(filled["raw"][2:])
    assert made["hash"] == x(keccak256(raw))
    legacy = rpc.call("eth_fillTransaction", {"from": x(ALICE), "to": x(BOB), "gasPrice": "0x9"})["tx"]
    assert (legacy["type"], legacy["gasPrice"], "maxFeePerGas" in legacy) == ("0x0", "0x9", False)
    listed = {"to": x(BOB), "gasPrice": "0x9", "accessList": [{"address": x(BOB), "storageKeys": []}]}
    assert rpc.call("eth_fillTransaction", listed)["tx"]["type"] == "0x1"
    for bad, text in (
        ({}, "contract creation without any data provided"),
        ({"to": x(BOB), "gasPrice": "0x0"}, "gasPrice must be non-zero"),
        ({"to": x(BOB), "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}, r"maxFeePerGas \(1\) <"),
        ({"to": x(BOB), "data": "0x01", "input": "0x02"}, 'both "data" and "input"'),
        ({"to": x(BOB), "chainId": "0x1"}, "chainId does not match"),
    ):
        with pytest.raises(RpcError, match=text):
            rpc.call("eth_fillTransaction", bad)


def test_the_answer_is_plain_json(rpc: Rpc) -> None:
    """Every form survives a strict parser and holds no floats where quantities belong."""
    rpc.call("eth_sendRawTransaction", x(transfer(0)))
    block = rpc.call("eth_getBlockByNumber", "latest", True)
    assert json.loads(json.dumps(block)) == block
    leaves = [value for one in (block, *block["transactions"]) for value in one.values()]
    assert not any(isinstance(value, int | float) and not isinstance(value, bool) for value in leaves)
