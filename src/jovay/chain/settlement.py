"""Where a settled chain settles: its contracts on L1, and the configuration that its blocks are proven by.

In a genesis file it stands under ``config.settlement``; a chain whose genesis has it is a settled chain
(docs/settlement.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .errors import GenesisError
from .json_values import bytes_at, exactly, number_at
from .settled import SettledConfig, config_from_json, config_to_json

PATH = "config.settlement"
U64_MAX = (1 << 64) - 1
#: Chain id of an L1 of development (anvil's). Only there: keys that everybody knows, the simulated TEE, and
#: reorganisations that take back what L2 has executed.
DEVELOPMENT_L1: Final = 31_337
#: Contracts on L1, as fields and as keys of the file.
CONTRACTS = {
    "rollup": "rollup",
    "l1_mailbox": "l1Mailbox",
    "l1_eth_bridge": "l1EthBridge",
    "l1_erc20_bridge": "l1Erc20Bridge",
    "escape_hatch": "escapeHatch",
    "tee_verifier": "teeVerifier",
    "tee_collateral": "teeCollateral",
    "timelock": "timelock",
}
_KEYS = {"l1ChainId", "deployedAt", "config", *CONTRACTS.values()}


@dataclass(frozen=True, slots=True)
class Settlement:
    """Contracts by their addresses (20 bytes each); ``deployed_at``: the block of L1 that has ``Rollup``'s deployment,
    from which on L1's logs are read.
    """

    l1_chain_id: int
    rollup: bytes
    l1_mailbox: bytes
    l1_eth_bridge: bytes
    l1_erc20_bridge: bytes
    escape_hatch: bytes
    tee_verifier: bytes
    tee_collateral: bytes
    timelock: bytes
    deployed_at: int
    config: SettledConfig

    @property
    def is_on_development_l1(self) -> bool:
        """Whether nothing is at stake."""
        return self.l1_chain_id == DEVELOPMENT_L1

    def to_json(self) -> dict[str, Any]:
        """The object under ``config.settlement``."""
        addresses = {key: "0x" + getattr(self, name).hex() for name, key in CONTRACTS.items()}
        return {
            "l1ChainId": self.l1_chain_id,
            **addresses,
            "deployedAt": self.deployed_at,
            "config": config_to_json(self.config),
        }


def settlement_from_json(value: object) -> Settlement:
    """Check the object under ``config.settlement``; raises ``GenesisError``."""
    entries = exactly(value, PATH, _KEYS)
    l1_chain_id = number_at(entries["l1ChainId"], f"{PATH}.l1ChainId", U64_MAX)
    if l1_chain_id == 0:
        raise GenesisError(f"{PATH}.l1ChainId", entries["l1ChainId"], "must not be 0")
    addresses = {}
    for name, key in CONTRACTS.items():
        addresses[name] = bytes_at(entries[key], f"{PATH}.{key}", 20)
        if not any(addresses[name]):
            raise GenesisError(f"{PATH}.{key}", entries[key], "must not be the zero address")
    return Settlement(
        l1_chain_id=l1_chain_id,
        **addresses,
        deployed_at=number_at(entries["deployedAt"], f"{PATH}.deployedAt", U64_MAX),
        config=config_from_json(entries["config"], f"{PATH}.config"),
    )
