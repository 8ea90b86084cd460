"""Collateral on L1: what Intel, or the simulated platform, signs of machines, as ``TEECollateral`` is given it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from dcap_qvl import QuoteCollateralV3
from eth_utils.crypto import keccak

from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract
from jovay.bridge.l1.series import Step
from jovay.prover.tee.errors import CollateralError

Key = tuple[bytes, bytes]
"""A P-256 key: x and y, 32 bytes each."""

#: What a byte of a certificate, of a revocation list (whose entries are stored) and of JSON takes at most on L1;
#: what the rest takes; EIP-7825's most.
_GAS_OF_CERTIFICATE, _GAS_OF_LIST, _GAS_OF_JSON, _GAS, _MOST_GAS = 400, 1_000, 1_800, 500_000, 1 << 24


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of one kind of machine, as Intel's service has them (``QuoteCollateralV3``)."""

    root: x509.Certificate
    platform_ca: x509.Certificate
    signer: x509.Certificate
    found: QuoteCollateralV3

    @classmethod
    def of(cls, found: QuoteCollateralV3) -> Documents:
        """Raises CollateralError when a chain is not a certificate of a P-256 key and the root's."""
        platform_ca, root = _chain(found.pck_crl_issuer_chain, "PCK CRL")
        signer, other = _chain(found.tcb_info_issuer_chain, "TCB info")
        if other != root or _chain(found.qe_identity_issuer_chain, "QE identity") != (signer, root):
            raise CollateralError("TCB info and QE identity are not signed under one root by one key")
        return cls(root, platform_ca, signer, found)

    @classmethod
    def from_json(cls, text: str) -> Documents:
        """In the form of dcap-qvl. Raises CollateralError."""
        try:
            return cls.of(QuoteCollateralV3.from_json(text))
        except (ValueError, TypeError) as error:
            raise CollateralError(f"no collateral in dcap-qvl's form: {error}") from error

    @property
    def root_key(self) -> Key:
        """What ``TEECollateral`` is deployed with."""
        return _key(self.root)

    @property
    def fmspc(self) -> bytes:
        """The kind of machine that the TCB info is of, 6 bytes. Raises CollateralError."""
        try:
            fmspc = bytes.fromhex(json.loads(self.found.tcb_info)["fmspc"])
        except (ValueError, KeyError, TypeError) as error:
            raise CollateralError("the TCB info names no kind of machine") from error
        return fmspc

    def postings(self, contract: Contract) -> list[Step]:
        """Transactions that post all of it, in the order in which one is checked by the other."""
        root, authority, signer = (key_hash(one) for one in (self.root, self.platform_ca, self.signer))
        found = self.found
        certificates = [one.public_bytes(Encoding.DER) for one in (self.platform_ca, self.signer)]

        def step(name: str, function: str, document: bytes, gas: int, *more: bytes) -> Step:
            data = contract.encode(function, document, *more)
            most = min(_GAS + gas * len(document), _MOST_GAS)
            return Step(f"collateral: {name}", contract.address, data, most)

        return [
            step("root's revocation list", "postRevocationList", found.root_ca_crl, _GAS_OF_LIST, root),
            step("PCK CA", "postCertificate", certificates[0], _GAS_OF_CERTIFICATE),
            step("signer", "postCertificate", certificates[1], _GAS_OF_CERTIFICATE),
            step("PCK CA's revocation list", "postRevocationList", found.pck_crl, _GAS_OF_LIST, authority),
            step("TCB info", "postTcbInfo", found.tcb_info.encode(), _GAS_OF_JSON, found.tcb_info_signature, signer),
            step(
                "QE identity", "postQeIdentity", found.qe_identity.encode(), _GAS_OF_JSON,
                found.qe_identity_signature, signer,
            ),
        ]  # fmt: skip

    def expiry(self, client: L1Client, contract: Contract) -> int:
        """Second until which all that L1 has of these machines holds; 0 when something is missing."""
        lists = [
            contract.read(client, "revocationLists", key_hash(one))[1]
            for one in (self.root, self.platform_ca)
        ]
        certificates = [
            contract.read(client, "authorities", key_hash(one))[3] for one in (self.platform_ca, self.signer)
        ]
        info, identity = contract.read(client, "tcbInfo", self.fmspc), contract.read(client, "qeIdentity")
        return int(min(*lists, *certificates, info[0][1], identity[0][1]))

    def renewal(self, client: L1Client, contract: Contract, within: int) -> list[Step]:
        """What is to be posted when something on L1 is missing or ends in so many seconds; else nothing."""
        due = client.head().timestamp + within
        return [] if self.expiry(client, contract) > due else self.postings(contract)


def _chain(pem: str, what: str) -> tuple[x509.Certificate, x509.Certificate]:
    try:
        one, root = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise CollateralError(f"the chain of the {what} is not a certificate and the root's") from error
    return one, root


def _key(certificate: x509.Certificate) -> Key:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CollateralError(f"the key of {certificate.subject.rfc4514_string()} is not on P-256")
    numbers = key.public_numbers()
    return numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")


def key_hash(certificate: x509.Certificate) -> bytes:
    """By which ``TEECollateral`` knows a key."""
    return keccak(b"".join(_key(certificate)))
