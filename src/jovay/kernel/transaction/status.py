"""Status codes of decoding and sender recovery, and the messages that go with them (geth's, mostly).

A status is 0 or ``place << 16 | field << 8 | code``. Codes from 16 to 31 are those of ``rlp``; ``field`` is
then the number of the transaction's field, from 1, and ``place`` the list in it where the error was, if any.
"""

from jovay.kernel.rlp import MESSAGES as RLP_MESSAGES
from jovay.kernel.rlp import MORE_THAN_ONE_VALUE, TOO_FEW_ELEMENTS, TOO_MANY_ELEMENTS

OK = 0
TYPE_NOT_SUPPORTED = 32
TYPED_TOO_SHORT = 33
INVALID_SIGNATURE = 34
CHAIN_ID_TOO_LARGE = 35
BLOB_SIDECAR = 36
RECOVERY_FAILED = 37

#: Places: lists inside a transaction.
IN_ACCESS_LIST = 1
IN_STORAGE_KEYS = 2
IN_BLOB_HASHES = 3
IN_AUTHORIZATIONS = 4

_MESSAGES = {
    TYPE_NOT_SUPPORTED: "transaction type not supported",
    TYPED_TOO_SHORT: "typed transaction too short",
    INVALID_SIGNATURE: "invalid transaction v, r, s values",
    CHAIN_ID_TOO_LARGE: "invalid chain id for signer",
    BLOB_SIDECAR: "blob transactions with sidecars are not supported",
    RECOVERY_FAILED: "recovery failed",
}

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


def message(kind: int, status: int) -> str:
    """What ``status`` of a transaction of type ``kind`` means, in geth's words; empty for 0."""
    code, field, place = status & 0xFF, status >> 8 & 0xFF, status >> 16
    if code == OK:
        return ""
    text = _MESSAGES.get(code) or RLP_MESSAGES.get(code) or f"status {status}"
    name, fields = _FIELDS.get(kind, ("LegacyTx", []))
    if code in (TOO_FEW_ELEMENTS, TOO_MANY_ELEMENTS):
        return f"{text} for types.{_PLACES.get(place, name)}"
    if code not in RLP_MESSAGES or code == MORE_THAN_ONE_VALUE or not 0 < field <= len(fields):
        return text
    inner = f".{_PLACES[place]}" if place else ""
    return f"{text}, decoding into (types.{name}).{fields[field - 1]}{inner}"
