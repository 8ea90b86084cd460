"""Development methods: what they hand to the node, and that they are off by default."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from eth_account.messages import encode_typed_data

from jovay.rpc.docs import page
from jovay.rpc.table import METHODS
from rigs.rpc import Rpc, RpcError
from rigs.transactions import keccak256
from rpc.fake_dev import ANSWERS, FakeDev
from rpc.memory_backend import MemoryBackend
from rpc.serving import ALICE, BOB, serve, transfer

A = "0x" + ALICE.hex()
B = "0x" + BOB.hex()
HASH = "0x" + "12" * 32


@pytest.fixture
def dev(backend: MemoryBackend) -> FakeDev:
    backend.dev = FakeDev()
    made: FakeDev = backend.dev
    return made


@pytest.fixture
def rpc(backend: MemoryBackend, dev: FakeDev) -> Iterator[Rpc]:
    with serve(backend) as served:
        yield served.rpc()


CASES: list[tuple[str, list[Any], Any, list[Any]]] = [
    ("anvil_setBalance", [A, "0x10"], None, ["set_balance", ALICE, 16]),
    ("hardhat_setBalance", [A, 10**25], None, ["set_balance", ALICE, 10**25]),
    ("anvil_addBalance", [A, "0x1"], None, ["set_balance", ALICE, 10**21 + 1]),
    ("anvil_setNonce", [A, "0x5"], None, ["set_nonce", ALICE, 5]),
    ("anvil_setCode", [A, "0x6001"], None, ["set_code", ALICE, b"\x60\x01"]),
    ("anvil_setStorageAt", [A, "0x1", "0x" + "2".zfill(64)], True, ["set_storage", ALICE, 1, 2]),
    ("anvil_impersonateAccount", [A], None, ["impersonate", ALICE, True]),
    ("hardhat_stopImpersonatingAccount", [A], None, ["impersonate", ALICE, False]),
    ("anvil_autoImpersonateAccount", [True], None, ["impersonate_all", True]),
    ("anvil_mine", [], None, ["mine", 1, None]),
    ("hardhat_mine", ["0x3", "0x5"], None, ["mine", 3, 5]),
    ("evm_setAutomine", [False], True, ["set_automine", False]),
    ("anvil_getAutomine", [], True, ["automine"]),
    ("evm_setIntervalMining", [5], None, ["set_interval", 5.0]),
    ("anvil_getIntervalMining", [], 5, ["interval"]),
    ("evm_snapshot", [], "0x1", ["snapshot"]),
    ("evm_revert", ["0x1"], True, ["revert", 1]),
    ("anvil_reset", [], True, ["reset"]),
    ("anvil_rollback", [2], None, ["rollback", 2]),
    ("evm_increaseTime", [60], 60, ["increase_time", 60]),
    ("evm_increaseTime", ["0x3c"], 60, ["increase_time", 60]),
    ("evm_increaseTime", ["60"], 60, ["increase_time", 60]),
    ("evm_setTime", [1_700_000_000], 5, ["set_time", 1_700_000_000]),
    ("evm_setNextBlockTimestamp", [9], None, ["set_next_timestamp", 9]),
    ("anvil_setBlockTimestampInterval", [9], None, ["set_timestamp_interval", 9]),
    ("anvil_removeBlockTimestampInterval", [], True, ["set_timestamp_interval", None]),
    ("anvil_setCoinbase", [A], None, ["set_coinbase", ALICE]),
    ("evm_setBlockGasLimit", ["0x10"], True, ["set_gas_limit", 16]),
    ("anvil_setNextBlockBaseFeePerGas", ["0x10"], None, ["set_next_base_fee", 16]),
    ("hardhat_setPrevRandao", [HASH], True, ["set_prev_randao", b"\x12" * 32]),
    ("anvil_dropTransaction", [HASH], HASH, ["drop", b"\x12" * 32]),
    ("anvil_dropAllTransactions", [], None, ["drop_all"]),
    ("anvil_dumpState", [], "0x" + b"state".hex(), ["dump"]),
    ("anvil_loadState", ["0x1234"], True, ["load", b"\x12\x34"]),
]


@pytest.mark.parametrize(("method", "params", "answer", "recorded"), CASES)
def test_methods(
    rpc: Rpc, dev: FakeDev, method: str, params: list[Any], answer: Any, recorded: list[Any]
) -> None:
    assert rpc.call(method, *params) == answer
    assert dev.calls == [(recorded[0], tuple(recorded[1:]))]


def test_evm_mine(rpc: Rpc, dev: FakeDev) -> None:
    assert rpc.call("evm_mine") == "0x0"
    rpc.call("evm_mine", 99)
    rpc.call("evm_mine", {"blocks": 3, "timestamp": "0x10"})
    assert dev.calls == [
        ("mine", (1,)),
        ("set_next_timestamp", (99,)),
        ("mine", (1,)),
        ("set_next_timestamp", (16,)),
        ("mine", (3,)),
    ]
    for method in ("evm_mine", "anvil_mine"):
        with pytest.raises(RpcError, match="too many blocks"):
            rpc.call(method, {"blocks": 10**6} if method == "evm_mine" else 10**6)
    with pytest.raises(RpcError, match="invalid argument 0"):
        rpc.call("evm_mine", "soon")


def test_accounts_of_the_node(rpc: Rpc, dev: FakeDev) -> None:
    assert rpc.call("eth_accounts") == [A]
    assert rpc.call("eth_sendTransaction", {"from": A, "to": B, "value": "0x5"}) == "0x" + "5e" * 32
    name, (call, anyone) = dev.calls[-1]
    assert anyone is False
    assert (name, call.sender, call.to, call.value) == ("send", ALICE, BOB, 5)
    assert (call.nonce, call.gas, call.max_fee_per_gas) == (0, 21_000, 17)
    signed = rpc.call("eth_signTransaction", {"from": A, "to": B, "gas": "0x5208", "nonce": "0x0"})
    assert signed["raw"] == "0x02c0"
    assert signed["tx"]["hash"] == "0x" + keccak256(b"\x02\xc0").hex()
    with pytest.raises(RpcError, match="gas not specified"):
        rpc.call("eth_signTransaction", {"from": A, "to": B})
    digest = keccak256(b"\x19Ethereum Signed Message:\n2hi")
    for method, params in (("eth_sign", [A, "0x6869"]), ("personal_sign", ["0x6869", A])):
        assert rpc.call(method, *params) == "0x" + ANSWERS["sign"].hex()
        assert dev.calls[-1] == ("sign", (ALICE, digest))


def test_a_transaction_and_its_receipt(rpc: Rpc, dev: FakeDev, backend: MemoryBackend) -> None:
    """The fake node's hash is that of no transaction, so there is no receipt in time."""
    assert rpc.call("eth_requestAccounts") == [A]
    with pytest.raises(RpcError, match=r"wasn't processed in 0\.05s") as refused:
        rpc.call("eth_sendTransactionSync", {"from": A, "to": B}, 50)
    assert (refused.value.code, refused.value.data) == (4, "0x" + "5e" * 32)
    assert dev.calls[-1][0] == "send"


