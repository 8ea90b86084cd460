"""The enclave's key on L1: admitted with the whole DCAP chain, watched, and replaced before it expires."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract
from jovay.bridge.l1.transaction_store import Request
from jovay.bridge.l1.transactions import Failed, Pending, TxManager
from jovay.chain.settlement import Settlement
from jovay.prover.tee.collateral import key_hash
from jovay.prover.tee.errors import KeyRevokedError, MeasurementNotAllowedError, RegistrationError
from jovay.prover.tee.launch import EnclaveProcess, Identity
from jovay.prover.tee.protocol import QuoteRequest
from jovay.prover.tee.quote import Quote
from jovay.prover.tee.verify import der_chain

log = logging.getLogger("jovay.prover")

#: The part of a key's life after which another one takes its place.
_WORKING_LIFE: Final = 6 / 7


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What TEEVerifier holds of a key; times in seconds. ``status``: 0 is UpToDate; ``platform``: 0 is TDX, 1 the
    simulated one.
    """

    measurement: bytes
    certificate: bytes
    attested_at: int
    expires_at: int
    status: int
    platform: int
    revoked: bool

    @property
    def replace_at(self) -> int:
        """When another key should take its place."""
        return int(self.attested_at + (self.expires_at - self.attested_at) * _WORKING_LIFE)


class Registrar:
    """Registers keys of enclaves, paid for by one account. Every method raises L1Error too."""

    def __init__(self, client: L1Client, settlement: Settlement, transactions: TxManager) -> None:
        self._client, self._settlement, self._transactions = client, settlement, transactions
        self._verifier = Contract("TEEVerifier", settlement.tee_verifier)
        #: Request that registers an enclave, and how often that was begun.
        self._requests: dict[bytes, str] = {}
        self._head = 0

    def close(self) -> None:
        """Let go of the transactions."""
        self._transactions.close()

    def now(self) -> int:
        """L1's time, seconds."""
        head = self._client.block()
        if head is None:
            raise RegistrationError("L1 has no newest block")
        return head.timestamp

    def record(self, enclave: bytes) -> KeyRecord | None:
        """Of a key that is admitted."""
        found = KeyRecord(*self._verifier.read(self._client, "keyOf", enclave))
        return found if found.attested_at else None

    def admitted(self, enclave: EnclaveProcess) -> KeyRecord | None:
        """The key's record; None while its registration is on its way, which every call takes a step further.

        Raises KeyRevokedError, MeasurementNotAllowedError, RegistrationError with L1's reason.
        """
        identity = enclave.identity
        self._transactions.step()
        record = self.record(identity.enclave)
        if record is None:
            self._require_allowed(identity.measurement)
            self._register(enclave)
            return None
        if self._verifier.read(self._client, "isRevoked", identity.enclave.rjust(32, b"\0")):
            self._require_allowed(identity.measurement)
            raise KeyRevokedError(identity.enclave)
        return record

    def _require_allowed(self, measurement: bytes) -> None:
        _, _, allowed, revoked = self._verifier.read(self._client, "measurements", measurement)
        if revoked or not allowed:
            raise MeasurementNotAllowedError(measurement, self._settlement.tee_verifier, revoked)

    def _register(self, enclave: EnclaveProcess) -> None:
        identity = enclave.identity
        known = self._requests.get(identity.enclave)
        status = self._transactions.status(known) if known else None
        if isinstance(status, Pending) and status.reason:
            raise RegistrationError(
                f"the key 0x{identity.enclave.hex()} waits to be admitted: {status.reason}"
            )
        if known and not isinstance(status, Failed):
            return
        head = self._client.block()
        if head is None or (status and head.number == self._head):
            return
        self._head = head.number
        if isinstance(status, Failed):
            del self._requests[identity.enclave]
            raise RegistrationError(f"the key 0x{identity.enclave.hex()} was not admitted: {status.reason}")
        # The head's own hash is known one block later, and to estimates on the head not at all.
        where = self._settlement.l1_chain_id, self._settlement.tee_verifier
        asked = QuoteRequest(*where, head.number - 1, head.parent_hash)
        key = f"key {identity.enclave.hex()} at block {head.number}"
        call = registration(identity, asked, enclave.quote(asked))
        self._transactions.send(Request(self._settlement.tee_verifier, call, key))
        self._requests[identity.enclave] = key
        log.info(
            "key to be registered",
            extra={"enclave": identity.enclave, "platform": identity.platform, "block": head.number},
        )


def registration(identity: Identity, asked: QuoteRequest, quote: bytes) -> bytes:
    """Calldata of ``TEEVerifier.register``. Raises QuoteFormatError."""
    decoded = Quote.decode(quote)
    pck, issuer, *_ = der_chain(decoded.signatures.pck_chain)
    verifier = Contract("TEEVerifier", asked.verifier)
    arguments = (
        identity.enclave,
        asked.l1_block,
        decoded.without_chain(),
        pck,
        key_hash(x509.load_der_x509_certificate(issuer)),
    )
    return verifier.encode("register", *arguments)
