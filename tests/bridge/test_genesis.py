"""The settled genesis: its file comes back, its block is a node's, and its contracts know those on L1."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from jovay.bridge.genesis import SUPPLY, Oracle, Roles, settled_config, settled_genesis
from jovay.bridge.predeploys import (
    L1_GAS_ORACLE,
    L2_COIN_BASE,
    L2_ERC20_BRIDGE,
    L2_ETH_BRIDGE,
    L2_MAILBOX,
)
from jovay.chain import genesis as files
from jovay.chain.genesis import Genesis, to_json
from jovay.chain.settlement import CONTRACTS, Settlement
from jovay.kernel.protocol.forks import OSAKA, PRAGUE
from jovay.native.library import Library
from jovay.sequencer.genesis_block import genesis_block
from jovay.sequencer.opening import open_chain
from jovay.state.world import NativeWorld
from jovay.storage.datadir import DataDirectory

ADDRESSES = {name: bytes([n + 1]) * 20 for n, name in enumerate(CONTRACTS)}
FEEDER, WITHDRAWER, VAULT = b"\x0f" * 20, b"\x1f" * 20, b"\x2f" * 20
ROLES = Roles((FEEDER,), (WITHDRAWER,), (VAULT,))


def settlement(**changes: Any) -> Settlement:
    config = settled_config(20257, 100_000_000, 10**7)
    return Settlement(l1_chain_id=31337, deployed_at=5, config=replace(config, **changes), **ADDRESSES)


@pytest.fixture(scope="module")
def genesis() -> Genesis:
    return settled_genesis(settlement(), ROLES, 1_700_000_000, Oracle(profit=7))


def test_its_file_comes_back(genesis: Genesis) -> None:
    assert files.from_json(to_json(genesis)) == genesis


def test_its_block_is_the_one_that_a_node_begins_with(
    genesis: Genesis, library: Library, tmp_path: Path
) -> None:
    found = genesis_block(library, genesis)
    with DataDirectory(tmp_path) as data:

        def world(source: Any, version: int) -> NativeWorld:
            return NativeWorld(library, 1_000, 1_000, source=source, version=version)

        assert open_chain(library, data, genesis, world).head == found


def test_its_contracts_are_told_of_those_on_l1(genesis: Genesis) -> None:
    def stored(address: bytes, slot: int) -> bytes:
        return genesis.alloc[address].storage.get(slot.to_bytes(32, "big"), bytes(32))[12:]

    assert stored(L2_MAILBOX, 43) == ADDRESSES["l1_mailbox"]
    assert stored(L2_MAILBOX, 44) == ADDRESSES["timelock"]
    assert stored(L2_ETH_BRIDGE, 0) == ADDRESSES["l1_eth_bridge"]
    assert stored(L2_ERC20_BRIDGE, 0) == ADDRESSES["l1_erc20_bridge"]
    numbers = [int.from_bytes(stored(L1_GAS_ORACLE, slot), "big") for slot in range(10)]
    assert numbers == [1_000_000, 0, 0, 0, 100, 100, 100, 7, 1_000_000, 786_432]
    for address, account, place in (
        (L1_GAS_ORACLE, FEEDER, 10),
        (L2_COIN_BASE, WITHDRAWER, 0),
        (L2_COIN_BASE, VAULT, 1),
    ):
        key = keccak(account.rjust(32, b"\0") + place.to_bytes(32, "big"))
        assert genesis.alloc[address].storage[key][31] == 1


def test_all_ether_is_the_mailboxs(genesis: Genesis) -> None:
    holders = {address: account.balance for address, account in genesis.alloc.items() if account.balance}
    assert holders == {L2_MAILBOX: SUPPLY}
    assert all(account.code and account.nonce == 1 for account in genesis.alloc.values())


def test_the_proven_places_are_the_contracts(genesis: Genesis) -> None:
    assert genesis.settlement is not None
    config = genesis.settlement.config
    assert config.l1_fee == (int.from_bytes(L1_GAS_ORACLE, "big"), 0)
    assert config.l2_msg_root == (int.from_bytes(L2_MAILBOX, "big"), 0)
    assert config.coinbase == int.from_bytes(L2_COIN_BASE, "big")


def test_a_later_fork_is_in_the_schedule() -> None:
    later = settled_genesis(settlement(forks=((0, PRAGUE), (2_000_000_000, OSAKA))), ROLES, 1_700_000_000)
    assert files.from_json(to_json(later)) == later
    assert (later.config.forks["Cancun"], later.config.forks["Prague"]) == (0, 0)
    assert later.config.forks["Osaka"] == 2_000_000_000
