"""What is deployed on L1, as transactions of one account: every address follows from its first nonce, so contracts can
name each other, and L2's genesis can name them, before any of them is there (contracts/README.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field, fields
from typing import Final

from eth_utils.crypto import keccak

from jovay.bridge import artifacts
from jovay.bridge.genesis import Oracle, Roles, settled_genesis
from jovay.bridge.l1.contracts import Contract, creation_code
from jovay.bridge.l1.series import Step
from jovay.chain import rlp
from jovay.chain.genesis import Genesis
from jovay.chain.settled import SettledConfig
from jovay.chain.settlement import Settlement
from jovay.chain.types import Header

HOUR, DAY = 3_600, 86_400
NOBODY: Final = bytes(20)
#: Batches that a measurement is allowed for: all.
_ALL_BATCHES: Final = (0, (1 << 64) - 1)
#: What a constructor may take beyond its code, and a call of the timelock for each of its parts.
_CONSTRUCTION_GAS: Final = 1_000_000
_CALL_GAS: Final = 100_000
#: What it takes to keep a verification key.
_KEY_GAS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds, as ``contracts/src/lib/Clocks.sol`` explains them (T0, T3, T1, T2, pause, block times)."""

    inclusion: int = HOUR
    unproven: int = DAY
    opening: int = 3 * DAY
    exodus: int = 7 * DAY
    pause: int = DAY
    ahead: int = 60
    behind: int = 3 * DAY


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages from L1: the most and the least gas of one, wei for a gas; how many, of how much gas, a batch owes."""

    most_gas: int = 10_000_000
    least_gas: int = 300_000
    price: int = 10_000_000
    forced: int = 100
    forced_gas: int = 30_000_000


@dataclass(frozen=True, slots=True)
class Attestation:
    """The TEE side: the key (x, y) of the root that quotes chain to, measurements that are allowed at once, the worst
    TCB status of a machine, and whether quotes of the simulated platform are taken instead of Intel's.
    """

    root: tuple[bytes, bytes]
    measurements: tuple[bytes, ...] = ()
    worst_status: int = 1
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Proving:
    """The ZK side, as ``ZkVerifier``'s constructor takes it: the proven program's ``digest``, the ``entry`` at which it
    begins, ``key`` of the addresses of the contracts with the chips' formulas (``formulas``, names of artefacts), and
    ``setup``, which is for a development L1 alone if it is a ``development`` one.
    """

    digest: bytes
    entry: int
    key: Callable[[Sequence[bytes]], tuple[object, ...]]
    setup: tuple[object, ...]
    formulas: tuple[str, ...]
    development: bool

    def addresses(self, deployer: bytes, nonce: int) -> list[bytes]:
        """Of the contracts of formulas and of ``ZkVerifier``, the last, when they are created from a nonce on."""
        return [creation_address(deployer, nonce + n) for n in range(len(self.formulas) + 1)]

    def creations(self, owner: bytes, council: bytes, addresses: Sequence[bytes]) -> list[Step]:
        """Their creation."""
        arguments = owner, council, self.entry, self.key(addresses[:-1]), self.setup
        return [*map(_creation, self.formulas), _creation("ZkVerifier", *arguments, more=_KEY_GAS)]


@dataclass(frozen=True, slots=True)
class Settings:
    """All that is chosen for a deployment; addresses have 20 bytes.

    ``proposers`` and ``executors`` are the timelock's, which owns everything; without executors everyone is one.
    ``timelock_delay`` in seconds. Without ``proving`` nothing becomes final.
    """

    config: SettledConfig
    council: bytes
    relayers: tuple[bytes, ...]
    proposers: tuple[bytes, ...]
    attestation: Attestation
    proving: Proving | None = None
    executors: tuple[bytes, ...] = ()
    timelock_delay: int = 8 * DAY
    clocks: Clocks = Clocks()
    messages: Messages = Messages()
    roles: Roles = field(default_factory=Roles)
    oracle: Oracle = field(default_factory=Oracle)


@dataclass(frozen=True, slots=True)
class Addresses:
    """The contracts, in the order in which they are created."""

    timelock: bytes
    tee_collateral: bytes
    tee_verifier: bytes
    rollup: bytes
    l1_mailbox: bytes
    l1_eth_bridge: bytes
    l1_erc20_bridge: bytes
    escape_hatch: bytes

    @classmethod
    def of(cls, deployer: bytes, nonce: int) -> Addresses:
        """When the account creates them with its nonces from this one on."""
        return cls(*(creation_address(deployer, nonce + n) for n in range(len(fields(cls)))))

    def settlement(self, l1_chain_id: int, deployed_at: int, config: SettledConfig) -> Settlement:
        """What the genesis file says."""
        contracts = {one.name: getattr(self, one.name) for one in fields(self)}
        return Settlement(l1_chain_id=l1_chain_id, deployed_at=deployed_at, config=config, **contracts)

    def contract(self, name: str) -> Contract:
        """Of an artefact."""
        return Contract(name, getattr(self, CONTRACTS[name]))


#: The contracts' artefacts, and the field that has the address of each.
CONTRACTS: Final = {
    "TimelockController": "timelock",
    "TEECollateral": "tee_collateral",
    "TEEVerifier": "tee_verifier",
    "Rollup": "rollup",
    "L1Mailbox": "l1_mailbox",
    "L1ETHBridge": "l1_eth_bridge",
    "L1ERC20Bridge": "l1_erc20_bridge",
    "EscapeHatch": "escape_hatch",
}


def creation_address(sender: bytes, nonce: int) -> bytes:
    """Of the contract that an account creates."""
    return keccak(rlp.encode([sender, nonce]))[12:]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment by one account from its nonce ``first`` on; ``timestamp`` (seconds) is L2's block 0's."""

    settings: Settings
    l1_chain_id: int
    deployer: bytes
    first: int
    timestamp: int

    @property
    def addresses(self) -> Addresses:
        """Where everything will be."""
        return Addresses.of(self.deployer, self.first)

    @property
    def proving_addresses(self) -> list[bytes]:
        """Of the ZK side's contracts, ``ZkVerifier`` last; they come after all others."""
        proving = self.settings.proving
        return proving.addresses(self.deployer, self.first + len(fields(Addresses))) if proving else []

    @property
    def rules(self) -> tuple[bytes, bytes, bytes, bytes]:
        """The first ones: configuration, both verifiers, the proven program."""
        settings, at = self.settings, self.addresses
        zk = (
            (self.proving_addresses[-1], settings.proving.digest) if settings.proving else (NOBODY, bytes(32))
        )
        return settings.config.hash, at.tee_verifier, *zk

    def genesis(self, deployed_at: int = 0) -> Genesis:
        """L2's; its block and state do not depend on the block of L1 that has ``Rollup``'s creation."""
        settlement = self.addresses.settlement(self.l1_chain_id, deployed_at, self.settings.config)
        return settled_genesis(settlement, self.settings.roles, self.timestamp, self.settings.oracle)

    def steps(self, block: Header) -> list[Step]:
        """The transactions; ``block`` is L2's block 0."""
        settings, at = self.settings, self.addresses
        attestation, messages = settings.attestation, settings.messages
        verifier = (
            at.timelock, settings.council, at.tee_collateral, attestation.simulated, attestation.worst_status,
        )  # fmt: skip
        mailbox = (
            at.rollup, at.timelock, at.escape_hatch, [at.l1_eth_bridge, at.l1_erc20_bridge],
            messages.price, messages.most_gas, messages.least_gas,
        )  # fmt: skip
        token_code = keccak(artifacts.load("BridgedERC20").bytecode)
        return [
            self._timelock(),
            _creation("TEECollateral", attestation.root),
            _creation("TEEVerifier", verifier),
            _creation("Rollup", self._rollup(block)),
            _creation("L1Mailbox", mailbox),
            _creation("L1ETHBridge", at.l1_mailbox),
            _creation("L1ERC20Bridge", at.l1_mailbox, at.escape_hatch, token_code),
            _creation("EscapeHatch", at.rollup, at.l1_mailbox, at.l1_erc20_bridge),
            *self._proving(),
            *self._first_decision(),
        ]

    def _proving(self) -> list[Step]:
        proving, at = self.settings.proving, self.addresses
        if proving is None:
            return []
        return proving.creations(at.timelock, self.settings.council, self.proving_addresses)

    def _rollup(self, block: Header) -> tuple[object, ...]:
        settings, at = self.settings, self.addresses
        clocks, messages = settings.clocks, settings.messages
        return (
            settings.config.chain_id, at.l1_mailbox, at.timelock, settings.council, list(settings.relayers),
            astuple(clocks), messages.forced, messages.forced_gas,
            self.rules,
            (block.state_root, bytes(32), block.hash, self.timestamp * 1_000),
        )  # fmt: skip

    # ---- the timelock

    def _timelock(self) -> Step:
        """It begins without a delay and with the deployer, who takes its first decision."""
        proposers = list(dict.fromkeys((self.deployer, *self.settings.proposers)))
        executors = list(dict.fromkeys((self.deployer, *(self.settings.executors or (NOBODY,)))))
        return _creation("TimelockController", 0, proposers, executors, NOBODY)

    def _first_decision(self) -> list[Step]:
        """Allow the measurements, set the delay, and let go of the deployer where it is not to stay."""
        settings, at = self.settings, self.addresses
        verifier, timelock = at.contract("TEEVerifier"), at.contract("TimelockController")
        calls = [
            (verifier.address, verifier.encode("allowMeasurement", measurement, *_ALL_BATCHES))
            for measurement in settings.attestation.measurements
        ]
        calls.append((timelock.address, timelock.encode("updateDelay", settings.timelock_delay)))
        leaves = [] if self.deployer in settings.proposers else ["PROPOSER_ROLE", "CANCELLER_ROLE"]
        leaves += [] if self.deployer in settings.executors else ["EXECUTOR_ROLE"]
        for role in leaves:
            calls.append((timelock.address, timelock.encode("revokeRole", keccak(text=role), self.deployer)))
        return decision(timelock, calls, bytes(32))


