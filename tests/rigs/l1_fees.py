"""``L1GasOracle`` on an anvil that stands in for L2, as genesis has it."""

from __future__ import annotations

from jovay.bridge import genesis
from jovay.bridge.artifacts import load
from jovay.bridge.l1.client import L1Client
from jovay.bridge.predeploys import L1_GAS_ORACLE
from jovay.chain.hexadecimal import hexed


def place_oracle(chain: L1Client, feeder: bytes) -> None:
    """The contract with its storage, and a feeder with money."""
    storage = genesis._oracle_storage(genesis.Oracle())
    storage |= genesis._members(L1_GAS_ORACLE, "isRelayer", (feeder,))
    chain.call("anvil_setBalance", hexed(feeder), hex(10**20))
    chain.call("anvil_setCode", hexed(L1_GAS_ORACLE), hexed(load("L1GasOracle").runtime))
    for slot, value in storage.items():
        chain.call("anvil_setStorageAt", hexed(L1_GAS_ORACLE), f"{slot:#066x}", f"{value:#066x}")
    chain.call("evm_mine")
