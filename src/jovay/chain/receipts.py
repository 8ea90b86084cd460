"""Encodings, blooms and roots of blocks that Python puts together."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from jovay.compiler.native import Library
from jovay.kernel.trie import mpt
from jovay.native.hashing import keccak256
from jovay.simulation.requests import Call, CallLog, CallResult

from . import rlp
from .types import EMPTY_TRIE_ROOT, Hash32, Transaction, Withdrawal

#: Scratch of ``mpt.ordered_root``: a fixed part, per value, and the values' bytes once more.
_FIXED, _PER_VALUE = 1 << 20, 4096


def ordered_root(library: Library, values: Sequence[bytes]) -> Hash32:
    """Merkle-Patricia root of a list under the keys rlp(0), rlp(1), …"""
    if not values:
        return EMPTY_TRIE_ROOT
    joined = b"".join(values)
    data = ctypes.create_string_buffer(joined, len(joined) + 1)
    pairs = (ctypes.c_uint64 * (2 * len(values)))()
    at = ctypes.addressof(data)
    for k, value in enumerate(values):
        pairs[2 * k], pairs[2 * k + 1] = at, len(value)
        at += len(value)
    out = ctypes.create_string_buffer(32)
    scratch = ctypes.create_string_buffer(_FIXED + _PER_VALUE * len(values) + len(joined))
    status = library[mpt.ordered_root](
        len(values), ctypes.addressof(pairs), ctypes.addressof(out), ctypes.addressof(scratch)
    )
    assert status == 0
    return out.raw


def logs_bloom(library: Library, logs: Sequence[CallLog]) -> bytes:
    """The bloom filter over addresses and topics (Yellow Paper, 4.3.1)."""
    bloom = 0
    for entry in {part for log in logs for part in (log.address, *log.topics)}:
        digest = keccak256(library, entry)
        for k in (0, 2, 4):
            bloom |= 1 << (int.from_bytes(digest[k : k + 2], "big") & 2047)
    return bloom.to_bytes(256, "big")


def encode_receipt(
    kind: int, result: CallResult, cumulative_gas: int, bloom: bytes, logs: Sequence[CallLog]
) -> bytes:
    """EIP-2718 consensus encoding of a receipt."""
    entries = [(log.address, log.topics, log.data) for log in logs]
    payload = rlp.encode((int(result.halt is None), cumulative_gas, bloom, entries))
    return payload if kind == 0 else bytes((kind,)) + payload


def encode_withdrawal(withdrawal: Withdrawal) -> bytes:
    """EIP-4895."""
    w = withdrawal
    return rlp.encode((w.index, w.validator_index, w.address, w.amount))


def unsigned_envelope(
    call: Call, kind: int, chain_id: int, nonce: int, gas: int, fees: tuple[int, int]
) -> bytes:
    """The transaction that a call would be, with zeros for a signature; ``fees`` are cap and tip."""
    access = [(entry.address, entry.storage_keys) for entry in call.access_list or ()]
    common: list[rlp.Item] = [gas, call.to or b"", call.value, call.data]
    if kind == 0:
        return rlp.encode([nonce, fees[0], *common, 0, 0, 0])
    price: list[rlp.Item] = [fees[0]] if kind == 1 else [fees[1], fees[0]]
    fields: list[rlp.Item] = [chain_id, nonce, *price, *common, access]
    if kind == 3:
        fields += [call.max_fee_per_blob_gas or 0, list(call.blob_versioned_hashes or ())]
    if kind == 4:
        tuples = call.authorization_list or ()
        fields.append([(a.chain_id, a.address, a.nonce, a.y_parity, a.r, a.s) for a in tuples])
    return bytes((kind,)) + rlp.encode([*fields, 0, 0, 0])


def unsigned_transaction(
    call: Call, kind: int, chain_id: int, nonce: int, gas: int, fees: tuple[int, int], digest: Hash32
) -> Transaction:
    """The same as a value."""
    dynamic = kind >= 2
    return Transaction(
        type=kind,
        hash=digest,
        sender=call.sender,
        nonce=nonce,
        gas=gas,
        to=call.to,
        value=call.value,
        input=call.data,
        gas_price=None if dynamic else fees[0],
        max_fee_per_gas=fees[0] if dynamic else None,
        max_priority_fee_per_gas=fees[1] if dynamic else None,
        chain_id=chain_id if kind else None,
        access_list=(call.access_list or ()) if kind else None,
        max_fee_per_blob_gas=(call.max_fee_per_blob_gas or 0) if kind == 3 else None,
        blob_versioned_hashes=call.blob_versioned_hashes if kind == 3 else None,
        authorization_list=call.authorization_list if kind == 4 else None,
    )
