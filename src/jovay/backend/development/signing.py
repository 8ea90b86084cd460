"""Signatures with the development accounts' well-known keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from coincurve import PrivateKey

from jovay.chain.development import DEVELOPMENT_ADDRESSES, DEVELOPMENT_KEYS
from jovay.chain.envelope import envelope, signing_payload
from jovay.chain.types import Address, Hash32, Transaction
from jovay.rpc.backend.errors import BackendError
from jovay.simulation.requests import Call


def transaction_of(call: Call, chain_id: int) -> Transaction:
    """The unsigned transaction that a call with nonce, gas and price describes."""
    if call.nonce is None or call.gas is None:
        raise BackendError("a transaction needs a nonce and gas")
    dynamic = call.max_fee_per_gas is not None
    if call.authorization_list is not None:
        kind = 4
    elif call.blob_versioned_hashes is not None:
        kind = 3
    elif dynamic:
        kind = 2
    else:
        kind = 0 if call.access_list is None else 1
    return Transaction(
        type=kind,
        hash=bytes(32),
        sender=call.sender,
        nonce=call.nonce,
        gas=call.gas,
        to=call.to,
        value=call.value,
        input=call.data,
        gas_price=None if kind >= 2 else call.gas_price or 0,
        max_fee_per_gas=call.max_fee_per_gas if kind >= 2 else None,
        max_priority_fee_per_gas=(call.max_priority_fee_per_gas or 0) if kind >= 2 else None,
        chain_id=chain_id if kind else None,
        access_list=(call.access_list or ()) if kind else None,
        max_fee_per_blob_gas=call.max_fee_per_blob_gas,
        blob_versioned_hashes=call.blob_versioned_hashes,
        authorization_list=call.authorization_list,
    )


class Keys:
    """The keys, by address."""

    def __init__(self, chain_id: int, keccak: Callable[[bytes], bytes]) -> None:
        self._chain_id, self._keccak = chain_id, keccak
        pairs = zip(DEVELOPMENT_ADDRESSES, DEVELOPMENT_KEYS, strict=True)
        self._keys = {bytes.fromhex(address): PrivateKey(bytes.fromhex(key)) for address, key in pairs}

    def addresses(self) -> Sequence[Address]:
        """Addresses whose keys are here."""
        return list(self._keys)

    def __contains__(self, address: Address) -> bool:
        return address in self._keys

    def sign(self, address: Address, digest: Hash32) -> bytes:
        """r ‖ s ‖ v (27/28)."""
        key = self._keys.get(address)
        if key is None:
            raise BackendError("unknown account")
        signature: bytes = key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes((signature[64] + 27,))

    def sign_transaction(self, call: Call) -> bytes:
        """Signed envelope."""
        unsigned = transaction_of(call, self._chain_id)
        signature = self.sign(call.sender, self._keccak(signing_payload(unsigned, self._chain_id)))
        parity = signature[64] - 27
        v = parity if unsigned.type else parity + 35 + 2 * self._chain_id
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        return envelope(msgspec.structs.replace(unsigned, v=v, r=r, s=s))
