"""A case: environment, pre-state and transactions; and what came of it on some implementation."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from coincurve import PrivateKey

from jovay.chain.rlp import Item
from jovay.chain.rlp import encode as rlp
from jovay.chain.rules import fake_exponential
from jovay.conformance.state_tests import DEFAULT_BLOB_SCHEDULE

from .hashing import keccak256

LEGACY, ACCESS_LIST, DYNAMIC_FEE, BLOB, SET_CODE = range(5)
CHAIN_ID = 1
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@cache
def private_key(index: int) -> PrivateKey:
    """Key ``index`` ≥ 0 of the fixed row of keys that cases use."""
    return PrivateKey(keccak256(b"jovay differential key %d" % index))


@cache
def address_of_key(index: int) -> int:
    return int.from_bytes(keccak256(private_key(index).public_key.format(False)[1:])[12:])


@cache
def block_hash(number: int) -> bytes:
    """Hash of an earlier block, by the convention of state tests: Keccak-256 of the number in decimal."""
    return keccak256(str(number).encode())


def address_bytes(address: int) -> bytes:
    return address.to_bytes(20)


@dataclass(slots=True)
class Account:
    """An account of the pre-state."""

    balance: int = 0
    nonce: int = 0
    code: bytes = b""
    storage: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Environment:
    """The block; ``excess_blob_gas`` decides the blob base fee."""

    fork: str
    number: int
    timestamp: int
    gas_limit: int
    base_fee: int
    excess_blob_gas: int
    prevrandao: int
    coinbase: int

    @property
    def blob_base_fee(self) -> int:
        fraction = DEFAULT_BLOB_SCHEDULE[self.fork]["baseFeeUpdateFraction"]
        return fake_exponential(1, self.excess_blob_gas, fraction)

    @property
    def max_blobs(self) -> int:
        return DEFAULT_BLOB_SCHEDULE[self.fork]["max"]


@dataclass(slots=True)
class Authorization:
    """An EIP-7702 tuple, signed by key ``key``; ``tamper`` changes (y_parity, r, s) after signing."""

    key: int
    chain_id: int
    target: int
    nonce: int
    tamper: str = ""

    def item(self) -> list[Item]:
        """The RLP item of the tuple."""
        body: list[Item] = [self.chain_id, address_bytes(self.target), self.nonce]
        signature = private_key(self.key).sign_recoverable(keccak256(b"\x05" + rlp(body)), hasher=None)
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
        parity = signature[64]
        if self.tamper == "high s":
            s, parity = SECP256K1_ORDER - s, parity ^ 1
        elif self.tamper == "parity":
            parity = 2 + self.nonce % 200
        elif self.tamper == "r":
            r = r % 7
        elif self.tamper == "s":
            s = 0
        return [*body, parity, r, s]


@dataclass(slots=True)
class Transaction:
    """A transaction of type 0 to 4, signed by key ``key``. Legacy and type 1 pay ``max_fee``."""

    kind: int
    key: int
    nonce: int
    gas_limit: int
    to: int | None
    value: int
    data: bytes
    max_fee: int
    max_priority_fee: int = 0
    access_list: list[tuple[int, list[int]]] = field(default_factory=list)
    max_blob_fee: int = 0
    blob_hashes: list[bytes] = field(default_factory=list)
    authorizations: list[Authorization] = field(default_factory=list)
    protected: bool = True

    @property
    def sender(self) -> int:
        return address_of_key(self.key)

    def fields(self) -> list[Item]:
        """The signed fields, in their order."""
        to = b"" if self.to is None else address_bytes(self.to)
        if self.kind == LEGACY:
            return [self.nonce, self.max_fee, self.gas_limit, to, self.value, self.data]
        fees = [self.max_fee] if self.kind == ACCESS_LIST else [self.max_priority_fee, self.max_fee]
        entries: list[Item] = [
            [address_bytes(a), [k.to_bytes(32) for k in keys]] for a, keys in self.access_list
        ]
        fields: list[Item] = [CHAIN_ID, self.nonce, *fees, self.gas_limit, to, self.value, self.data, entries]
        if self.kind == BLOB:
            fields += [self.max_blob_fee, list(self.blob_hashes)]
        elif self.kind == SET_CODE:
            fields.append([a.item() for a in self.authorizations])
        return fields

    def raw(self) -> bytes:
        """The signed transaction (EIP-155, EIP-2718)."""
        fields, prefix = self.fields(), b"" if self.kind == LEGACY else bytes([self.kind])
        protected = self.kind == LEGACY and self.protected
        payload = prefix + rlp([*fields, CHAIN_ID, 0, 0] if protected else fields)
        signature = private_key(self.key).sign_recoverable(keccak256(payload), hasher=None)
        v = signature[64] + (CHAIN_ID * 2 + 35 if protected else 27 if self.kind == LEGACY else 0)
        return prefix + rlp([*fields, v, int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])])

    def gas_price(self, base_fee: int) -> int:
        """The effective gas price (EIP-1559)."""
        if self.kind in (LEGACY, ACCESS_LIST):
            return self.max_fee
        return base_fee + min(self.max_priority_fee, self.max_fee - base_fee)


@dataclass(slots=True)
class Case:
    """``commit_each``: the kernel commits after each transaction, rather than once behind the last."""

    seed: int
    environment: Environment
    accounts: dict[int, Account]
    transactions: list[Transaction]
    commit_each: bool = False


@dataclass(slots=True, frozen=True)
class Log:
    address: int
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(slots=True)
class Ran:
    """What came of one transaction. ``output`` is None where an implementation does not tell it."""

    valid: bool
    success: bool = False
    gas_used: int = 0
    output: bytes | None = b""
    logs: tuple[Log, ...] = ()
    why: str = ""


@dataclass(slots=True)
class PostAccount:
    balance: int
    nonce: int
    code_hash: bytes
    storage: dict[int, int]


@dataclass(slots=True)
class Outcome:
    """Results of the transactions, and the state after the last."""

    ran: list[Ran]
    accounts: dict[int, PostAccount]

    def difference(self, other: Outcome) -> list[str]:
        """Where ``other`` differs, in words; empty if nowhere."""
        found: list[str] = []
        for i, (a, b) in enumerate(zip(self.ran, other.ran, strict=True)):
            for name in ("valid", "success", "gas_used", "output", "logs"):
                one, two = getattr(a, name), getattr(b, name)
                if one != two and (name != "output" or (one is not None and two is not None)):
                    found.append(f"transaction {i}: {name} {_short(one)} | {_short(two)} ({a.why} | {b.why})")
        for address in sorted(self.accounts.keys() | other.accounts.keys()):
            one, two = self.accounts.get(address), other.accounts.get(address)
            if one != two:
                found.append(f"account {address:#042x}: {_describe(one, two)}")
        return found


def _short(value: Any) -> str:
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) < 200 else text[:200] + "…"


def _describe(one: PostAccount | None, two: PostAccount | None) -> str:
    if one is None or two is None:
        return f"{one} | {two}"
    parts = [
        f"{name} {_short(getattr(one, name))} | {_short(getattr(two, name))}"
        for name in ("balance", "nonce", "code_hash")
        if getattr(one, name) != getattr(two, name)
    ]
    for key in sorted(one.storage.keys() | two.storage.keys()):
        if one.storage.get(key, 0) != two.storage.get(key, 0):
            parts.append(f"slot {key:#x} {one.storage.get(key, 0):#x} | {two.storage.get(key, 0):#x}")
    return "; ".join(parts)
