"""Geneses of settled chains: what the file says of L1 and of the proven configuration, and what is refused."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from Crypto.Hash import keccak

from jovay.chain.development import development_genesis
from jovay.chain.errors import GenesisError
from jovay.chain.genesis import Genesis, alloc_digest, from_json, to_json
from jovay.chain.settled import EIP1559, SettledConfig
from jovay.chain.settlement import Settlement
from jovay.kernel.protocol.forks import OSAKA

CONFIG = SettledConfig(
    20257, 10**8, 0x71 << 152, 10**7, ((0, OSAKA),), l1_fee=(0x81 << 152, 0), l2_msg_root=(0x61 << 152, 0)
)
SETTLEMENT = Settlement(31337, *(bytes([n]) * 20 for n in range(1, 9)), deployed_at=12, config=CONFIG)


def settled_genesis(config: SettledConfig = CONFIG) -> Genesis:
    return replace(
        development_genesis(config.chain_id),
        gas_limit=config.gas_limit,
        coinbase=config.coinbase.to_bytes(20, "big"),
        base_fee_per_gas=config.base_fee,
        settlement=replace(SETTLEMENT, config=config),
    )


def test_a_settled_genesis_is_read_as_it_is_written() -> None:
    genesis = settled_genesis()
    written = to_json(genesis)
    assert from_json(written) == genesis
    assert written["config"]["settlement"]["config"]["forks"] == {"Osaka": 0}
    fees = replace(CONFIG, base_fee_rule=EIP1559, fees_to_coinbase=False)
    assert from_json(to_json(settled_genesis(fees))) == settled_genesis(fees)
    assert "settlement" not in to_json(development_genesis())["config"]
    assert from_json(to_json(development_genesis())).settlement is None


def test_the_configuration_hash_is_that_of_its_27_words() -> None:
    words = [1, 20257, 10**8, 0x71 << 152, 0, 10**7, 1, 0x81 << 152, 0, 0x61 << 152, 0, 0, OSAKA, *[0] * 14]
    encoded = b"".join(word.to_bytes(32, "big") for word in words)
    settlement = from_json(to_json(settled_genesis())).settlement
    assert settlement is not None
    assert settlement.config.hash == keccak.new(data=encoded, digest_bits=256).digest()


def test_chains_that_settle_elsewhere_are_told_apart() -> None:
    genesis = settled_genesis()
    elsewhere = replace(genesis, settlement=replace(SETTLEMENT, rollup=b"\xaa" * 20))
    nowhere = replace(genesis, settlement=None)
    assert len({alloc_digest(chain) for chain in (genesis, elsewhere, nowhere)}) == 3


def changed(path: str, value: object) -> dict[str, Any]:
    """The genesis file with another value at a path; ``...`` leaves it out."""
    top = copy.deepcopy(to_json(settled_genesis()))
    *outer, last = path.split(".")
    place = top
    for key in outer:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return top


S, C = "config.settlement", "config.settlement.config"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (S, 5),
        (f"{S}.l1ChainId", 0),
        (f"{S}.l1ChainId", -1),
        (f"{S}.rollup", ...),
        (f"{S}.rollup", "0x1234"),
        (f"{S}.timelock", "0x" + "00" * 20),
        (f"{S}.deployedAt", "soon"),
        (f"{S}.bridge", "0x" + "01" * 20),
        (C, None),
        (f"{C}.chainId", 20258),
        (f"{C}.gasLimit", "0x10000000000000000"),
        (f"{C}.gasLimit", 10**8 - 1),
        (f"{C}.coinbase", "0x" + "01" * 20),
        (f"{C}.baseFeeRule", "none"),
        (f"{C}.baseFee", "0x10000000000000000"),
        (f"{C}.feesToCoinbase", 1),
        (f"{C}.forks", {}),
        (f"{C}.forks.Shanghai", 0),
        (f"{C}.forks.London", 0),
        (f"{C}.l1Fee.slot", ...),
        (f"{C}.l1Fee.address", 7),
        (f"{C}.l2MsgRoot.index", 1),
    ],
)
def test_errors_name_the_place(path: str, value: object) -> None:
    with pytest.raises(GenesisError) as caught:
        from_json(changed(path, value))
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("baseFeePerGas", hex(10**7 + 1), "baseFeePerGas"),
        ("baseFeePerGas", hex(10**7 - 1), "baseFeePerGas"),
        (f"{C}.forks", {"Osaka": 9}, f"{C}.forks"),
        (f"{C}.forks", {"Prague": 0}, f"{C}.forks"),
        (f"{C}.forks", {"Prague": 10, "Osaka": 9}, f"{C}.forks"),
        ("config.osakaTime", 1000, f"{C}.forks"),
        ("number", 1, "number"),
    ],
)
def test_block_0_and_forks_are_those_of_the_configuration(path: str, value: object, named: str) -> None:
    with pytest.raises(GenesisError) as caught:
        from_json(changed(path, value))
    assert caught.value.path == named


def test_the_least_base_fee_of_eip_1559_may_be_below_that_of_block_0() -> None:
    top = changed("baseFeePerGas", hex(10**9))
    top["config"]["settlement"]["config"]["baseFeeRule"] = "eip1559"
    assert from_json(top).base_fee_per_gas == 10**9
