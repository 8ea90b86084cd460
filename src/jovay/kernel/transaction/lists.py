"""The lists inside a transaction: checked once while decoding, walked unchecked afterwards."""

from jovay.kernel.lang import U64, U256, Bytes, Ptr, Record, copy, kernel
from jovay.kernel.rlp import (
    EXPECTED_STRING,
    MALFORMED,
    STRING,
    TOO_LONG,
    TOO_SHORT,
    Cursor,
    close,
    enter_list,
    fail,
    item,
    take_bytes,
    take_list,
    take_u64,
    take_u256,
)

from .record import Transaction
from .status import IN_ACCESS_LIST, IN_AUTHORIZATIONS, IN_BLOB_HASHES, IN_STORAGE_KEYS

#: Encoded storage keys and blob hashes follow each other at this distance; the 32 bytes start at offset 1.
ACCESS_KEY_STRIDE = 33
BLOB_HASH_STRIDE = 33


class AccessEntry(Record):
    """An account of an access list; key ``i`` is the 32 bytes at ``keys + 33·i``."""

    account: Ptr
    keys: Ptr
    key_count: U64


class Authorization(Record):
    """One EIP-7702 tuple: ``target`` has the code to delegate to, ``authority`` signed (once recovered)."""

    chain_id: U256
    target: Bytes(20)
    nonce: U64
    y_parity: U64
    r: U256
    s: U256
    authority: Bytes(20)
    signed: Ptr  # the encoded [chain_id, address, nonce]
    signed_size: U64


AUTHORIZATION_SIZE = Authorization.size


@kernel(inline=False)
def take_access_list(tx: Transaction, cursor: Cursor) -> None:
    """Check the next item, an access list, and note where it is and how much it holds."""
    at, size = take_list(cursor)
    end, inner = at + size, Cursor(tx.inner)
    tx.access_list, tx.access_list_size = at, size
    while at != end:
        enter_list(inner, at, end)
        take_bytes(inner, U64(20))
        keys, keys_size = take_list(inner)
        code = close(inner) & 0xFF
        if code != 0:
            fail(cursor, U64(IN_ACCESS_LIST << 16) | code)
            return
        code = _check_hashes(keys, keys_size)
        if code != 0:
            fail(cursor, U64(IN_STORAGE_KEYS << 16) | code)
            return
        tx.access_addresses += 1
        tx.access_keys += keys_size // ACCESS_KEY_STRIDE
        at = inner.end


@kernel
def _check_hashes(at: Ptr, size: U64) -> U64:
    """0 if the payload of a list holds 32-byte strings and nothing else, else the error code of the first."""
    end = at + size
    while at != end:
        payload, length, kind = item(at, end)
        if kind >= MALFORMED:
            return kind
        if kind != STRING:
            return U64(EXPECTED_STRING)
        if length != 32:
            return U64(TOO_SHORT) if length < 32 else U64(TOO_LONG)
        at = payload + 32
    return U64(0)


@kernel(inline=False)
def take_blob_hashes(tx: Transaction, cursor: Cursor) -> None:
    """Check the next item, a list of versioned hashes."""
    payload, size = take_list(cursor)
    tx.blob_hashes, tx.blob_count = payload, size // BLOB_HASH_STRIDE
    code = _check_hashes(payload, size)
    if code != 0:
        fail(cursor, U64(IN_BLOB_HASHES << 16) | code)


@kernel(inline=False)
def take_authorizations(tx: Transaction, cursor: Cursor) -> None:
    """Check the next item, an authorization list: widths only, its signatures are judged later."""
    at, size = take_list(cursor)
    end, inner = at + size, Cursor(tx.inner)
    tx.authorizations, tx.authorizations_size = at, size
    while at != end:
        enter_list(inner, at, end)
        take_u256(inner)
        take_bytes(inner, U64(20))
        take_u64(inner)
        if take_u64(inner) > 0xFF:
            fail(inner, U64(TOO_LONG))
        take_u256(inner)
        take_u256(inner)
        code = close(inner) & 0xFF
        if code != 0:
            fail(cursor, U64(IN_AUTHORIZATIONS << 16) | code)
            return
        tx.authorization_count += 1
        at = inner.end


# ---- walking what was checked ----------------------------------------------------------------------


@kernel
def next_access_entry(at: Ptr, entry: AccessEntry) -> Ptr:
    """Fill ``entry`` from position ``at`` of a checked access list; returns the next position.

    Start at ``tx.access_list``, stop at ``tx.access_list + tx.access_list_size``.
    """
    payload, size, _ = item(at, ~U64(0))
    keys, keys_size, _ = item(payload + 21, ~U64(0))
    entry.account = payload + 1
    entry.keys = keys + 1
    entry.key_count = keys_size // ACCESS_KEY_STRIDE
    return payload + size


@kernel
def blob_hash(tx: Transaction, index: U64) -> Ptr:
    """Address of versioned hash ``index`` < ``tx.blob_count``."""
    return tx.blob_hashes + index * BLOB_HASH_STRIDE + 1


@kernel
def next_authorization(at: Ptr, cursor: Cursor, authorization: Authorization) -> Ptr:
    """Fill ``authorization`` from position ``at`` of a checked list; returns the next position.

    Start at ``tx.authorizations``, stop at ``tx.authorizations + tx.authorizations_size``. ``cursor`` is
    scratch. ``authority`` is left alone: see ``recovery.authority_of``.
    """
    enter_list(cursor, at, ~U64(0))
    authorization.signed = cursor.at
    authorization.chain_id = take_u256(cursor)
    copy(authorization.target, take_bytes(cursor, U64(20)), U64(20))
    authorization.nonce = take_u64(cursor)
    authorization.signed_size = cursor.at - authorization.signed
    authorization.y_parity = take_u64(cursor)
    authorization.r = take_u256(cursor)
    authorization.s = take_u256(cursor)
    return cursor.end
