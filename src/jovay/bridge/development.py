"""Roles of development chains: keys that everyone knows, and what a deployment with them is like."""

from __future__ import annotations

from functools import cache
from typing import Final

from jovay.bridge.genesis import Roles, settled_config
from jovay.bridge.l1.deployment import DAY, Attestation, Clocks, Deployment, Proving, Settings, deposits
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.series import Step
from jovay.bridge.recursion import limit_kept
from jovay.chain.development import CHAIN_ID, DEVELOPMENT_ADDRESSES, ETHER, MNEMONIC

with limit_kept():
    from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

GAS_LIMIT: Final = 100_000_000
#: Wei per gas on L2, and of messages to it.
BASE_FEE: Final = 10_000_000
#: Nothing comes to an end because a developer was away: as long as the contracts' order of the clocks allows.
CLOCKS: Final = Clocks(
    inclusion=30 * DAY, unproven=60 * DAY, opening=90 * DAY, exodus=365 * DAY, behind=10 * 365 * DAY
)
#: What each of the ten accounts and the feeder get on L2.
FUNDS: Final = 100 * ETHER
#: Roles by their index in the derivation path of the test mnemonic; the ten accounts come before them.
ROLES: Final = {"deployer": 10, "committer": 11, "claims": 12, "feeder": 13, "registrar": 14, "council": 15}


@cache
def role_key(role: str) -> bytes:
    """The private key (path m/44'/60'/0'/0/i). Anyone can sign with it: development only. Raises KeyError."""
    return key_from_seed(seed_from_mnemonic(MNEMONIC, ""), f"m/44'/60'/0'/0/{ROLES[role]}")


def role_address(role: str) -> bytes:
    """Of the role's account."""
    return RawKey(role_key(role)).address


def development_settings(
    attestation: Attestation, proving: Proving | None = None, chain_id: int = CHAIN_ID
) -> Settings:
    """A deployment with the roles' keys, whose timelock does not wait, so that new measurements are allowed at once."""
    deployer, council = role_address("deployer"), role_address("council")
    return Settings(
        config=settled_config(chain_id, GAS_LIMIT, BASE_FEE),
        council=council,
        relayers=(role_address("committer"),),
        proposers=(deployer,),
        attestation=attestation,
        proving=proving,
        timelock_delay=0,
        clocks=CLOCKS,
        roles=Roles((role_address("feeder"),), (role_address("feeder"),), (deployer,)),
    )


def funding(deployment: Deployment, each: int = FUNDS) -> list[Step]:
    """Real deposits for the ten accounts and the feeder."""
    accounts = [*map(bytes.fromhex, DEVELOPMENT_ADDRESSES), role_address("feeder")]
    return deposits(deployment.addresses, deployment.settings.messages, accounts, each)
