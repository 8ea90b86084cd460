"""Bytes → ``Transaction``: strict about encodings and widths, as the consensus rules are.

What depends on the chain or the state is judged later: the chain id, fees and their order, nonces, gas
limits, intrinsic gas, the emptiness of blob and authorization lists, sizes of init code.
"""

from jovay.kernel.hashes.keccak import keccak256
from jovay.kernel.lang import U64, U256, Ptr, Table, address_of, copy, fill, kernel, load8
from jovay.kernel.rlp import (
    TOO_LONG,
    TOO_SHORT,
    Cursor,
    close,
    fail,
    open_list,
    take_string,
    take_u64,
    take_u256,
)

from .lists import take_access_list, take_authorizations, take_blob_hashes
from .record import ACCESS_LIST, BLOB, L1_MESSAGE, LEGACY, SET_CODE, TRANSACTION_SIZE, Transaction
from .signing import SECP256K1_HALF_ORDER, SECP256K1_ORDER, signing_payload
from .status import BLOB_SIDECAR, CHAIN_ID_TOO_LARGE, INVALID_SIGNATURE, TYPE_NOT_SUPPORTED, TYPED_TOO_SHORT

#: Sender of L1 messages, and the L2 mailbox they go to.
L1_RELAYER_ALIAS = Table(U64, [0x51])
L2_MAILBOX = Table(U64, [0x61])


@kernel
def decode(raw: Ptr, size: U64, tx: Transaction, scratch: Ptr) -> U64:
    """Decode ``size`` bytes at ``raw``, which must outlive ``tx``; with hash and signing hash.

    ``scratch`` has room for ``size + SIGNING_OVERHEAD`` bytes. Returns a status (see ``status``); if it is
    not 0, only ``kind`` is of use.
    """
    status = parse(raw, size, tx)
    if status == 0:
        keccak256(raw, size, tx.hash)
        if tx.kind != L1_MESSAGE:
            keccak256(scratch, signing_payload(tx, scratch), tx.signing_hash)
    return status


@kernel(inline=False)
def parse(raw: Ptr, size: U64, tx: Transaction) -> U64:
    """``decode`` without the hashes."""
    fill(address_of(tx), U64(0), U64(TRANSACTION_SIZE))
    tx.raw, tx.raw_size = raw, size
    if size == 0:
        return U64(TYPED_TOO_SHORT)
    kind, cursor = load8(raw), Cursor(tx.cursor)
    if kind > L1_MESSAGE:
        open_list(cursor, raw, raw + size)
        return _legacy(tx, cursor)
    tx.kind = kind
    if kind == LEGACY or (kind > SET_CODE and kind != L1_MESSAGE):
        return U64(TYPE_NOT_SUPPORTED)
    if size == 1:
        return U64(TYPED_TOO_SHORT)
    open_list(cursor, raw + 1, raw + size)
    if kind == L1_MESSAGE:
        return _l1_message(tx, cursor)
    if kind == BLOB and _is_list(cursor):
        return U64(BLOB_SIDECAR)
    return _typed(tx, cursor)


@kernel
def _is_list(cursor: Cursor) -> bool:
    return cursor.at != cursor.end and load8(cursor.at) >= 0xC0


@kernel(inline=False)
def _legacy(tx: Transaction, cursor: Cursor) -> U64:
    tx.signed = cursor.at
    tx.nonce = take_u64(cursor)
    tx.max_fee = take_u256(cursor)
    tx.max_priority_fee = tx.max_fee
    tx.gas_limit = take_u64(cursor)
    _take_to(tx, cursor, False)
    tx.value = take_u256(cursor)
    _take_data(tx, cursor)
    tx.signed_size = cursor.at - tx.signed
    v = take_u256(cursor)
    tx.r = take_u256(cursor)
    tx.s = take_u256(cursor)
    status = close(cursor)
    return status if status != 0 else _legacy_signature(tx, v)


