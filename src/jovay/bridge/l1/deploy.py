"""Deploying the contracts: sent, mined, read back, and the genesis file written; killed anywhere, it goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

from eth_utils.crypto import keccak

from jovay.bridge import artifacts
from jovay.bridge.errors import DeploymentError
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.deployment import CONTRACTS, NOBODY, Deployment, Settings
from jovay.bridge.l1.fees import Ceilings
from jovay.bridge.l1.keys import Signer
from jovay.bridge.l1.records import L1Receipt
from jovay.bridge.l1.series import CEILINGS, Series, Step
from jovay.chain.genesis import Genesis, read, to_json
from jovay.chain.settlement import DEVELOPMENT_L1
from jovay.native import kernel
from jovay.sequencer.genesis_block import genesis_block

#: Keccak-256 of the key of "Intel SGX Root CA", as ``TEEVerifier`` has it.
INTEL_ROOT: Final = bytes.fromhex("89f72d7c488e5b53a77c23ebcb36970ef7eb5bcf6658e9b8292cfbe4703a8473")

More = Callable[[Deployment], Sequence[Step]]
"""Transactions that come after the contracts' own."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What came of it: the genesis, and the name and receipt of each transaction, none when nothing was to be done."""

    genesis: Genesis
    receipts: tuple[tuple[str, L1Receipt], ...] = ()


def deploy(
    client: L1Client,
    signer: Signer,
    settings: Settings,
    path: Path,
    more: More = lambda _: (),
    ceilings: Ceilings = CEILINGS,
    confirmations: int = 0,
) -> Deployed:
    """Deploy, or go on with it, and write the genesis file ``path``; beside it lies what was sent.

    Once the genesis file is there, and on L1 all that was sent, nothing is done, whatever the settings: newer ones, of
    newer software too, are for new chains. Raises DeploymentError, SeriesError, SignerError and what the client raises.
    """
    chain_id = client.chain_id()
    check(settings, chain_id)
    series = Series(client, signer, path.with_suffix(".deployment.json"), chain_id)
    if path.exists() and series.is_mined:
        return Deployed(read(path))
    deployment = Deployment(settings, chain_id, signer.address, series.first, series.timestamp)
    block = genesis_block(kernel.load(), deployment.genesis())
    steps = [*deployment.steps(block), *more(deployment)]
    receipts = series.run(steps, ceilings, confirmations)
    verify(client, deployment, block.state_root)
    named = tuple((step.name, receipt) for step, receipt in zip(steps, receipts, strict=True))
    deployed_at = next(receipt.block_number for name, receipt in named if name == "Rollup")
    if path.exists() and (before := read(path).settlement) is not None:
        deployed_at = min(deployed_at, before.deployed_at)  # after a reorg, the same file as far as it can be
    genesis = deployment.genesis(deployed_at)
    _write(path, genesis)
    return Deployed(genesis, named)


def check(settings: Settings, chain_id: int) -> None:
    """Refuse what the contracts would refuse later, and what nobody wants. Raises DeploymentError."""
    attestation, clocks = settings.attestation, settings.clocks
    if attestation.simulated and chain_id != DEVELOPMENT_L1:
        raise DeploymentError(
            f"the simulated TEE is for chain {DEVELOPMENT_L1} only, and this is chain {chain_id}:"
            " anyone can sign for it, so it proves nothing"
        )
    if settings.proving and settings.proving.development and chain_id != DEVELOPMENT_L1:
        raise DeploymentError(
            f"the development set-up of ZK proofs is for chain {DEVELOPMENT_L1} only, and this is chain {chain_id}:"
            " anyone can forge with it"
        )
    if settings.config.chain_id == chain_id:
        raise DeploymentError(f"L2 cannot have the chain id of its L1, {chain_id}")
    in_order = 0 < clocks.inclusion < clocks.unproven < clocks.opening
    if not in_order or clocks.pause >= clocks.opening or clocks.opening + clocks.pause >= clocks.exodus:
        raise DeploymentError(
            f"0 < inclusion < unproven < opening, pause < opening and opening + pause < exodus must hold: {clocks}"
        )
    if clocks.behind < clocks.opening:
        raise DeploymentError(f"blocks may be as old as commits of everyone: behind < opening in {clocks}")
    if chain_id != DEVELOPMENT_L1 and settings.timelock_delay <= clocks.exodus:
        raise DeploymentError(
            f"the timelock's delay, {settings.timelock_delay} s, must exceed the time to exodus, {clocks.exodus} s"
        )
    if not settings.relayers or not settings.proposers:
        raise DeploymentError("at least one relayer and one proposer of the timelock are needed")
    root = keccak(b"".join(attestation.root))
    if not attestation.simulated and root != INTEL_ROOT:
        raise DeploymentError(f"the collateral's root is not Intel's: the hash of its key is 0x{root.hex()}")


