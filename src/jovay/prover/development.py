"""A development chain's contracts with the simulated TEE: deployed once, and kept up at every start."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from jovay.bridge.development import development_settings, funding, role_address, role_key
from jovay.bridge.errors import DeploymentError
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract
from jovay.bridge.l1.deploy import Deployed, deploy
from jovay.bridge.l1.deployment import DAY, Attestation, Deployment, Proving, decision
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.series import Step, send_once
from jovay.chain.settlement import Settlement
from jovay.prover.tee.collateral import Documents
from jovay.prover.tee.launch import measurement_of
from jovay.prover.tee.simulated.authority import SimulatedAuthority
from jovay.prover.tee.simulated.collateral import simulated_collateral
from jovay.prover.zk.batch import batch_program, setup_of
from jovay.prover.zk.solidity.key import proving

log = logging.getLogger("jovay.l1")

#: Collateral is renewed when it has less than this to live (seconds); the simulated platform's lives 30 days.
RENEWAL: Final = 10 * DAY
_EVERY_BATCH: Final = (0, (1 << 64) - 1)


def installed_proving() -> Proving:
    """The program that proves batches here, with the set-up that anybody can forge with."""
    return proving(batch_program(setup_of(None)))


def deploy_development(
    client: L1Client,
    path: Path,
    measure: Callable[[], bytes] = lambda: measurement_of("simulated"),
    prove: Callable[[], Proving | None] = installed_proving,
) -> Deployed:
    """Deploy with the roles' keys, fund the development accounts on L2, write the genesis file ``path``; then, as at
    every later call, allow the measurement of what is installed here, have batches proven by the program that is
    installed here, and renew collateral that grows old. ``prove`` None: without ZK proofs.

    Raises what ``deploy`` raises, and ProverError.
    """
    key = RawKey(role_key("deployer"))
    zk = prove()
    settings = development_settings(Attestation(simulated_documents(0).root_key, simulated=True), zk)
    with ThreadPoolExecutor(1) as measuring:  # an enclave's start takes longer than all the rest
        measurement = measuring.submit(measure)
        deployed = deploy(client, key, settings, path, _more)
        settlement = deployed.genesis.settlement
        if settlement is None:
            raise DeploymentError(f"{path} is the genesis of a chain that does not settle on L1")
        steps = [*_allowing(client, settlement, measurement.result()), *_renewal(client, settlement)]
        if zk:
            steps += _reproving(client, settlement, zk, key.address, client.nonce(key.address) + len(steps))
    if steps:
        send_once(client, key, steps, settlement.l1_chain_id)
    return deployed


def simulated_documents(now: int) -> Documents:
    """Collateral of the simulated platform, issued at a second."""
    return Documents.of(simulated_collateral(SimulatedAuthority.development(), now))


def _more(deployment: Deployment) -> list[Step]:
    collateral = deployment.addresses.contract("TEECollateral")
    return [*simulated_documents(deployment.timestamp).postings(collateral), *funding(deployment)]


def _allowing(client: L1Client, settlement: Settlement, measurement: bytes) -> list[Step]:
    verifier = Contract("TEEVerifier", settlement.tee_verifier)
    if verifier.read(client, "measurements", measurement)[2]:
        return []
    timelock = Contract("TimelockController", settlement.timelock)
    if delay := timelock.read(client, "getMinDelay"):
        raise DeploymentError(f"the timelock waits {delay} s, and so does a new measurement")
    call = verifier.encode("allowMeasurement", measurement, *_EVERY_BATCH)
    log.info("TEEVerifier is told to allow the measurement 0x%s", measurement.hex())
    return decision(timelock, [(verifier.address, call)], client.head().hash)


def _reproving(
    client: L1Client, settlement: Settlement, zk: Proving, deployer: bytes, nonce: int
) -> list[Step]:
    """Another verifier from the next batch on, where the program is another than the one that L1 knows."""
    rollup = Contract("Rollup", settlement.rollup)
    following = rollup.read(client, "lastCommittedBatch") + 1
    (config, tee, _, known), _ = rollup.read(client, "rulesFor", following)
    if known == zk.digest:
        return []
    log.info("ZK proofs are of the program 0x%s from batch %d on", zk.digest.hex(), following)
    addresses = zk.addresses(deployer, nonce)
    rules = following, (config, tee, addresses[-1], zk.digest)
    timelock = Contract("TimelockController", settlement.timelock)
    call = rollup.address, rollup.encode("scheduleRules", *rules)
    creations = zk.creations(settlement.timelock, role_address("council"), addresses)
    return [*creations, *decision(timelock, [call], client.head().hash)]


def _renewal(client: L1Client, settlement: Settlement) -> list[Step]:
    documents = simulated_documents(client.head().timestamp)
    return documents.renewal(client, Contract("TEECollateral", settlement.tee_collateral), RENEWAL)
