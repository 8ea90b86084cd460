"""Blocks as RLP, read strictly: every field has its form, and nothing stands beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jovay.chain import rlp
from jovay.chain.types import Header, Withdrawal

from .network import Fork, Network
from .refusals import refused

U64, U256 = 1 << 64, 1 << 256
#: EIP-7934: the most bytes of a block.
MAX_BLOCK_SIZE = 8 * (1 << 20)
#: Header fields in their order: bytes of the given size (None: any), or numbers below the given bound.
_FIELDS: dict[str, tuple[str, int | None]] = {
    "parent_hash": ("bytes", 32),
    "uncles_hash": ("bytes", 32),
    "coinbase": ("bytes", 20),
    "state_root": ("bytes", 32),
    "transactions_root": ("bytes", 32),
    "receipts_root": ("bytes", 32),
    "logs_bloom": ("bytes", 256),
    "difficulty": ("number", U256),
    "number": ("number", U64),
    "gas_limit": ("number", U256),
    "gas_used": ("number", U64),
    "timestamp": ("number", U64),
    "extra_data": ("bytes", None),
    "mix_hash": ("bytes", 32),
    "nonce": ("bytes", 8),
    "base_fee_per_gas": ("number", U256),
    "withdrawals_root": ("bytes", 32),
    "blob_gas_used": ("number", U64),
    "excess_blob_gas": ("number", U64),
    "parent_beacon_block_root": ("bytes", 32),
    "requests_hash": ("bytes", 32),
}
NAMES = list(_FIELDS)


@dataclass(frozen=True)
class DecodedBlock:
    """A block's parts. ``transactions`` are raw; ``withdrawals`` None before Shanghai."""

    header: Header
    fork: Fork
    transactions: list[bytes]
    uncles: list[rlp.Decoded]
    withdrawals: list[Withdrawal] | None


def decode_block(data: bytes, network: Network, keccak: Callable[[bytes], bytes]) -> DecodedBlock:
    """Read a block; raises ``RefusedBlockError``."""
    items = _list(_canonical(data), "a block")
    header = decode_header(_list(items[0], "the header") if items else [], network, keccak)
    fork = network.fork(header.timestamp)
    count = 3 if header.withdrawals_root is None else 4
    if len(items) != count:
        names = ("RLP_STRUCTURES_ENCODING", "INCORRECT_BLOCK_FORMAT", "RLP_WITHDRAWALS_NOT_READ")
        raise refused(names[0], f"a block of {len(items)} items, not {count}", *names[1:])
    transactions = [
        item if isinstance(item, bytes) else rlp.encode(item) for item in _list(items[1], "the transactions")
    ]
    withdrawals = None
    if count == 4:
        withdrawals = [_withdrawal(item) for item in _list(items[3], "the withdrawals")]
    return DecodedBlock(header, fork, transactions, _list(items[2], "the uncles"), withdrawals)


def _canonical(data: bytes) -> rlp.Decoded:
    try:
        item = rlp.decode(data)
    except (ValueError, IndexError) as error:
        raise refused("RLP_STRUCTURES_ENCODING", f"no RLP: {error}") from error
    if rlp.encode(item) != data:
        raise refused("RLP_STRUCTURES_ENCODING", "the RLP is not canonical")
    return item


def _list(item: rlp.Decoded, what: str) -> list[rlp.Decoded]:
    if isinstance(item, bytes):
        raise refused("RLP_STRUCTURES_ENCODING", f"{what}: a string where a list should be")
    return item


def decode_header(items: list[rlp.Decoded], network: Network, keccak: Callable[[bytes], bytes]) -> Header:
    """Read a header; raises ``RefusedBlockError``."""
    timestamp = NAMES.index("timestamp")
    if len(items) <= timestamp:
        raise refused("INCORRECT_BLOCK_FORMAT", f"a header of {len(items)} fields", "RLP_STRUCTURES_ENCODING")
    wanted = network.fork(_number(items[timestamp], "timestamp", U64)).header_fields
    if len(items) != wanted:
        raise refused(
            "INCORRECT_BLOCK_FORMAT",
            f"a header of {len(items)} fields, not {wanted}",
            "RLP_STRUCTURES_ENCODING",
            "INVALID_WITHDRAWALS_ROOT",
            "IMPORT_IMPOSSIBLE_*",
        )
    values: dict[str, bytes | int] = {}
    for name, item in zip(NAMES, items, strict=False):
        kind, size = _FIELDS[name]
        values[name] = _number(item, name, size or 0) if kind == "number" else _bytes(item, name, size)
    return Header(hash=keccak(rlp.encode(items)), **values)  # type: ignore[arg-type]


def _number(item: rlp.Decoded, name: str, bound: int) -> int:
    if not isinstance(item, bytes) or item[:1] == b"\0":
        raise refused("RLP_STRUCTURES_ENCODING", f"{name} is no number", "RLP_INVALID_FIELD_OVERFLOW_64")
    value = int.from_bytes(item, "big")
    if value >= bound:
        raise refused(
            "RLP_INVALID_FIELD_OVERFLOW_64", f"{name} {value:#x} is too large", "RLP_STRUCTURES_ENCODING"
        )
    return value


def _bytes(item: rlp.Decoded, name: str, size: int | None) -> bytes:
    if not isinstance(item, bytes) or size not in (None, len(item)):
        raise refused("RLP_STRUCTURES_ENCODING", f"{name} has not {size} bytes", "RLP_INVALID_ADDRESS")
    return item


def _withdrawal(item: rlp.Decoded) -> Withdrawal:
    fields = _list(item, "a withdrawal")
    if len(fields) != 4:
        raise refused("RLP_STRUCTURES_ENCODING", f"a withdrawal of {len(fields)} fields")
    index, validator = (_number(field, "a withdrawal's index", U64) for field in fields[:2])
    address = _bytes(fields[2], "a withdrawal's address", 20)
    return Withdrawal(index, validator, address, _number(fields[3], "a withdrawal's amount", U64))