def verify(client: L1Client, deployment: Deployment, state_root: bytes) -> None:
    """Read everything back. Raises DeploymentError that names the first thing which is not as it should be."""
    at = deployment.addresses
    created = [(name, at.contract(name).address) for name in CONTRACTS]
    if proving := deployment.settings.proving:
        created += zip((*proving.formulas, "ZkVerifier"), deployment.proving_addresses, strict=True)
    for name, address in created:
        if not _is_code_of(name, client.code(address)):
            raise DeploymentError(f"0x{address.hex()} does not have the code of {name}")
    for name, function, arguments, expected in _expected(deployment, state_root):
        found = at.contract(name).read(client, function, *arguments)
        if found != expected:
            raise DeploymentError(f"{name}.{function}{arguments} is {found}, and not {expected}")


def _is_code_of(name: str, code: bytes) -> bool:
    """Immutables are zero in what ships, and anything on chain."""
    runtime = artifacts.load(name).runtime
    pairs = zip(runtime, code, strict=False)
    return len(code) == len(runtime) and all(ours in (0, theirs) for ours, theirs in pairs)


Expected = tuple[str, str, tuple[Any, ...], Any]


def _expected(deployment: Deployment, state_root: bytes) -> Iterator[Expected]:
    """Contract, view, its arguments, and what it must tell."""
    settings, at = deployment.settings, deployment.addresses
    clocks, messages, attestation = settings.clocks, settings.messages, settings.attestation
    yield "Rollup", "layer2ChainId", (), settings.config.chain_id
    yield "Rollup", "l1_mail_box", (), at.l1_mailbox
    yield "Rollup", "clocks", (), astuple(clocks)
    yield "Rollup", "forcedMessages", (), messages.forced
    yield "Rollup", "forcedGas", (), messages.forced_gas
    yield "Rollup", "rulesFor", (0,), (deployment.rules, 0)
    yield "Rollup", "finalizedStateRoots", (0,), state_root
    for relayer in settings.relayers:
        yield "Rollup", "isRelayer", (relayer,), True
    yield "L1Mailbox", "escapeHatch", (), at.escape_hatch
    yield "L1Mailbox", "l2GasLimit", (), messages.most_gas
    yield "L1Mailbox", "l2FinalizeDepositGasUsed", (), messages.least_gas
    yield "L1Mailbox", "baseFee", (), messages.price
    for bridge in (at.l1_eth_bridge, at.l1_erc20_bridge):
        yield "L1Mailbox", "isBridge", (bridge,), True
    yield "L1ETHBridge", "mailbox", (), at.l1_mailbox
    yield "L1ERC20Bridge", "mailbox", (), at.l1_mailbox
    yield "L1ERC20Bridge", "escapeHatch", (), at.escape_hatch
    yield "L1ERC20Bridge", "bridgedTokenCodeHash", (), keccak(artifacts.load("BridgedERC20").bytecode)
    yield "EscapeHatch", "rollup", (), at.rollup
    yield "EscapeHatch", "mailbox", (), at.l1_mailbox
    yield "EscapeHatch", "erc20Bridge", (), at.l1_erc20_bridge
    yield "TEEVerifier", "collateral", (), at.tee_collateral
    yield "TEEVerifier", "ALLOW_SIMULATED", (), attestation.simulated
    yield "TEEVerifier", "WORST_STATUS", (), attestation.worst_status
    yield "TEECollateral", "rootKeyHash", (), keccak(b"".join(attestation.root))
    for name in ("Rollup", "L1Mailbox", "TEEVerifier"):
        yield name, "owner", (), at.timelock
    for name in ("Rollup", "TEEVerifier"):
        yield name, "council", (), settings.council
    yield from _timelock(deployment)


def _timelock(deployment: Deployment) -> Iterator[Expected]:
    """Nobody but those who are to may propose or execute; the deployer is not left over."""
    settings, deployer = deployment.settings, deployment.deployer
    yield "TimelockController", "getMinDelay", (), settings.timelock_delay
    proposer, executor, admin = keccak(text="PROPOSER_ROLE"), keccak(text="EXECUTOR_ROLE"), bytes(32)
    for account in settings.proposers:
        yield "TimelockController", "hasRole", (proposer, account), True
    for account in settings.executors or (NOBODY,):
        yield "TimelockController", "hasRole", (executor, account), True
    yield "TimelockController", "hasRole", (proposer, deployer), deployer in settings.proposers
    yield "TimelockController", "hasRole", (executor, deployer), deployer in settings.executors
    yield "TimelockController", "hasRole", (admin, deployer), False


def _write(path: Path, genesis: Genesis) -> None:
    """As a whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w") as file:
        json.dump(to_json(genesis), file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
