"""What becomes of transactions that a block cannot contain, as clients see it."""

from __future__ import annotations

import dataclasses

from eth_account import Account

from jovay.node import Node
from rigs.load import FEE, address_of, transfer
from rigs.rpc import RpcError
from rigs.transactions import keccak256, sign

from .conftest import Client, hexed

CHAIN_ID = 20257
COST = 21_000 * FEE
TO = b"\x22" * 20


def funded(client: Client, name: str, count: int, balance: int) -> list[str]:
    """Keys of new accounts with so much ether."""
    keys = [hexed(keccak256(f"{name} {i}".encode())) for i in range(count)]
    for key in keys:
        client("anvil_setBalance", hexed(address_of(key)), hex(balance))
    return keys


def outcomes(client: Client, raws: list[bytes]) -> list[str]:
    """Empty for each that was taken, else what was said."""
    answers = client.rpc.batch([("eth_sendRawTransaction", [hexed(raw)]) for raw in raws])
    return [answer.message if isinstance(answer, RpcError) else "" for answer in answers]


def status(client: Client) -> tuple[int, int]:
    """(pending, queued)."""
    found = client("txpool_status")
    return int(found["pending"], 16), int(found["queued"], 16)


def test_a_gap_filled_by_a_transfer_of_all_ether(client: Client) -> None:
    """What waits behind it cannot run; blocks go on, and whoever follows the rules does not notice."""
    keys = funded(client, "gap", 4, 200 * COST)
    for key in keys:
        raws = [transfer(key, nonce, TO, 1, CHAIN_ID) for nonce in range(2, 102)]
        assert outcomes(client, raws) == [""] * 100
    assert status(client) == (0, 400)
    for key in keys:
        everything = transfer(key, 0, TO, 199 * COST, CHAIN_ID)
        first, second = outcomes(client, [everything, transfer(key, 1, TO, 1, CHAIN_ID)])
        assert first == ""
        assert second == (
            "insufficient funds for gas * price + value: "
            f"balance {200 * COST}, queued cost {200 * COST}, tx cost {COST + 1}, overshot {COST + 1}"
        )
    assert client.send(TO, value=1, gas=21_000)["status"] == "0x1"
    assert status(client) == (0, 400)
    client("anvil_setBalance", hexed(address_of(keys[0])), hex(51 * COST))
    assert client.send(TO, value=1, gas=21_000)["status"] == "0x1"
    (said,) = outcomes(client, [transfer(keys[0], 1, TO, 1, CHAIN_ID)])
    assert said == ""
    digest = hexed(keccak256(transfer(keys[0], 30, TO, 1, CHAIN_ID)))
    assert client.rpc.wait_receipt(digest)["status"] == "0x1"
    client("anvil_dropAllTransactions")


def test_places_are_not_held_by_what_cannot_run(node: Node) -> None:
    """A pool of 200 places: senders whose first transaction takes all their ether get one each."""
    client = Client(node)
    pool, limits = node.sequencer.pool, node.sequencer.pool.limits
    try:
        pool.limit(dataclasses.replace(limits, transactions=200))
        client("evm_setAutomine", False)
        keys = funded(client, "places", 5, 40 * COST)
        for key in keys:
            raws = [transfer(key, 0, TO, 39 * COST, CHAIN_ID)]
            raws += [transfer(key, nonce, TO, 1, CHAIN_ID) for nonce in range(1, 40)]
            assert outcomes(client, raws).count("") == 1
        assert status(client) == (5, 0)
        (rich,) = funded(client, "rich", 1, 10**21)
        raws = [transfer(rich, nonce, TO, 1, CHAIN_ID) for nonce in range(196)]
        assert outcomes(client, raws) == [""] * 195 + [
            "transaction underpriced: gas tip cap 0, minimum needed 1"
        ]
        tipped = client.raw(TO, value=1, gas=21_000, tip=1)
        assert outcomes(client, [tipped]) == [""]
        gone = hexed(keccak256(raws[194]))  # its sender's last one
        assert client("eth_getTransactionByHash", gone) is None
        assert client("eth_getTransactionByHash", hexed(keccak256(raws[193]))) is not None
        assert status(client) == (200, 0)
        client("evm_setAutomine", True)
        assert client.rpc.wait_receipt(hexed(keccak256(raws[193])))["status"] == "0x1"
        assert client.rpc.wait_receipt(hexed(keccak256(tipped)))["status"] == "0x1"
    finally:
        client("evm_setAutomine", True)
        pool.limit(limits)


def test_one_call_voids_one_transaction_of_an_account_that_runs_code(client: Client) -> None:
    """EIP-7702: a call may take its ether at any time. What cannot be paid for waits, until it can."""
    (key,) = funded(client, "delegated", 1, 100 * COST)
    address, code = address_of(key), b"\x45" * 20
    client("anvil_setCode", hexed(code), "0x5f5f5f5f47335af1")  # all ether to the caller
    signed = Account.from_key(key).sign_authorization(
        {"chainId": CHAIN_ID, "address": hexed(code), "nonce": 0}
    )
    item = [CHAIN_ID, code, 0, signed.y_parity, signed.r, signed.s]
    fields = [CHAIN_ID, client.next_nonce(), 0, FEE, 200_000, TO, 0, b"", [], [item]]
    raw = sign(4, fields, bytes.fromhex(client.key[2:]))
    assert client.rpc.wait_receipt(client("eth_sendRawTransaction", hexed(raw)))["status"] == "0x1"
    client("evm_setAutomine", False)
    try:
        drain = client.raw(address, gas=100_000)
        raws = [drain, *(transfer(key, nonce, TO, 1, CHAIN_ID) for nonce in (1, 2, 3))]
        assert outcomes(client, raws) == [
            "",
            "",
            "in-flight transaction limit reached for delegated accounts",
            "gapped-nonce tx from delegated accounts",
        ]
    finally:
        client("evm_setAutomine", True)
    assert client.rpc.wait_receipt(hexed(keccak256(drain)))["status"] == "0x1"
    assert status(client) == (0, 1)
    assert list(client("txpool_contentFrom", hexed(address))["queued"]) == ["1"]
    client("anvil_setBalance", hexed(address), hex(100 * COST))
    assert client.rpc.wait_receipt(hexed(keccak256(raws[1])))["status"] == "0x1"
    assert status(client) == (0, 0)


def test_metrics_of_what_leaves(node: Node) -> None:
    text = node.metrics.expose()[1].decode()
    assert 'jovay_pool_left_transactions_total{reason="evicted"}' in text
    assert 'jovay_left_out_transactions_total{reason="insufficient funds for gas * price + value"}' in text
