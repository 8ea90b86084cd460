"""Block headers as RLP, in the field order of the execution specs."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from . import rlp
from .types import Header

#: Fields in the order of the encoding; later forks append.
_NAMES = (
    "parent_hash",
    "uncles_hash",
    "coinbase",
    "state_root",
    "transactions_root",
    "receipts_root",
    "logs_bloom",
    "difficulty",
    "number",
    "gas_limit",
    "gas_used",
    "timestamp",
    "extra_data",
    "mix_hash",
    "nonce",
    "base_fee_per_gas",
    "withdrawals_root",
    "blob_gas_used",
    "excess_blob_gas",
    "parent_beacon_block_root",
    "requests_hash",
)
_NUMBERS = {
    "difficulty",
    "number",
    "gas_limit",
    "gas_used",
    "timestamp",
    "base_fee_per_gas",
    "blob_gas_used",
    "excess_blob_gas",
}


def encode_header(header: Header) -> bytes:
    """The header's RLP; fields of later forks end the list where they are None."""
    fields: list[rlp.Item] = []
    for name in _NAMES:
        value = getattr(header, name)
        if value is None:
            break
        fields.append(value)
    return rlp.encode(fields)


def decode_header(encoded: bytes) -> Header:
    """A header from the RLP that ``encode_header`` wrote (hash and size left empty)."""
    values: dict[str, bytes | int] = {}
    for name, item in zip(_NAMES, rlp.decode_list(encoded), strict=False):
        assert isinstance(item, bytes)
        values[name] = int.from_bytes(item, "big") if name in _NUMBERS else item
    return Header(hash=bytes(32), **values)  # type: ignore[arg-type]


def header_with_hash(header: Header, digest: bytes, size: int) -> Header:
    """The header with its hash and the size of its block."""
    return msgspec.structs.replace(header, hash=digest, size=size)


def block_size(
    header_size: int, offsets: npt.NDArray[np.uint32], transactions: bytes, withdrawals: bool
) -> int:
    """Bytes of a block's RLP: header, transactions (cut by ``offsets``), no uncles and, where the fork has them, no
    withdrawals.
    """
    starts, sizes = offsets[:-1], np.diff(offsets).astype(np.int64)
    listed = int(sizes.sum())
    if len(starts):
        # Typed transactions stand in the list as strings.
        typed = sizes[np.frombuffer(transactions, np.uint8)[starts] < 0xC0]
        listed += int((1 + (typed > 55) + (typed > 0xFF) + (typed > 0xFFFF) + (typed > 0xFFFFFF)).sum())
    payload = header_size + len(rlp.header(listed, 0xC0)) + listed + 1 + withdrawals
    return payload + len(rlp.header(payload, 0xC0))
