"""Genesis files: what geth accepts, what is refused and how, the development genesis and its contracts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyrevm
import pytest
import rlp
from Crypto.Hash import keccak as _keccak
from eth_account import Account

from jovay.chain import development
from jovay.chain.development import MNEMONIC, development_genesis, predeploys
from jovay.chain.errors import GenesisError
from jovay.chain.forks import BLOCK_FORKS, TIME_FORKS
from jovay.chain.genesis import Genesis, from_json, parse, read, to_json
from jovay.chain.system_contracts import BEACON_ROOTS, HISTORY_STORAGE
from jovay.kernel.protocol.forks import FORKS, NEWEST
from jovay.storage.alloc import state_changes
from jovay.storage.kv import MemoryKV
from jovay.storage.state import TABLES, StateStore


def keccak(data: bytes) -> bytes:
    return _keccak.new(data=data, digest_bits=256).digest()


def minimal(**changes: Any) -> dict[str, Any]:
    value: dict[str, Any] = {
        "config": {"chainId": 5},
        "gasLimit": "0x1c9c380",
        "difficulty": "0x0",
        "alloc": {},
    }
    return {name: entry for name, entry in (value | changes).items() if entry is not ...}


def with_account(account: object, address: str = "0x" + "ab" * 20) -> dict[str, Any]:
    return minimal(alloc={address: account})


def test_minimal_and_defaults() -> None:
    genesis = from_json(minimal())
    assert (genesis.config.chain_id, genesis.gas_limit, genesis.alloc) == (5, 30_000_000, {})
    assert genesis.base_fee_per_gas is None
    assert genesis.excess_blob_gas is None
    osaka = dict.fromkeys([*BLOCK_FORKS.values(), *TIME_FORKS.values()], 0)
    genesis = from_json(minimal(config={"chainId": 5, **osaka}))
    assert (genesis.base_fee_per_gas, genesis.excess_blob_gas, genesis.blob_gas_used) == (10**9, 0, 0)
    assert genesis.config.fork(0, 0) == "Osaka"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("0x10", 16), ("0X10", 16), ("16", 16), (16, 16), ("", 0), ("0x0", 0), ("007", 7), ("0x0000ff", 255)],
)
def test_numbers_as_geth_reads_them(written: object, meant: int) -> None:
    assert from_json(with_account({"balance": written})).alloc[b"\xab" * 20].balance == meant
    assert from_json(minimal(timestamp=written)).timestamp == meant


def test_account_fields() -> None:
    storage = {"0x01": "0x02", "03" * 32: "0x" + "04" * 32, "0x05": "0x00"}
    account = {
        "balance": "1",
        "nonce": "0x2",
        "code": "0x6001",
        "storage": storage,
        "secretKey": "0x" + "11" * 32,
    }
    for address in ("0x" + "AB" * 20, "ab" * 20):
        parsed = from_json(with_account(account, address)).alloc[b"\xab" * 20]
        assert (parsed.balance, parsed.nonce, parsed.code) == (1, 2, b"\x60\x01")
        assert parsed.storage == {bytes(31) + b"\1": bytes(31) + b"\2", b"\3" * 32: b"\4" * 32}


BAD: list[tuple[dict[str, Any] | list[Any], str]] = [
    ([], ""),
    (minimal(config=...), "config"),
    (minimal(alloc=...), "alloc"),
    (minimal(gasLimit=None), "gasLimit"),
    (minimal(difficulty=...), "difficulty"),
    (minimal(gasLimit="0x10000000000000000"), "gasLimit"),
    (minimal(gasLimit=4999), "gasLimit"),
    (minimal(gasLimit=1.5), "gasLimit"),
    (minimal(gasLimit=True), "gasLimit"),
    (minimal(gasLimit="-1"), "gasLimit"),
    (minimal(timestamp="0x"), "timestamp"),
    (minimal(timestamp="1_000"), "timestamp"),
    (minimal(timestamp=" 1"), "timestamp"),
    (minimal(timestamp="٣"), "timestamp"),
    (minimal(nonce=1 << 64), "nonce"),
    (minimal(difficulty="9" * 5000), "difficulty"),
    (minimal(gasUsed=30_000_001), "gasUsed"),
    (minimal(extraData="0x" + "00" * 33), "extraData"),
    (minimal(extraData="0x0"), "extraData"),
    (minimal(extraData="1234"), "extraData"),
    (minimal(coinbase="0x1234"), "coinbase"),
    (minimal(mixHash=5), "mixHash"),
    (minimal(alloc=[]), "alloc"),
    (minimal(alloc={"0x12": {"balance": 1}}), "alloc.0x12"),
    (minimal(alloc={"ab" * 20: {"balance": 1}, "AB" * 20: {"balance": 1}}), "alloc." + "AB" * 20),
    (with_account(5), "alloc.0x" + "ab" * 20),
    (with_account({}), "alloc.0x" + "ab" * 20),
    (with_account({"balance": 1 << 256}), "alloc.0x" + "ab" * 20 + ".balance"),
    (with_account({"balance": 1, "code": "6001"}), "alloc.0x" + "ab" * 20 + ".code"),
    (with_account({"balance": 1, "code": "0x" + "00" * 24_577}), "alloc.0x" + "ab" * 20 + ".code"),
    (
        with_account({"balance": 1, "storage": {"0x" + "00" * 33: "0x"}}),
        "alloc.0x" + "ab" * 20 + ".storage.0x" + "00" * 33,
    ),
    (with_account({"balance": 1, "storage": {"0x01": 1}}), "alloc.0x" + "ab" * 20 + ".storage.0x01"),
    (
        with_account({"balance": 1, "storage": {"0x01": "0x", "01": "0x"}}),
        "alloc.0x" + "ab" * 20 + ".storage.01",
    ),
    (minimal(config=5), "config"),
    (minimal(config={}), "config.chainId"),
    (minimal(config={"chainId": 0}), "config.chainId"),
    (minimal(config={"chainId": 1 << 63}), "config.chainId"),
    (minimal(config={"chainId": 1, "berlinBlock": 5}), "config.homesteadBlock"),
    (minimal(config={"chainId": 1, "homesteadBlock": 5, "eip150Block": 4}), "config.eip150Block"),
    (minimal(config={"chainId": 1, "shanghaiTime": 0}), "config.londonBlock"),
    (minimal(config={"chainId": 1, "shanghaiTime": 0, "pragueTime": 0}), "config.cancunTime"),
    (minimal(config={"chainId": 1, "blobSchedule": {"cancun": {"target": 3}}}), "config.blobSchedule.cancun"),
    (
        minimal(
            config={
                "chainId": 1,
                "blobSchedule": {"cancun": {"target": 3, "max": 2, "baseFeeUpdateFraction": 1}},
            }
        ),
        "config.blobSchedule.cancun",
    ),
]


@pytest.mark.parametrize(("value", "path"), BAD, ids=range(len(BAD)))
def test_errors_name_the_place(value: object, path: str) -> None:
    with pytest.raises(GenesisError) as caught:
        from_json(value)
    assert caught.value.path == path
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["", "{", "nul", '{"alloc": {}, "alloc": {}}', "[" * 100_000, b"\xff"])
def test_broken_files(text: str | bytes, tmp_path: Path) -> None:
    with pytest.raises(GenesisError):
        parse(text)
    (tmp_path / "genesis.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(GenesisError):
        read(tmp_path / "genesis.json")
    with pytest.raises(GenesisError, match="cannot be read"):
        read(tmp_path / "absent.json")


def test_fork_schedule() -> None:
    blocks = {key: 10 * i for i, key in enumerate(BLOCK_FORKS.values())}
    times = {key: 1000 + 10 * i for i, key in enumerate(TIME_FORKS.values())}
    config = from_json(minimal(config={"chainId": 1, **blocks, **times})).config
    for i, name in enumerate(BLOCK_FORKS):
        assert config.fork(10 * i, 0) == name
        if i:
            assert config.fork(10 * i - 1, 0) == list(BLOCK_FORKS)[i - 1]
    for i, name in enumerate(TIME_FORKS):
        assert config.fork(500, 1000 + 10 * i) == name
    assert config.fork(500, 999) == "Paris"
    assert "Shanghai" not in config.active(500, 999)
    assert from_json(minimal()).config.fork(10**9, 10**9) == "Frontier"


def test_json_round_trip(tmp_path: Path) -> None:
    genesis = development_genesis(timestamp=99)
    assert from_json(to_json(genesis)) == genesis
    (tmp_path / "genesis.json").write_text(json.dumps(to_json(genesis)))
    assert read(tmp_path / "genesis.json") == genesis
    assert genesis.config.chain_id not in (1, 1337, 31337, 5734951, 2019775)


def test_development_accounts_come_from_the_phrase() -> None:
    Account.enable_unaudited_hdwallet_features()
    alloc = development_genesis().alloc
    for i, (key, address) in enumerate(
        zip(development.DEVELOPMENT_KEYS, development.DEVELOPMENT_ADDRESSES, strict=True)
    ):
        account = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{i}")
        assert account.key.hex().removeprefix("0x") == key
        assert account.address.lower() == "0x" + address
        assert alloc[bytes.fromhex(address)].balance == 10_000 * 10**18
    assert len(development.DEVELOPMENT_KEYS) == 10


def signed(gas_price: int, gas: int, data: bytes, v: int, r: int, s: int) -> str:
    """A contract creation with nonce 0 whose signature was chosen or is valid for any chain (pre EIP-155)."""
    fields = [b"", gas_price, gas, b"", b"", data, v, r, s]
    return (
        "0x"
        + rlp.encode(
            [f if isinstance(f, bytes) else f.to_bytes((f.bit_length() + 7) // 8) for f in fields]
        ).hex()
    )


def created_by(sender: str) -> bytes:
    return keccak(rlp.encode([bytes.fromhex(sender[2:]), b""]))[12:]


# creation code before the runtime code, gas price, gas, v, r, s of the published deployment transactions
DEPLOYMENTS = {
    BEACON_ROOTS: ("60618060095f395ff3", 10**12, 250_000, 27, 0x539, 0x1B9B6EB1F0),
    HISTORY_STORAGE: (
        "60538060095f395ff3", 10**12, 250_000, 27, 0x539, 0xAA12693182426612186309F02CFE8A80A0000,
    ),
    development.CREATE2_DEPLOYER: (
        "604580600e600039806000f350fe", 10**11, 100_000, 27, int("22" * 32, 16), int("22" * 32, 16),
    ),
    development.MULTICALL3: (
        "608060405234801561001057600080fd5b50610ee0806100206000396000f3fe", 10**11, 1_000_000, 28,
        0xEDCE47092C0F398CEBF3FFC267F05C8E7076E3B89445E0FE50F6332273D4569B,
        0x1B0B9D000E19B24C5869B0FC3B22B0D6FA47CD63316875CBBD577D76E6FDE086,
    ),
}  # fmt: skip


@pytest.mark.parametrize("address", DEPLOYMENTS, ids=lambda address: address.hex())
def test_predeploys_are_what_their_deployment_transactions_create(address: bytes) -> None:
    """Address follows from sender, sender from signature and code: other code has another address."""
    prefix, gas_price, gas, v, r, s = DEPLOYMENTS[address]
    code = predeploys()[address].code
    creation = bytes.fromhex(prefix) + code
    sender = Account.recover_transaction(signed(gas_price, gas, creation, v, r, s))
    assert created_by(sender) == address
    evm = pyrevm.EVM()
    evm.set_balance(sender, 10**18)
    deployed = evm.deploy(sender, creation)
    assert deployed == "0x" + address.hex()
    assert bytes(evm.get_code(deployed))[: len(code)] == code
    wrong = Account.recover_transaction(signed(gas_price, gas, creation[:-1] + b"\1", v, r, s))
    assert created_by(wrong) != address


def test_every_fork_of_a_genesis_has_rules_no_older_than_those_before_it() -> None:
    rules = [FORKS[name] for name in ("Frontier", *BLOCK_FORKS, *TIME_FORKS)]
    assert rules == sorted(rules)
    assert rules[-1] == max(FORKS.values()) == NEWEST


def test_multicall3_code_hash_is_the_published_one() -> None:
    """As EXTCODEHASH gives it on public networks."""
    code = predeploys()[development.MULTICALL3].code
    assert keccak(code).hex() == "d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891"


def test_state_changes_fill_a_store() -> None:
    base = development_genesis()
    contract = from_json(
        with_account({"balance": "7", "nonce": 3, "code": "0x6001", "storage": {"0x01": "0x02"}})
    ).alloc
    genesis: Genesis = replace(base, alloc=base.alloc | contract)
    store = StateStore(MemoryKV(TABLES))
    store.write(0, state_changes(genesis, keccak))
    addresses = list(genesis.alloc)
    found, rows, slot = store.read_many(b"".join(addresses), b"\xab" * 20 + bytes(31) + b"\1")
    assert found.all()
    for address, row in zip(addresses, rows, strict=True):
        account = genesis.alloc[address]
        raw = row.tobytes()
        assert int.from_bytes(raw[:8], "little") == account.nonce
        assert int.from_bytes(raw[8:40], "little") == account.balance
        assert raw[40:] == keccak(account.code)
        if account.code:
            assert store.code(raw[40:]) == account.code
    assert slot.tobytes() == bytes(31) + b"\2"
    assert len(list(store.all_codes())) == 5