@kernel
def _legacy_signature(tx: Transaction, v: U256) -> U64:
    """EIP-155: v is 27 or 28 without replay protection, else 35 + 2·chain_id + y_parity."""
    if v == 27 or v == 28:
        tx.y_parity = U64(v) - 27
        return _signature_range(tx)
    if v < 35:
        return U64(INVALID_SIGNATURE)
    chain = (v - 35) >> 1
    if chain >> 64 != 0:
        return U64(CHAIN_ID_TOO_LARGE)
    tx.has_chain_id, tx.chain_id, tx.y_parity = U64(1), U64(chain), U64(v - 35) & 1
    return _signature_range(tx)


@kernel
def _signature_range(tx: Transaction) -> U64:
    """r in [1, n), s in [1, n/2] (EIP-2), parity a bit."""
    if tx.r == 0 or tx.r >= SECP256K1_ORDER or tx.s == 0 or tx.s > SECP256K1_HALF_ORDER:
        return U64(INVALID_SIGNATURE)
    return U64(INVALID_SIGNATURE) if tx.y_parity > 1 else U64(0)


@kernel(inline=False)
def _typed(tx: Transaction, cursor: Cursor) -> U64:
    """Types 1 to 4 (EIP-2930, 1559, 4844, 7702) differ in a few fields only."""
    tx.signed, tx.has_chain_id = cursor.at, U64(1)
    tx.chain_id = take_u64(cursor)
    tx.nonce = take_u64(cursor)
    tx.max_priority_fee = take_u256(cursor)
    tx.max_fee = tx.max_priority_fee if tx.kind == ACCESS_LIST else take_u256(cursor)
    tx.gas_limit = take_u64(cursor)
    _take_to(tx, cursor, tx.kind >= BLOB)
    tx.value = take_u256(cursor)
    _take_data(tx, cursor)
    take_access_list(tx, cursor)
    if tx.kind == BLOB:
        tx.max_blob_fee = take_u256(cursor)
        take_blob_hashes(tx, cursor)
    elif tx.kind == SET_CODE:
        take_authorizations(tx, cursor)
    tx.signed_size = cursor.at - tx.signed
    parity = take_u256(cursor)
    tx.r = take_u256(cursor)
    tx.s = take_u256(cursor)
    status = close(cursor)
    if status != 0:
        return status
    if parity > 1:
        return U64(INVALID_SIGNATURE)
    tx.y_parity = U64(parity)
    return _signature_range(tx)


@kernel(inline=False)
def _l1_message(tx: Transaction, cursor: Cursor) -> U64:
    """0x7f ‖ RLP[nonce, gas, data]: from the L1 relayer's alias to the L2 mailbox, free and unsigned."""
    tx.nonce = take_u64(cursor)
    tx.gas_limit = take_u64(cursor)
    _take_data(tx, cursor)
    tx.has_to = U64(1)
    copy(tx.to, address_of(L2_MAILBOX), U64(1))
    copy(tx.sender, address_of(L1_RELAYER_ALIAS), U64(1))
    return close(cursor)


@kernel(inline=False)
def _take_to(tx: Transaction, cursor: Cursor, required: bool) -> None:
    """The recipient: 20 bytes, or none for a creation where that is allowed."""
    at, size = take_string(cursor)
    if size == 20:
        tx.has_to = U64(1)
        copy(tx.to, at, U64(20))
    elif size > 20:
        fail(cursor, U64(TOO_LONG))
    elif size != 0 or required:
        fail(cursor, U64(TOO_SHORT))


@kernel(inline=False)
def _take_data(tx: Transaction, cursor: Cursor) -> None:
    """Calldata or init code, with its bytes counted for gas."""
    at, size = take_string(cursor)
    tx.data, tx.data_size = at, size
    zeros = U64(0)
    for i in range(size):
        zeros += U64(load8(at + i) == 0)
    tx.zero_bytes, tx.nonzero_bytes = zeros, size - zeros
