"""Block headers: made from an environment and what came of it, and as RLP in the field order of the execution specs."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt

from jovay.kernel.protocol.forks import CANCUN, LONDON, PRAGUE, SHANGHAI

from . import rlp
from .environment import BlockEnvironment
from .types import EMPTY_REQUESTS_HASH, EMPTY_TRIE_ROOT, Hash32, Header, Withdrawal

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


def header_of(
    env: BlockEnvironment,
    *,
    state_root: Hash32,
    transactions_root: Hash32 = EMPTY_TRIE_ROOT,
    receipts_root: Hash32 = EMPTY_TRIE_ROOT,
    logs_bloom: bytes = bytes(256),
    gas_used: int = 0,
    blob_gas_used: int = 0,
    withdrawals_root: Hash32 = EMPTY_TRIE_ROOT,
    parent_beacon_block_root: Hash32 = bytes(32),
) -> Header:
    """The header of a block made in ``env``, with the fields that its fork has; hash and size are left empty.

    No block carries execution requests (EIP-7685), and ``excess_blob_gas`` is 0.
    """
    cancun = env.fork >= CANCUN
    return Header(
        number=env.number,
        hash=bytes(32),
        parent_hash=env.parent_hash,
        coinbase=env.coinbase.to_bytes(20, "big"),
        state_root=state_root,
        transactions_root=transactions_root,
        receipts_root=receipts_root,
        logs_bloom=logs_bloom,
        gas_limit=env.gas_limit,
        gas_used=gas_used,
        timestamp=env.timestamp,
        mix_hash=env.prevrandao.to_bytes(32, "big"),
        difficulty=env.difficulty,
        base_fee_per_gas=env.base_fee if env.fork >= LONDON else None,
        withdrawals_root=withdrawals_root if env.fork >= SHANGHAI else None,
        blob_gas_used=blob_gas_used if cancun else None,
        excess_blob_gas=0 if cancun else None,
        parent_beacon_block_root=parent_beacon_block_root if cancun else None,
        requests_hash=EMPTY_REQUESTS_HASH if env.fork >= PRAGUE else None,
    )


def sealed(
    header: Header,
    keccak: Callable[[bytes], Hash32],
    offsets: npt.NDArray[np.uint32],
    transactions: bytes,
    withdrawals: bytes = b"",
) -> tuple[bytes, Header]:
    """RLP of a header, and the header with its hash and the size of its block."""
    encoded = encode_header(header)
    listed = None if header.withdrawals_root is None else withdrawals
    size = block_size(len(encoded), offsets, transactions, listed)
    return encoded, msgspec.structs.replace(header, hash=keccak(encoded), size=size)


def encode_withdrawal(withdrawal: Withdrawal) -> bytes:
    """EIP-4895."""
    w = withdrawal
    return rlp.encode((w.index, w.validator_index, w.address, w.amount))


def block_size(
    header_size: int, offsets: npt.NDArray[np.uint32], transactions: bytes, withdrawals: bytes | None
) -> int:
    """Bytes of a block's RLP: header, transactions (cut by ``offsets``), no uncles and, where the fork has them, the
    ``withdrawals`` (encoded, back to back).
    """
    starts, sizes = offsets[:-1], np.diff(offsets).astype(np.int64)
    listed = int(sizes.sum())
    if len(starts):
        # Typed transactions stand in the list as strings.
        typed = sizes[np.frombuffer(transactions, np.uint8)[starts] < 0xC0]
        listed += int((1 + (typed > 55) + (typed > 0xFF) + (typed > 0xFFFF) + (typed > 0xFFFFFF)).sum())
    payload = header_size + len(rlp.header(listed, 0xC0)) + listed + 1
    if withdrawals is not None:
        payload += len(rlp.encode_list(withdrawals))
    return payload + len(rlp.header(payload, 0xC0))