def decision(timelock: Contract, calls: Sequence[tuple[bytes, bytes]], salt: bytes) -> list[Step]:
    """Calls (target, calldata) by a timelock that does not wait; a salt is used once for the same calls."""
    targets, payloads = [target for target, _ in calls], [payload for _, payload in calls]
    operation = targets, [0] * len(calls), payloads, bytes(32), salt
    gas = 21_000 + _CALL_GAS * (1 + len(calls))
    return [
        Step("timelock: schedule", timelock.address, timelock.encode("scheduleBatch", *operation, 0), gas),
        Step("timelock: execute", timelock.address, timelock.encode("executeBatch", *operation), gas),
    ]


def _creation(name: str, *arguments: object, more: int = 0) -> Step:
    """The gas: intrinsic (EIP-2028, EIP-3860), 200 for a byte of code, and room for the constructor, ``more`` of it."""
    code = creation_code(name, *arguments)
    gas = 53_000 + 16 * len(code) + len(code) // 16 + 200 * len(artifacts.load(name).runtime)
    return Step(name, None, code, gas + _CONSTRUCTION_GAS + more)


def deposits(addresses: Addresses, messages: Messages, to: Sequence[bytes], amount: int) -> list[Step]:
    """Ether for accounts on L2, ``amount`` wei each, sent through the bridge; what fails goes back to each on L2."""
    bridge = addresses.contract("L1ETHBridge")
    value = amount + messages.price * (gas := messages.least_gas + DEPOSIT_DATA_GAS)
    return [
        Step(
            f"deposit for 0x{one.hex()}",
            bridge.address,
            bridge.encode("deposit", one, amount, gas, one),
            250_000,
            value,
        )
        for one in to
    ]


#: What the calldata of an ether deposit's message add to the least gas: 40 a byte of its call and the call around it.
DEPOSIT_DATA_GAS: Final = 40 * (4 + 7 * 32 + 4 * 32)
