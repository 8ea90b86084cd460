"""The chain's parameters as clients ask for them (EIP-7910), from the genesis."""

from __future__ import annotations

from itertools import pairwise

from jovay.chain.forks import TIME_FORKS
from jovay.chain.rules import ChainRules
from jovay.chain.system_contracts import BEACON_ROOTS, HISTORY_STORAGE
from jovay.chain.types import BlobParameters, ChainParameters, Fork, Hash32
from jovay.kernel.precompiles.table import PRECOMPILES
from jovay.kernel.protocol.forks import OSAKA
from jovay.kernel.protocol.limits import TX_MAX_GAS_LIMIT

_SYSTEM_CONTRACTS = {
    "BEACON_ROOTS_ADDRESS": (BEACON_ROOTS, "Cancun"),
    "HISTORY_STORAGE_ADDRESS": (HISTORY_STORAGE, "Prague"),
    "DEPOSIT_CONTRACT_ADDRESS": (bytes.fromhex("00000000219ab540356cbb839cbe05303d7705fa"), "Prague"),
    "WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS": (
        bytes.fromhex("00000961ef480eb55e80d19ad83579a64c007002"),
        "Prague",
    ),
    "CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS": (
        bytes.fromhex("0000bbddc7ce488642fb579f8b00f3a590007251"),
        "Prague",
    ),
}
"""EIP-7910: the addresses that the rules of a fork name, whether or not this chain has a contract there."""


def chain_config(rules: ChainRules, genesis_hash: Hash32) -> ChainParameters:
    """Forks by time, the first being the one of genesis."""
    genesis = rules.genesis
    start = genesis.timestamp
    times = sorted(
        {start, *(t for name, t in genesis.config.forks.items() if name in TIME_FORKS and t > start)}
    )
    forks = tuple(_fork(rules, 0 if time == start else time, time) for time in times)
    assert all(a.activation_time < b.activation_time for a, b in pairwise(forks))
    return ChainParameters(
        chain_id=rules.chain_id, forks=forks, genesis_hash=genesis_hash, network_id=rules.chain_id
    )


def _fork(rules: ChainRules, activation: int, time: int) -> Fork:
    """The fork in force at ``time``."""
    number = rules.genesis.number
    active = rules.genesis.config.active(number, time)
    blobs = rules.blobs(number, time)
    kernel_fork = rules.fork(number, time)
    precompiles = {
        row.name: address.to_bytes(20, "big")
        for address, row in PRECOMPILES.items()
        if row.since <= kernel_fork
    }
    return Fork(
        name=rules.fork_name(number, time),
        activation_time=activation,
        blob_schedule=BlobParameters(blobs.target, blobs.maximum, blobs.fraction) if blobs.maximum else None,
        max_transaction_gas=TX_MAX_GAS_LIMIT if kernel_fork >= OSAKA else None,
        precompiles=precompiles,
        system_contracts={
            name: address for name, (address, fork) in _SYSTEM_CONTRACTS.items() if fork in active
        },
    )
