"""Transactions as EIP-2718 envelopes, and what of them is signed; ``transactions`` reads them."""

from __future__ import annotations

from collections.abc import Sequence

from .rlp import Item, encode
from .types import AccessEntry, Authorization, Transaction


def _access_list(entries: Sequence[AccessEntry] | None) -> list[Item]:
    return [[entry.address, list(entry.storage_keys)] for entry in entries or ()]


def _authorizations(items: Sequence[Authorization] | None) -> list[Item]:
    return [[item.chain_id, item.address, item.nonce, item.y_parity, item.r, item.s] for item in items or ()]


def _fields(item: Transaction) -> list[Item]:
    """What comes before the signature."""
    to = item.to or b""
    if item.type == 0:
        return [item.nonce, item.gas_price or 0, item.gas, to, item.value, item.input]
    fields: list[Item] = [item.chain_id or 0, item.nonce]
    if item.type == 1:
        fields.append(item.gas_price or 0)
    else:
        fields += [item.max_priority_fee_per_gas or 0, item.max_fee_per_gas or 0]
    fields += [item.gas, to, item.value, item.input, _access_list(item.access_list)]
    if item.type == 3:
        fields += [item.max_fee_per_blob_gas or 0, list(item.blob_versioned_hashes or ())]
    elif item.type == 4:
        fields.append(_authorizations(item.authorization_list))
    return fields


def _typed(kind: int, fields: list[Item]) -> bytes:
    return (bytes((kind,)) if kind else b"") + encode(fields)


def envelope(transaction: Transaction) -> bytes:
    """EIP-2718 envelope with the signature that the transaction holds (zeros for an unsigned one)."""
    signature: list[Item] = [transaction.v, transaction.r, transaction.s]
    return _typed(transaction.type, _fields(transaction) + signature)


def signing_payload(transaction: Transaction, chain_id: int) -> bytes:
    """The bytes whose Keccak-256 is signed; for a legacy transaction with replay protection (EIP-155)."""
    protection: list[Item] = [] if transaction.type else [chain_id, 0, 0]
    return _typed(transaction.type, _fields(transaction) + protection)
