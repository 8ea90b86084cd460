"""Transactions: EIP-2718 types 0 to 4 and the L1 message (0x7f), from bytes to fields, hashes and senders.

============== ==========================================================================================
``record``     the ``Transaction`` record
``status``     status codes, and what geth says for each
``decode``     bytes → fields, strict; hash and signing hash
``lists``      access lists (EIP-2930), blob hashes (EIP-4844), authorizations (EIP-7702)
``signing``    what is signed
``recovery``   who signed: senders, authorities (EIP-7702)
``batch``      many at a time: hashes in SIMD lanes, arrays for batch recovery
============== ==========================================================================================
"""

from .batch import decode_batch, senders_from_keys, signatures_of
from .decode import decode
from .lists import (
    ACCESS_KEY_STRIDE,
    AUTHORIZATION_SIZE,
    BLOB_HASH_STRIDE,
    AccessEntry,
    Authorization,
    blob_hash,
    next_access_entry,
    next_authorization,
)
from .record import (
    ACCESS_LIST,
    BLOB,
    DYNAMIC_FEE,
    L1_MESSAGE,
    LEGACY,
    SET_CODE,
    TRANSACTION_SIZE,
    Transaction,
)
from .recovery import AUTHORIZATION_SCRATCH, authority_of, recover_address, recover_sender
from .signing import SIGNING_OVERHEAD, signing_payload

__all__ = [
    "ACCESS_KEY_STRIDE",
    "ACCESS_LIST",
    "AUTHORIZATION_SCRATCH",
    "AUTHORIZATION_SIZE",
    "BLOB",
    "BLOB_HASH_STRIDE",
    "DYNAMIC_FEE",
    "L1_MESSAGE",
    "LEGACY",
    "SET_CODE",
    "SIGNING_OVERHEAD",
    "TRANSACTION_SIZE",
    "AccessEntry",
    "Authorization",
    "Transaction",
    "authority_of",
    "blob_hash",
    "decode",
    "decode_batch",
    "next_access_entry",
    "next_authorization",
    "recover_address",
    "recover_sender",
    "senders_from_keys",
    "signatures_of",
    "signing_payload",
]