MAIL: dict[str, Any] = {
    "types": {
        "EIP712Domain": [{"name": "name", "type": "string"}, {"name": "chainId", "type": "uint256"}],
        "Person": [{"name": "name", "type": "string"}, {"name": "wallets", "type": "address[]"}],
        "Mail": [
            {"name": "from", "type": "Person"},
            {"name": "to", "type": "Person[2]"},
            {"name": "content", "type": "bytes"},
            {"name": "mark", "type": "bytes4"},
            {"name": "weight", "type": "int64"},
            {"name": "grid", "type": "uint8[2][]"},
            {"name": "urgent", "type": "bool"},
        ],
    },
    "primaryType": "Mail",
    "domain": {"name": "Post", "chainId": 1337},
    "message": {
        "from": {"name": "Zoë", "wallets": [A, B]},
        "to": [{"name": "Bob", "wallets": []}, {"name": "", "wallets": [B]}],
        "content": "0x0102",
        "mark": "0xdeadbeef",
        "weight": -5,
        "grid": [[1, 2], [3, 4]],
        "urgent": True,
    },
}


def changed(**message: Any) -> dict[str, Any]:
    return MAIL | {"message": MAIL["message"] | message}


@pytest.mark.parametrize(
    "typed",
    [
        MAIL,
        changed(weight=2**63 - 1, grid=[]),
        MAIL | {"domain": {"name": "Post", "chainId": "0x539"}},
        MAIL
        | {"primaryType": "Person", "message": MAIL["message"]["from"]}
        | {"types": {name: MAIL["types"][name] for name in ("EIP712Domain", "Person")}},
    ],
)
def test_typed_data_against_eth_account(rpc: Rpc, dev: FakeDev, typed: dict[str, Any]) -> None:
    message = encode_typed_data(full_message=typed)
    digest = keccak256(b"\x19" + message.version + message.header + message.body)
    for name in ("eth_signTypedData_v4", "eth_signTypedData_v3", "eth_signTypedData"):
        assert rpc.call(name, A, typed) == "0x" + ANSWERS["sign"].hex()
        assert dev.calls[-1] == ("sign", (ALICE, digest))
    rpc.call("eth_signTypedData_v4", A, json.dumps(typed))
    assert dev.calls[-1] == ("sign", (ALICE, digest))


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        (changed(weight=2**63), "a value is no int64"),
        (changed(mark="0xdead"), "a value is no bytes4"),
        (changed(grid=[[1]]), r"a value is no uint8\[2\]"),
        (changed(grid=[[1, 256]]), "a value is no uint8"),
        (changed(to={}), r"a value is no Person\[2\]"),
        (changed(**{"from": {"name": "x"}}), "Person lacks wallets"),
        (MAIL | {"primaryType": "Letter"}, "primaryType"),
        (MAIL | {"types": {"Mail": 5}}, "type Mail must be"),
        (
            MAIL | {"types": MAIL["types"] | {"Person": [{"name": "name", "type": "word"}]}},
            "unknown type word",
        ),
        ("{", "typed data is no JSON"),
    ],
)
def test_bad_typed_data(rpc: Rpc, typed: Any, text: str) -> None:
    with pytest.raises(RpcError, match=text) as refused:
        rpc.call("eth_signTypedData_v4", A, typed)
    assert refused.value.code == -32602


