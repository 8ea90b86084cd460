"""Requests as signed transactions, and what servers answer to them."""

from __future__ import annotations

from eth_utils.crypto import keccak

from jovay.bridge.errors import L1RpcError
from jovay.bridge.l1.answers import Answer, understood
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.fees import Fees
from jovay.bridge.l1.keys import Signer, signed
from jovay.bridge.l1.records import L1Block, L1Transaction
from jovay.bridge.l1.sidecars import Sidecar, wrapper
from jovay.bridge.l1.transaction_store import Attempt, Entry, Request, TransactionStore
from jovay.bridge.wire import blobs as kzg
from jovay.chain.hexadecimal import hexed
from jovay.chain.types import Transaction


class Sender:
    """Signs for one account on one chain, and sends. Sidecars are computed once and kept in ``store``."""

    def __init__(self, client: L1Client, signer: Signer, store: TransactionStore, chain_id: int) -> None:
        self._client, self._signer, self._store, self._chain_id = client, signer, store, chain_id

    def call(self, entry: Entry) -> dict[str, object]:
        """The request as a call object."""
        request = entry.request
        call: dict[str, object] = {"from": hexed(self._signer.address), "to": hexed(request.to)}
        call |= {"data": hexed(request.data), "value": hex(request.value)}
        if hashes := self.hashes(entry):
            call |= {"blobVersionedHashes": list(map(hexed, hashes))}
        return call

    def hashes(self, entry: Entry) -> tuple[bytes, ...]:
        """Versioned hashes of the request's blobs."""
        return self._sidecar(entry).versioned_hashes if entry.has_blobs else ()

    def does(self, found: L1Transaction, entry: Entry) -> bool:
        """Whether a transaction that somebody else sent does what the request asks for."""
        request = entry.request
        asked = (request.to, request.data, request.value, self.hashes(entry))
        return (found.to, found.input, found.value, found.versioned_hashes) == asked

    def attempt(
        self,
        request: Request,
        nonce: int,
        fees: Fees,
        gas: int,
        head: L1Block,
        hashes: tuple[bytes, ...] = (),
    ) -> Attempt:
        """Signs: type 3 with ``hashes``, else 2. Raises SignerError."""
        unsigned = Transaction(
            type=3 if hashes else 2,
            hash=b"",
            sender=self._signer.address,
            nonce=nonce,
            gas=gas,
            to=request.to,
            value=request.value,
            input=request.data,
            max_fee_per_gas=fees.fee,
            max_priority_fee_per_gas=fees.tip,
            chain_id=self._chain_id,
            max_fee_per_blob_gas=fees.blob_fee if hashes else None,
            blob_versioned_hashes=hashes or None,
        )
        raw = signed(unsigned, self._signer)
        return Attempt(keccak(raw), raw, nonce, fees, head.number)

    def broadcast(self, entry: Entry, attempt: Attempt) -> tuple[Answer, str | None]:
        """Hand it to the server; its answer, and what it says instead of taking it.

        The answer proves nothing: what has become of a transaction is told by the chain.
        """
        raw = attempt.raw
        if entry.has_blobs:
            sidecar = self._sidecar(entry)
            if sidecar.version != wrapper(self._client):
                sidecar = self._compute(entry, b"".join(sidecar.blobs))
            raw = sidecar.wrap(raw)
        try:
            self._client.send_raw(raw)
        except L1RpcError as error:
            answer = understood(error.message)
            return answer, None if answer is Answer.TAKEN else error.message
        return Answer.TAKEN, None

    def _sidecar(self, entry: Entry) -> Sidecar:
        """Blobs with commitments and proofs, in whichever wrapper they were computed for."""
        found = self._store.blobs(entry)
        return found if isinstance(found, Sidecar) else self._compute(entry, found)

    def _compute(self, entry: Entry, blobs: bytes) -> Sidecar:
        parts = [blobs[at : at + kzg.SIZE] for at in range(0, len(blobs), kzg.SIZE)]
        sidecar = Sidecar.of(parts, wrapper(self._client))
        self._store.set_sidecar(entry, sidecar)
        return sidecar
