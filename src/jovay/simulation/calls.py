"""Calls as the kernel's ``Transaction`` records: nothing is signed, the sender is given."""

from __future__ import annotations

from dataclasses import dataclass

from jovay.chain import rlp
from jovay.chain import types as chain
from jovay.kernel.protocol.forks import BERLIN, LONDON
from jovay.kernel.transaction.record import ACCESS_LIST, BLOB, DYNAMIC_FEE, LEGACY, SET_CODE, Transaction
from jovay.native.records import new_record

from .requests import Call


@dataclass(frozen=True, slots=True)
class Prices:
    """What a call offers, wei per gas; ``named`` is false for a call that is free."""

    max_fee: int
    max_priority_fee: int

    @property
    def named(self) -> bool:
        """Whether the call names any price above zero."""
        return bool(self.max_fee or self.max_priority_fee)


def prices_of(call: Call) -> Prices:
    """The two prices; a gas price stands for both."""
    if call.gas_price is not None:
        return Prices(call.gas_price, call.gas_price)
    return Prices(call.max_fee_per_gas or 0, call.max_priority_fee_per_gas or 0)


def kind_of(call: Call, fork: int) -> int:
    """The transaction type that has what the call has."""
    if call.authorization_list is not None:
        return SET_CODE
    if call.blob_versioned_hashes is not None:
        return BLOB
    if fork >= LONDON and call.gas_price is None:
        return DYNAMIC_FEE
    return ACCESS_LIST if call.access_list and fork >= BERLIN else LEGACY


def unsigned(
    call: Call, kind: int, chain_id: int, nonce: int, gas: int, fees: tuple[int, int]
) -> chain.Transaction:
    """The transaction that a call would be, without hash and signature; ``fees`` are cap and tip."""
    dynamic = kind >= DYNAMIC_FEE
    return chain.Transaction(
        type=kind,
        hash=bytes(32),
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
        max_fee_per_blob_gas=(call.max_fee_per_blob_gas or 0) if kind == BLOB else None,
        blob_versioned_hashes=call.blob_versioned_hashes if kind == BLOB else None,
        authorization_list=call.authorization_list if kind == SET_CODE else None,
    )


class CallRecord:
    """A call as the record that the kernel executes, which lives as long as this object."""

    def __init__(self, call: Call, kind: int, gas: int, nonce: int, raw: bytes = b"") -> None:
        self.call, self.kind, self.gas, self.nonce, self.raw = call, kind, gas, nonce, raw
        prices = prices_of(call)
        access = b"".join(
            [rlp.encode((entry.address, entry.storage_keys)) for entry in call.access_list or ()]
        )
        tuples = call.authorization_list or ()
        authorizations = b"".join(
            [rlp.encode((a.chain_id, a.address, a.nonce, a.y_parity, a.r, a.s)) for a in tuples]
        )
        hashes = call.blob_versioned_hashes or () if kind == BLOB else ()
        zeros = call.data.count(0)
        self.transaction = new_record(
            Transaction,
            {
                "sender": call.sender,
                "to": call.to or bytes(20),
                "kind": kind,
                "nonce": nonce,
                "gas_limit": gas,
                "has_to": int(call.to is not None),
                "max_fee": prices.max_fee,
                "max_priority_fee": prices.max_priority_fee,
                "value": call.value,
                "max_blob_fee": call.max_fee_per_blob_gas or 0,
                "data": call.data,
                "data_size": len(call.data),
                "zero_bytes": zeros,
                "nonzero_bytes": len(call.data) - zeros,
                "access_list": access,
                "access_list_size": len(access),
                "access_addresses": len(call.access_list or ()),
                "access_keys": sum([len(entry.storage_keys) for entry in call.access_list or ()]),
                "authorizations": authorizations,
                "authorizations_size": len(authorizations),
                "authorization_count": len(tuples),
                "blob_hashes": b"".join([rlp.encode(h) for h in hashes]),
                "blob_count": len(hashes),
                "raw": raw,
                "raw_size": len(raw),
            },
        )