def test_a_senders_pooled_transactions_are_removed(rpc: Rpc, dev: FakeDev, backend: MemoryBackend) -> None:
    backend.automine = False
    hashes = [rpc.call("eth_sendRawTransaction", "0x" + transfer(nonce).hex()) for nonce in range(3)]
    assert rpc.call("anvil_removePoolTransactions", B) is None
    assert dev.calls == []
    rpc.call("anvil_removePoolTransactions", A)
    assert dev.calls == [("drop", (bytes.fromhex(digest[2:]),)) for digest in hashes[::-1]]
    assert rpc.call("anvil_getGenesisTime") == backend.blocks[0].header.timestamp


def test_off_by_default(backend: MemoryBackend) -> None:
    dev_methods = [name for name, method in METHODS.items() if method.dev]
    assert len(dev_methods) > 50
    with serve(backend) as served:
        answers = served.rpc().batch([(name, []) for name in dev_methods])
    assert {answer.code for answer in answers} == {-32601}


def test_namespaces(backend: MemoryBackend) -> None:
    with serve(backend, namespaces=("eth",)) as served:
        rpc = served.rpc()
        assert rpc.call("eth_chainId") == "0x539"
        with pytest.raises(RpcError, match="net_version does not exist"):
            rpc.call("net_version")


def test_reference_page_is_up_to_date() -> None:
    from pathlib import Path

    written = Path(__file__).parents[2] / "docs" / "rpc.md"
    assert written.read_text() == page(), "run: python -m jovay.rpc.docs > docs/rpc.md"


def test_every_method_is_described() -> None:
    for name, method in METHODS.items():
        assert len(method.doc) > 10, name
        assert all(param.kind.name for param in method.params)
