"""What is chosen for a deployment, as its TOML file says it (docs/deployment.md)."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec

from jovay.bridge.errors import DeploymentError
from jovay.bridge.genesis import Oracle, Roles, settled_config
from jovay.bridge.l1.deployment import DAY, Attestation, Clocks, Deployment, Messages, Proving, Settings
from jovay.bridge.l1.series import Step
from jovay.kernel.protocol.forks import FORKS
from jovay.prover.tee.collateral import Documents
from jovay.prover.tee.errors import CollateralError
from jovay.prover.tee.verify import TCB_STATUSES
from jovay.prover.zk.batch import batch_program, setup_of
from jovay.prover.zk.errors import ZkError
from jovay.prover.zk.solidity.key import proving


class _L2(msgspec.Struct, forbid_unknown_fields=True):
    chain_id: int
    gas_limit: int = 100_000_000
    base_fee: int = 10_000_000
    forks: dict[str, int] = msgspec.field(default_factory=lambda: {"Osaka": 0})
    feeders: list[str] = []
    withdrawers: list[str] = []
    fee_recipients: list[str] = []


class _L1(msgspec.Struct, forbid_unknown_fields=True):
    chain_id: int
    council: str
    relayers: list[str]


class _Timelock(msgspec.Struct, forbid_unknown_fields=True):
    proposers: list[str]
    executors: list[str] = []
    delay: int = 8 * DAY


class _Tee(msgspec.Struct, forbid_unknown_fields=True):
    collateral: str
    measurements: list[str] = []
    worst_status: str = "SWHardeningNeeded"


class _Zk(msgspec.Struct, forbid_unknown_fields=True):
    setup: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    l1: _L1
    l2: _L2
    timelock: _Timelock
    tee: _Tee
    zk: _Zk | None = None
    clocks: dict[str, int] = {}
    messages: dict[str, int] = {}
    oracle: dict[str, int] = {}


class DeploymentFile:
    """A file that has been read: settings, and the collateral that is posted with the contracts."""

    def __init__(self, path: Path, file: _File) -> None:
        """Raises DeploymentError when what it names cannot be read."""
        self._path, self._file = path, file
        place = path.parent / file.tee.collateral
        try:
            self.documents = Documents.from_json(place.read_text())
        except (OSError, CollateralError) as error:
            raise DeploymentError(f"{path}: tee.collateral: {error}") from error

    def settings(self, l1_chain_id: int) -> Settings:
        """For the L1 that is there. Raises DeploymentError for another, or for values that are none."""
        file, l2 = self._file, self._file.l2
        if l1_chain_id != file.l1.chain_id:
            raise DeploymentError(
                f"{self._path} is for L1 {file.l1.chain_id}, and the server serves {l1_chain_id}"
            )
        return Settings(
            config=settled_config(l2.chain_id, l2.gas_limit, l2.base_fee, self._forks()),
            council=self._bytes("l1.council", file.l1.council),
            relayers=self._addresses("l1.relayers", file.l1.relayers),
            proposers=self._addresses("timelock.proposers", file.timelock.proposers),
            executors=self._addresses("timelock.executors", file.timelock.executors),
            timelock_delay=file.timelock.delay,
            attestation=self._attestation(),
            proving=self._proving(),
            clocks=self._numbers("clocks", Clocks, file.clocks),
            messages=self._numbers("messages", Messages, file.messages),
            oracle=self._numbers("oracle", Oracle, file.oracle),
            roles=Roles(
                self._addresses("l2.feeders", l2.feeders),
                self._addresses("l2.withdrawers", l2.withdrawers),
                self._addresses("l2.fee_recipients", l2.fee_recipients),
            ),
        )

    def postings(self, deployment: Deployment) -> list[Step]:
        """What comes after the contracts."""
        return self.documents.postings(deployment.addresses.contract("TEECollateral"))

    def _attestation(self) -> Attestation:
        tee = self._file.tee
        if tee.worst_status not in TCB_STATUSES:
            raise self._error("tee.worst_status", tee.worst_status, f"is none of {', '.join(TCB_STATUSES)}")
        measurements = tuple(self._bytes("tee.measurements", one, 32) for one in tee.measurements)
        return Attestation(self.documents.root_key, measurements, TCB_STATUSES.index(tee.worst_status))

    def _proving(self) -> Proving | None:
        """Of the program that is installed here, with the ceremony's set-up that ``zk.setup`` names."""
        if self._file.zk is None:
            return None
        place = self._path.parent / self._file.zk.setup
        try:
            return proving(batch_program(setup_of(place)))
        except (OSError, ZkError) as error:
            raise DeploymentError(f"{self._path}: zk.setup: {error}") from error

    def _forks(self) -> tuple[tuple[int, int], ...]:
        starts = self._file.l2.forks
        for name in starts:
            if name not in FORKS:
                raise self._error("l2.forks", name, "is no fork")
        return tuple(sorted((start, FORKS[name]) for name, start in starts.items()))

    def _numbers(self, table: str, kind: Any, given: dict[str, int]) -> Any:
        known = {field.name for field in fields(kind)}
        for name, value in given.items():
            if name not in known:
                raise self._error(table, name, f"is none of {', '.join(sorted(known))}")
            if value < 0:
                raise self._error(f"{table}.{name}", value, "must not be negative")
        return kind(**given)

    def _addresses(self, name: str, given: list[str]) -> tuple[bytes, ...]:
        return tuple(self._bytes(name, one) for one in given)

    def _bytes(self, name: str, text: str, size: int = 20) -> bytes:
        try:
            found = bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            found = b""
        if len(found) != size or not any(found):
            raise self._error(name, text, f"must be {size} bytes in hex, not all 0")
        return found

    def _error(self, name: str, value: object, why: str) -> DeploymentError:
        return DeploymentError(f"{self._path}: {name}: {value!r} {why}")


def read(path: Path) -> DeploymentFile:
    """Raises DeploymentError for a file that cannot be read, lacks something or has more than it should."""
    try:
        file = msgspec.toml.decode(path.read_bytes(), type=_File)
    except (OSError, ValueError) as error:
        raise DeploymentError(f"{path}: {error}") from error
    return DeploymentFile(path, file)
