"""Development methods: what they hand to the node, and that they are off by default."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jovay.rpc.docs import page
from jovay.rpc.table import METHODS
from rigs.rpc import Rpc, RpcError
from rigs.transactions import keccak256
from rpc.conftest import ALICE, BOB, serve
from rpc.fake_dev import ANSWERS, FakeDev
from rpc.memory_backend import MemoryBackend

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
    name, (call,) = dev.calls[-1]
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
