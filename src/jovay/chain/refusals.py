"""Refusals of transactions with the place where they do not decode, as geth tells it."""

from __future__ import annotations

from jovay.kernel.rlp import MORE_THAN_ONE_VALUE, TOO_FEW_ELEMENTS, TOO_MANY_ELEMENTS
from jovay.kernel.transaction.status import (
    IN_ACCESS_LIST,
    IN_AUTHORIZATIONS,
    IN_BLOB_HASHES,
    IN_STORAGE_KEYS,
    OK,
)

from .reasons import INVALID, RLP, UNDECODABLE, UNFINISHED

_DYNAMIC = "ChainID Nonce GasTipCap GasFeeCap Gas To Value Data AccessList".split()
_SIGNATURE = ["V", "R", "S"]
_FIELDS = {
    0: ("LegacyTx", ["Nonce", "GasPrice", "Gas", "To", "Value", "Data", *_SIGNATURE]),
    1: ("AccessListTx", "ChainID Nonce GasPrice Gas To Value Data AccessList".split() + _SIGNATURE),
    2: ("DynamicFeeTx", _DYNAMIC + _SIGNATURE),
    3: ("BlobTx", [*_DYNAMIC, "BlobFeeCap", "BlobHashes", *_SIGNATURE]),
    4: ("SetCodeTx", [*_DYNAMIC, "AuthList", *_SIGNATURE]),
    0x7F: ("L1MessageTx", ["Nonce", "Gas", "Data"]),
}
_PLACES = {
    IN_ACCESS_LIST: "AccessTuple",
    IN_STORAGE_KEYS: "StorageKeys",
    IN_BLOB_HASHES: "Hash",
    IN_AUTHORIZATIONS: "SetCodeAuthorization",
}


def refusal_text(kind: int, status: int) -> str:
    """Why a transaction of type ``kind`` is refused, by a block, by the pool, or as it does not decode."""
    known = INVALID.get(status) or UNFINISHED.get(status)
    return known or decoding_text(kind, status)


def decoding_text(kind: int, status: int) -> str:
    """What a status of decoding says of a transaction of type ``kind``; empty for 0."""
    code, field, place = status & 0xFF, status >> 8 & 0xFF, status >> 16
    if code == OK:
        return ""
    if code not in RLP:
        return UNDECODABLE.get(code) or f"status {status}"
    name, fields = _FIELDS.get(kind, ("LegacyTx", []))
    if code in (TOO_FEW_ELEMENTS, TOO_MANY_ELEMENTS):
        return f"{RLP[code]} for types.{_PLACES.get(place, name)}"
    if code == MORE_THAN_ONE_VALUE or not 0 < field <= len(fields):
        return RLP[code]
    inner = f".{_PLACES[place]}" if place else ""
    return f"{RLP[code]}, decoding into (types.{name}).{fields[field - 1]}{inner}"
