"""web3.py against anvil and against our node; also what only raw answers show, such as header hashes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import keccak, to_checksum_address
from rlp import encode as rlp_encode
from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.contract import Contract
from web3.exceptions import ContractCustomError, ContractLogicError, ContractPanicError, TransactionNotFound
from web3.types import TxParams, TxReceipt

from rigs.accounts import KEYS
from rigs.endpoint import Endpoint
from rigs.rpc import RpcError
from rigs.solidity import load

ACCOUNT: LocalAccount = Account.from_key(KEYS[2])
HEADER_FIELDS = (
    "parentHash sha3Uncles miner stateRoot transactionsRoot receiptsRoot logsBloom difficulty number "
    "gasLimit gasUsed timestamp extraData mixHash nonce baseFeePerGas withdrawalsRoot blobGasUsed "
    "excessBlobGas parentBeaconBlockRoot requestsHash"
).split()
QUANTITIES = "difficulty number gasLimit gasUsed timestamp baseFeePerGas blobGasUsed excessBlobGas".split()


@pytest.fixture(scope="module")
def w3(endpoint: Endpoint) -> Web3:
    return Web3(Web3.HTTPProvider(endpoint.url))


def send(w3: Web3, fields: TxParams) -> TxReceipt:
    """Fills in what is missing, signs with the account of this file, waits for the receipt."""
    fees = w3.eth.gas_price
    filled: TxParams = {
        "from": ACCOUNT.address,
        "nonce": w3.eth.get_transaction_count(ACCOUNT.address, "pending"),
        "chainId": w3.eth.chain_id,
        **fields,
    }
    if "gasPrice" not in filled:
        filled.setdefault("maxFeePerGas", w3.to_wei(1, "gwei") + 2 * fees)
        filled.setdefault("maxPriorityFeePerGas", 0)
    if "gas" not in filled:
        filled["gas"] = w3.eth.estimate_gas(filled)
    filled.pop("from")
    raw = ACCOUNT.sign_transaction(filled).raw_transaction
    return w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(raw), 20, 0.02)


def deploy(w3: Web3, name: str, *args: Any) -> Contract:
    artifact = load(name)
    made = w3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode).constructor(*args)
    receipt = send(w3, {"data": made.data_in_transaction})
    assert receipt["status"] == 1
    return w3.eth.contract(receipt["contractAddress"], abi=artifact.abi)


def send_call(w3: Web3, function: Any, **fields: Any) -> TxReceipt:
    data = function._encode_transaction_data()
    return send(w3, {"to": function.address, "data": data, **fields})  # type: ignore[typeddict-item]


@pytest.fixture(scope="module")
def counter(w3: Web3) -> Contract:
    return deploy(w3, "Counter")


@pytest.fixture(scope="module")
def token(w3: Web3) -> Contract:
    return deploy(w3, "Token", "Test Token", "TT", 10**24)


def test_chain_and_client(w3: Web3, endpoint: Endpoint) -> None:
    assert w3.is_connected()
    assert w3.eth.chain_id == endpoint.chain_id
    assert w3.net.version == str(endpoint.chain_id)
    assert isinstance(w3.client_version, str)
    assert w3.eth.syncing is False
    assert w3.provider.make_request("web3_sha3", ["0x"])["result"] == "0x" + keccak(b"").hex()


def test_send_value(w3: Web3) -> None:
    to = Account.create().address
    block = w3.eth.block_number
    receipt = send(w3, {"to": to, "value": 99})
    assert (receipt["status"], receipt["gasUsed"], receipt["cumulativeGasUsed"] >= 21_000) == (
        1,
        21_000,
        True,
    )
    assert w3.eth.get_balance(to) == 99
    assert w3.eth.get_balance(to, block) == 0
    sent = w3.eth.get_transaction(receipt["transactionHash"])
    assert (sent["from"], sent["to"], sent["value"]) == (ACCOUNT.address, to, 99)
    index = receipt["transactionIndex"]
    assert w3.eth.get_transaction_by_block(receipt["blockHash"], index)["hash"] == receipt["transactionHash"]
    with pytest.raises(TransactionNotFound):
        w3.eth.get_transaction_receipt("0x" + "12" * 32)


def test_contract_calls_and_events(w3: Web3, token: Contract) -> None:
    to = Account.create().address
    receipt = send_call(w3, token.functions.transfer(to, 500))
    assert token.functions.balanceOf(to).call() == 500
    (event,) = token.events.Transfer().process_receipt(receipt)
    assert event["args"] == {"from": ACCOUNT.address, "to": to, "value": 500}
    (found,) = token.events.Transfer().get_logs(from_block=0, argument_filters={"to": to})
    assert found["transactionHash"] == receipt["transactionHash"]
    assert w3.eth.get_storage_at(token.address, 2) == (10**24).to_bytes(32)


def test_filters(w3: Web3, counter: Contract) -> None:
    logs = counter.events.Counted.create_filter(from_block="latest")
    pending = w3.eth.filter("pending")
    blocks = w3.eth.filter("latest")
    logs.get_new_entries()
    receipt = send_call(w3, counter.functions.incrementMany(2))
    assert [e["args"]["note"] for e in logs.get_new_entries()] == ["", ""]
    assert logs.get_new_entries() == []
    assert receipt["transactionHash"] in pending.get_new_entries()
    assert receipt["blockHash"] in blocks.get_new_entries()
    assert all(w3.eth.uninstall_filter(one.filter_id) for one in (logs, pending, blocks))


def test_reverts_are_decoded(counter: Contract) -> None:
    with pytest.raises(ContractLogicError, match="counter: refused"):
        counter.functions.failWithReason().call()
    with pytest.raises(ContractCustomError) as refused:
        counter.functions.failWithCustomError(3).call({"from": ACCOUNT.address})
    assert str(refused.value.data).endswith(f"{3:064x}")
    with pytest.raises(ContractPanicError):
        counter.functions.failWithPanic(0).call()
    with pytest.raises(ContractLogicError):
        counter.functions.failWithReason().estimate_gas()


def test_error_objects(w3: Web3, counter: Contract, endpoint: Endpoint) -> None:
    rpc = endpoint.rpc()
    data = counter.encode_abi("failWithReason")
    with pytest.raises(RpcError) as reverted:
        rpc.call("eth_call", {"to": counter.address, "data": data}, "latest")
    assert reverted.value.code == 3
    assert "execution reverted" in reverted.value.message
    assert reverted.value.data.startswith("0x08c379a0")
    with pytest.raises(RpcError) as unknown:
        rpc.call("eth_noSuchMethod")
    assert unknown.value.code == -32601
    with pytest.raises(RpcError) as invalid:
        rpc.call("eth_getBalance", "0x12", "latest")
    assert invalid.value.code == -32602
    low = ACCOUNT.sign_transaction(
        {"to": ACCOUNT.address, "nonce": 0, "gas": 21_000, "gasPrice": 10**11, "chainId": w3.eth.chain_id}
    )
    with pytest.raises(RpcError, match="nonce too low"):
        rpc.call("eth_sendRawTransaction", low.raw_transaction.to_0x_hex())
    rpc.close()


def test_header_hash_is_the_hash_of_the_header(w3: Web3, endpoint: Endpoint) -> None:
    number = send(w3, {"to": ACCOUNT.address})["blockNumber"]
    rpc = endpoint.rpc()
    for height in {0, number - 1, number}:
        block = rpc.call("eth_getBlockByNumber", hex(height), False)
        names = [name for name in HEADER_FIELDS if name in block]
        assert names == HEADER_FIELDS[: len(names)]
        assert len(names) >= 16
        values = [_header_value(name, block[name]) for name in names]
        assert keccak(rlp_encode(values)).hex() == block["hash"][2:]
    rpc.close()


def _header_value(name: str, text: str) -> bytes:
    if name in QUANTITIES:
        number = int(text, 16)
        return number.to_bytes((number.bit_length() + 7) // 8)
    return bytes.fromhex(text[2:])


def test_block_receipts_and_raw_transaction(w3: Web3, counter: Contract, endpoint: Endpoint) -> None:
    receipt = send_call(w3, counter.functions.increment("receipts"))
    rpc = endpoint.rpc()
    tx_hash = receipt["transactionHash"].to_0x_hex()
    answers = rpc.call("eth_getBlockReceipts", hex(receipt["blockNumber"]))
    (own,) = [one for one in answers if one["transactionHash"] == tx_hash]
    assert own == rpc.call("eth_getTransactionReceipt", tx_hash)
    assert int(own["logsBloom"], 16) != 0
    raw = rpc.call("eth_getRawTransactionByHash", tx_hash)
    assert keccak(hexstr=raw).hex() == tx_hash[2:]
    assert Account.recover_transaction(raw) == ACCOUNT.address
    count = rpc.call("eth_getBlockTransactionCountByNumber", hex(receipt["blockNumber"]))
    assert int(count, 16) == len(answers)
    rpc.close()


def test_legacy_transaction_and_access_list(w3: Web3, counter: Contract) -> None:
    legacy = send_call(w3, counter.functions.increment("legacy"), gasPrice=w3.eth.gas_price)
    assert (legacy["type"], legacy["status"]) == (0, 1)
    data = counter.encode_abi("increment", ["list"])
    made = w3.eth.create_access_list({"from": ACCOUNT.address, "to": counter.address, "data": data})
    assert counter.address in {to_checksum_address(one["address"]) for one in made["accessList"]}
    listed = send_call(
        w3, counter.functions.increment("list"), accessList=made["accessList"], gasPrice=w3.eth.gas_price
    )
    assert (listed["type"], listed["status"]) == (1, 1)


def test_set_code_transaction(w3: Web3, counter: Contract) -> None:
    someone = Account.create()
    signed = someone.sign_authorization({"chainId": w3.eth.chain_id, "address": counter.address, "nonce": 0})
    receipt = send(
        w3, {"to": someone.address, "authorizationList": [signed], "gas": 200_000, "maxPriorityFeePerGas": 0}
    )
    assert (receipt["type"], receipt["status"]) == (4, 1)
    assert w3.eth.get_code(someone.address).hex() == "ef0100" + counter.address[2:].lower()


def test_proof_shape(w3: Web3, token: Contract) -> None:
    proof = w3.eth.get_proof(token.address, [f"0x{2:064x}"])
    assert proof["address"] == token.address
    assert (proof["nonce"], proof["balance"]) == (1, 0)
    assert proof["codeHash"] == keccak(w3.eth.get_code(token.address))
    assert len(proof["storageHash"]) == 32
    (slot,) = proof["storageProof"]
    assert int.from_bytes(slot["value"]) == 10**24
    assert all(proof["accountProof"])


def test_fee_history(w3: Web3) -> None:
    send(w3, {"to": ACCOUNT.address})
    history = w3.eth.fee_history(2, "latest", [50.0])
    assert len(history["baseFeePerGas"]) == len(history["gasUsedRatio"]) + 1
    assert len(history["reward"]) == len(history["gasUsedRatio"])
    newest = history["oldestBlock"] + len(history["gasUsedRatio"]) - 1
    assert history["baseFeePerGas"][-2] == w3.eth.get_block(newest)["baseFeePerGas"]


def test_batch(w3: Web3) -> None:
    with w3.batch_requests() as batch:
        batch.add(w3.eth.get_block(0))
        batch.add(w3.eth.get_block("latest"))
        first, latest = batch.execute()
    assert first["number"] == 0
    assert latest["number"] >= 1


def test_traces(w3: Web3, counter: Contract, endpoint: Endpoint) -> None:
    receipt = send_call(w3, counter.functions.nested(1, True), gas=300_000)
    rpc = endpoint.rpc()
    tx_hash = receipt["transactionHash"].to_0x_hex()
    frame = rpc.call("debug_traceTransaction", tx_hash, {"tracer": "callTracer"})
    assert "error" not in frame
    assert frame["calls"][0]["error"] == "execution reverted"
    number = hex(receipt["blockNumber"])
    traced = rpc.call("debug_traceBlockByNumber", number, {"tracer": "callTracer"})
    assert frame in [one["result"] for one in traced]
    rpc.close()


def test_subscriptions(w3: Web3, counter: Contract, endpoint: Endpoint) -> None:
    heard = asyncio.run(_listen(w3, counter, endpoint.ws_url))
    assert set(heard) == {"newHeads", "logs", "newPendingTransactions"}
    assert to_checksum_address(heard["logs"]["address"]) == counter.address


async def _listen(w3: Web3, counter: Contract, ws_url: str) -> dict[str, Any]:
    """The first message of each kind of subscription after a transaction was sent."""
    heard: dict[str, Any] = {}
    async with asyncio.timeout(20), AsyncWeb3(WebSocketProvider(ws_url)) as socket:
        names = {
            await socket.eth.subscribe("newHeads"): "newHeads",
            await socket.eth.subscribe("logs", {"address": counter.address}): "logs",
            await socket.eth.subscribe("newPendingTransactions"): "newPendingTransactions",
        }
        sending = asyncio.create_task(asyncio.to_thread(send_call, w3, counter.functions.increment("heard")))
        async for message in socket.socket.process_subscriptions():
            heard.setdefault(names[message["subscription"]], message["result"])
            if len(heard) == len(names):
                break
        await sending
        for subscription in names:
            assert await socket.eth.unsubscribe(subscription)
    return heard
