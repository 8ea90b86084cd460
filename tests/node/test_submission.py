"""What the node says to transactions that it does not take, and what it does with those that must wait."""

from __future__ import annotations

import pytest
import rlp
from eth_account import Account

from jovay.node import Node
from rigs.load import FEE
from rigs.rpc import RpcError
from rigs.transactions import keccak256, sign

from .conftest import Client, hexed

TO = b"\x22" * 20
POOR = "0x" + "42" * 32


def refusal(client: Client, raw: bytes) -> str:
    with pytest.raises(RpcError) as caught:
        client("eth_sendRawTransaction", hexed(raw))
    assert caught.value.code == -32000
    return caught.value.message


def test_nonces(client: Client) -> None:
    receipt = client.send(TO, value=1, gas=21_000)
    assert receipt["status"] == "0x1"
    following = client.number("eth_getTransactionCount", hexed(client.address), "latest")
    stale = client.raw(TO, value=2, nonce=following - 1)
    assert refusal(client, stale) == f"nonce too low: next nonce {following}, tx nonce {following - 1}"


def test_what_waits_for_an_earlier_nonce_runs_after_it(client: Client) -> None:
    following = client.number("eth_getTransactionCount", hexed(client.address), "latest")
    later = client.raw(TO, value=3, nonce=following + 1, gas=21_000)
    digest = client("eth_sendRawTransaction", hexed(later))
    assert client("txpool_status") == {"pending": "0x0", "queued": "0x1"}
    assert client("eth_getTransactionByHash", digest)["blockHash"] is None
    assert refusal(client, later) == "already known"
    with pytest.raises(RpcError) as caught:
        client("eth_sendRawTransactionSync", hexed(client.raw(TO, nonce=following + 2)))
    assert (caught.value.code, caught.value.data) == (6, hex(following))
    client.send(TO, value=4, nonce=following, gas=21_000)
    assert client.rpc.wait_receipt(digest)["status"] == "0x1"
    assert client("txpool_status") == {"pending": "0x0", "queued": "0x0"}


def test_money(client: Client) -> None:
    account = Account.from_key(POOR)
    raw = account.sign_transaction(
        {"nonce": 0, "gasPrice": 10**11, "gas": 21_000, "to": TO, "value": 5, "chainId": 20257}
    ).raw_transaction
    cost = 21_000 * 10**11 + 5
    expected = f"insufficient funds for gas * price + value: balance 0, tx cost {cost}, overshot {cost}"
    assert refusal(client, bytes(raw)) == expected


def test_gas(client: Client) -> None:
    assert (
        refusal(client, client.raw(TO, gas=20_999))
        == "intrinsic gas too low: gas 20999, minimum needed 21000"
    )
    floor = refusal(client, client.raw(TO, data=b"\1" * 1000, gas=40_000))
    assert floor == "insufficient gas for floor data gas cost: gas 40000, minimum needed 61000"
    assert refusal(client, client.raw(TO, gas=(1 << 24) + 1)) == (
        "transaction gas limit too high: cap: 16777216, tx: 16777217"
    )


def test_prices(client: Client) -> None:
    assert refusal(client, client.raw(TO, tip=FEE + 1)).startswith(
        "max priority fee per gas higher than max fee"
    )
    base = client.number("eth_gasPrice")
    assert "less than block base fee" in refusal(client, client.raw(TO, fee=base // 2, tip=0))


def test_types_that_clients_may_not_send(client: Client) -> None:
    message = b"\x7f" + rlp.encode([0, 100_000, b"hello"])
    refused = "transaction type not supported: messages from L1 come through L1Mailbox only"
    assert refusal(client, message) == refused
    blob = sign(
        3,
        [20257, 0, 1, 10**11, 100_000, TO, 0, b"", [], 10**10, [b"\1" + bytes(31)]],
        bytes.fromhex(client.key[2:]),
    )
    assert refusal(client, blob) == "transaction type not supported"
    assert refusal(client, b"\x05\xc0") == "transaction type not supported"


def test_bytes_that_are_no_transaction(client: Client) -> None:
    whole = client.raw(TO)
    for raw in (b"\x02", b"\xc0", whole[:-1], whole + b"\0", b"\xff" * 40):
        assert refusal(client, raw)
    other_chain = sign(2, [1, 0, 1, 10**11, 21_000, TO, 0, b"", []], bytes.fromhex(client.key[2:]))
    assert refusal(client, other_chain) == "invalid chain id for signer"


def test_a_batch_keeps_its_order_of_answers(client: Client) -> None:
    following = client.number("eth_getTransactionCount", hexed(client.address), "latest")
    good = client.raw(TO, value=1, nonce=following, gas=21_000)
    also = client.raw(TO, value=1, nonce=following + 1, gas=21_000)
    bad = client.raw(TO, value=1, nonce=following + 2, gas=1)
    answers = client.rpc.batch(
        [("eth_sendRawTransaction", [hexed(raw)]) for raw in (good, bad, also, b"\x02")]
    )
    assert answers[0] == hexed(keccak256(good))
    assert answers[2] == hexed(keccak256(also))
    assert isinstance(answers[1], RpcError)
    assert isinstance(answers[3], RpcError)
    assert client.rpc.wait_receipt(answers[2])["status"] == "0x1"


def test_deploying_needs_no_protected_signature(client: Client) -> None:
    """The way of well-known deployers: a legacy transaction without a chain id."""
    following = client.number("eth_getTransactionCount", hexed(client.address), "latest")
    raw = Account.sign_transaction(
        {"nonce": following, "gasPrice": 10**11, "gas": 100_000, "to": b"", "value": 0, "data": b"\x00"},
        client.key,
    ).raw_transaction
    digest = client("eth_sendRawTransaction", hexed(bytes(raw)))
    assert client.rpc.wait_receipt(digest)["contractAddress"] is not None


def test_what_a_block_has_no_room_for_is_in_a_later_one(node: Node) -> None:
    """Each fills a third of the room that a machine has for logs; all are in the pool before the first block."""
    logger = b"\x44" * 20
    # A loop of 20 logs without topics and data for as long as there is gas, then STOP.
    code = b"\x5b" + bytes.fromhex("5f5fa0") * 20 + bytes.fromhex("6140005a115f5700")
    clients = [Client(node, account) for account in range(1, 7)]
    clients[0]("anvil_setCode", hexed(logger), hexed(code))
    clients[0]("evm_setAutomine", False)
    raws = []
    for client in clients:
        first = client.next_nonce()
        raws += [client.raw(logger, nonce=first + k, gas=16_000_000) for k in range(2)]
    digests = [clients[0]("eth_sendRawTransaction", hexed(raw)) for raw in raws]
    clients[0]("evm_setAutomine", True)
    receipts = [clients[0].rpc.wait_receipt(digest, 60.0) for digest in digests]
    assert {receipt["status"] for receipt in receipts} == {"0x1"}
    assert len({receipt["blockNumber"] for receipt in receipts}) > 1
    assert clients[0]("txpool_status") == {"pending": "0x0", "queued": "0x0"}
