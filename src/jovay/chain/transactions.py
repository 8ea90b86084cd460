"""Stored transactions as values: raw bytes (checked when they came in) and the sender that was found then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from . import rlp
from .types import L1_MESSAGE_TYPE, AccessEntry, Address, Authorization, Hash32, Transaction

L2_MAILBOX = b"\x61" + bytes(19)
"""Recipient of every L1 message."""
_POSITION_OF_TO = {0: 3, 1: 4, 2: 5, 3: 5, 4: 5}


def transaction_type(raw: bytes) -> int:
    """EIP-2718 type: 0 for a legacy transaction, which begins with a list."""
    return raw[0] if raw[0] <= L1_MESSAGE_TYPE else 0


def recipient(raw: bytes) -> Address | None:
    """Where a transaction goes, None for a creation; reads no further than that."""
    kind = transaction_type(raw)
    if kind == L1_MESSAGE_TYPE:
        return L2_MAILBOX
    at = 0 if kind == 0 else 1
    head = raw[at]
    at += 1 if head < 0xF8 else head - 0xF6
    for _ in range(_POSITION_OF_TO[kind]):  # numbers, none of them longer than 32 bytes
        head = raw[at]
        at += 1 if head < 0x80 else head - 0x7F
    return raw[at + 1 : at + 21] if raw[at] == 0x94 else None


def decode_transaction(raw: bytes, sender: Address, digest: Hash32) -> Transaction:
    """The transaction that ``raw`` encodes; ``sender`` and ``digest`` are known from the store or the pool."""
    kind = transaction_type(raw)
    if kind == 0:
        return _legacy(rlp.decode_list(raw), sender, digest)
    items = rlp.decode_list(raw[1:])
    if kind == L1_MESSAGE_TYPE:
        nonce, gas, data = items
        return Transaction(
            type=kind,
            hash=digest,
            sender=sender,
            nonce=_number(nonce),
            gas=_number(gas),
            to=L2_MAILBOX,
            value=0,
            input=_bytes(data),
            gas_price=0,
        )
    return _typed(kind, items, sender, digest)


def _legacy(items: list[rlp.Decoded], sender: Address, digest: Hash32) -> Transaction:
    nonce, price, gas, to, value, data, v, r, s = items
    signed = _number(v)
    return Transaction(
        type=0,
        hash=digest,
        sender=sender,
        nonce=_number(nonce),
        gas=_number(gas),
        to=_bytes(to) or None,
        value=_number(value),
        input=_bytes(data),
        gas_price=_number(price),
        chain_id=(signed - 35) // 2 if signed >= 35 else None,
        v=signed,
        r=_number(r),
        s=_number(s),
    )


def _typed(kind: int, items: list[rlp.Decoded], sender: Address, digest: Hash32) -> Transaction:
    chain_id, nonce, tip = items[:3]
    dynamic = kind >= 2
    fee = items[3] if dynamic else tip
    gas, to, value, data, access = items[3 + dynamic : 8 + dynamic]
    v, r, s = items[-3:]
    return Transaction(
        type=kind,
        hash=digest,
        sender=sender,
        nonce=_number(nonce),
        gas=_number(gas),
        to=_bytes(to) or None,
        value=_number(value),
        input=_bytes(data),
        gas_price=None if dynamic else _number(fee),
        max_fee_per_gas=_number(fee) if dynamic else None,
        max_priority_fee_per_gas=_number(tip) if dynamic else None,
        chain_id=_number(chain_id),
        access_list=tuple(map(_access_entry, access)),
        max_fee_per_blob_gas=_number(items[9]) if kind == 3 else None,
        blob_versioned_hashes=tuple(map(_bytes, items[10])) if kind == 3 else None,
        authorization_list=tuple(map(_authorization, items[9])) if kind == 4 else None,
        v=_number(v),
        r=_number(r),
        s=_number(s),
    )


def _bytes(item: rlp.Decoded | int) -> bytes:
    if not isinstance(item, bytes):
        raise ValueError("an RLP list where a string should be")
    return item


def _number(item: rlp.Decoded) -> int:
    return int.from_bytes(_bytes(item), "big")


def _access_entry(item: rlp.Decoded | int) -> AccessEntry:
    address, keys = cast(Sequence[rlp.Decoded], item)
    return AccessEntry(_bytes(address), tuple(map(_bytes, keys)))


def _authorization(item: rlp.Decoded | int) -> Authorization:
    chain_id, address, nonce, parity, r, s = cast(Sequence[rlp.Decoded], item)
    return Authorization(
        _number(chain_id), _bytes(address), _number(nonce), _number(parity), _number(r), _number(s)
    )
