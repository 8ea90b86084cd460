"""What a chain's RPC tells of blocks, logs, transactions and receipts, checked as it comes in. Hashes have 32 bytes,
addresses 20; amounts are wei."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from jovay.bridge.errors import L1AnswerError

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")


@dataclass(frozen=True, slots=True)
class L1Block:
    """A header; ``timestamp`` in seconds. Fees and blob gas are 0 where the fork has none."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int
    base_fee: int
    gas_limit: int
    gas_used: int
    excess_blob_gas: int


@dataclass(frozen=True, slots=True)
class L1Log:
    """A log and where it stands; ``index`` counts in its block."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    index: int


@dataclass(frozen=True, slots=True)
class L1Transaction:
    """A transaction, which has no block (None) while it waits. ``to`` is None for a creation."""

    hash: bytes
    sender: bytes
    to: bytes | None
    nonce: int
    value: int
    input: bytes
    gas: int
    max_fee: int
    max_priority_fee: int
    max_blob_fee: int
    versioned_hashes: tuple[bytes, ...]
    block_number: int | None
    block_hash: bytes | None


@dataclass(frozen=True, slots=True)
class L1Receipt:
    """What came of a transaction; ``succeeded`` is false for one that reverted."""

    transaction_hash: bytes
    block_number: int
    block_hash: bytes
    succeeded: bool
    gas_used: int
    gas_price: int
    blob_gas_used: int
    blob_gas_price: int
    contract_address: bytes | None
    logs: tuple[L1Log, ...]

    @property
    def cost(self) -> int:
        """Wei that gas and blob gas took."""
        return self.gas_used * self.gas_price + self.blob_gas_used * self.blob_gas_price


@dataclass(frozen=True, slots=True)
class FeeHistory:
    """Base fees of blocks from ``oldest`` on, the next one's last; ``rewards`` by block and percentile asked for."""

    oldest: int
    base_fees: tuple[int, ...]
    blob_base_fees: tuple[int, ...]
    rewards: tuple[tuple[int, ...], ...]


def quantity(value: object, what: str) -> int:
    """0x-hex of an unsigned number of 256 bits. Raises L1AnswerError."""
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return int(value, 16)
    raise L1AnswerError(what, value)


def octets(value: object, what: str, size: int | None = None) -> bytes:
    """0x-hex of bytes, so many of them. Raises L1AnswerError."""
    if isinstance(value, str) and value.startswith("0x"):
        try:
            found = bytes.fromhex(value[2:])
        except ValueError:
            raise L1AnswerError(what, value) from None
        if size is None or len(found) == size:
            return found
    raise L1AnswerError(what, value)


def sequence(value: object, what: str) -> list[Any]:
    """A JSON array. Raises L1AnswerError."""
    if not isinstance(value, list):
        raise L1AnswerError(what, value)
    return value


class _Fields:
    """A JSON object, read member by member."""

    def __init__(self, value: object, what: str) -> None:
        if not isinstance(value, dict):
            raise L1AnswerError(what, value)
        self.value, self._what = value, what

    def number(self, name: str, default: int | None = None) -> int:
        found = self.value.get(name)
        return default if found is None and default is not None else quantity(found, f"{self._what}.{name}")

    def count(self, name: str) -> int:
        """A number of blocks, logs or seconds, of which none has more than 63 bits."""
        found = self.number(name)
        if found >> 63:
            raise L1AnswerError(f"{self._what}.{name}", found)
        return found

    def octets(self, name: str, size: int | None = None) -> bytes:
        return octets(self.value.get(name), f"{self._what}.{name}", size)

    def maybe(self, name: str, size: int) -> bytes | None:
        return None if self.value.get(name) is None else self.octets(name, size)

    def each(self, name: str) -> list[Any]:
        return sequence(self.value.get(name) or [], f"{self._what}.{name}")


def block(value: object) -> L1Block:
    """Reads a block object."""
    fields = _Fields(value, "a block")
    return L1Block(
        number=fields.count("number"),
        hash=fields.octets("hash", 32),
        parent_hash=fields.octets("parentHash", 32),
        timestamp=fields.count("timestamp"),
        base_fee=fields.number("baseFeePerGas", 0),
        gas_limit=fields.number("gasLimit"),
        gas_used=fields.number("gasUsed"),
        excess_blob_gas=fields.number("excessBlobGas", 0),
    )


def log(value: object) -> L1Log:
    """Reads a log of a mined block."""
    fields = _Fields(value, "a log")
    if fields.value.get("removed"):
        raise L1AnswerError("a log's removed", True)
    return L1Log(
        address=fields.octets("address", 20),
        topics=tuple(octets(topic, "a log's topic", 32) for topic in fields.each("topics")),
        data=fields.octets("data"),
        block_number=fields.count("blockNumber"),
        block_hash=fields.octets("blockHash", 32),
        transaction_hash=fields.octets("transactionHash", 32),
        index=fields.count("logIndex"),
    )


def transaction(value: object) -> L1Transaction:
    """Reads a transaction; one of an older type has its gas price as both fees."""
    fields = _Fields(value, "a transaction")
    price = fields.number("gasPrice", 0)
    waits = fields.value.get("blockHash") is None
    hashes = fields.each("blobVersionedHashes")
    return L1Transaction(
        hash=fields.octets("hash", 32),
        sender=fields.octets("from", 20),
        to=fields.maybe("to", 20),
        nonce=fields.number("nonce"),
        value=fields.number("value"),
        input=fields.octets("input"),
        gas=fields.number("gas"),
        max_fee=fields.number("maxFeePerGas", price),
        max_priority_fee=fields.number("maxPriorityFeePerGas", price),
        max_blob_fee=fields.number("maxFeePerBlobGas", 0),
        versioned_hashes=tuple(octets(one, "a versioned hash", 32) for one in hashes),
        block_number=None if waits else fields.count("blockNumber"),
        block_hash=None if waits else fields.octets("blockHash", 32),
    )


def receipt(value: object) -> L1Receipt:
    """Reads a receipt."""
    fields = _Fields(value, "a receipt")
    return L1Receipt(
        transaction_hash=fields.octets("transactionHash", 32),
        block_number=fields.count("blockNumber"),
        block_hash=fields.octets("blockHash", 32),
        succeeded=fields.number("status") == 1,
        gas_used=fields.number("gasUsed"),
        gas_price=fields.number("effectiveGasPrice"),
        blob_gas_used=fields.number("blobGasUsed", 0),
        blob_gas_price=fields.number("blobGasPrice", 0),
        contract_address=fields.maybe("contractAddress", 20),
        logs=tuple(log(one) for one in fields.each("logs")),
    )


def fee_history(value: object) -> FeeHistory:
    """Reads what eth_feeHistory tells."""
    fields = _Fields(value, "a fee history")

    def numbers(found: object) -> tuple[int, ...]:
        return tuple(quantity(one, "a fee") for one in sequence(found, "fees"))

    return FeeHistory(
        oldest=fields.number("oldestBlock"),
        base_fees=numbers(fields.each("baseFeePerGas")),
        blob_base_fees=numbers(fields.each("baseFeePerBlobGas")),
        rewards=tuple(numbers(one) for one in fields.each("reward")),
    )
