"""The simulated platform's own Intel: root, PCK certificate, revocation lists.

Its keys come from a seed: for development only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from jovay.prover.tee.simulated.sgx_extension import SGX_EXTENSION, sgx_extension

#: In every common name of the chain.
NOT_HARDWARE = "NOT HARDWARE"
ROOT = f"JOVAY SIMULATED TEE ROOT - {NOT_HARDWARE}"
PLATFORM_CA = f"JOVAY SIMULATED PCK PLATFORM CA - {NOT_HARDWARE}"
PCK = f"JOVAY SIMULATED PCK CERTIFICATE - {NOT_HARDWARE}"
SIGNER = f"JOVAY SIMULATED TCB SIGNING - {NOT_HARDWARE}"
_NOT_BEFORE = datetime(2025, 1, 1, tzinfo=UTC)
_NOT_AFTER = datetime(2049, 12, 31, tzinfo=UTC)
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class SimulatedAuthority:
    """Everything that Intel would sign, deterministic for a seed. The seed is no secret: nothing real may trust it."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed

    @classmethod
    def development(cls) -> SimulatedAuthority:
        """The one whose root development chains are deployed with."""
        return cls(b"development")

    def key(self, name: str) -> ec.EllipticCurvePrivateKey:
        """The P-256 key of this name."""
        secret = int.from_bytes(sha256(self._seed + name.encode()).digest())
        return ec.derive_private_key(secret % (_P256_ORDER - 1) + 1, ec.SECP256R1())

    def sign(self, name: str, message: bytes) -> bytes:
        """r ‖ s over the SHA-256 of the message, 64 bytes."""
        der = self.key(name).sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return b"".join(number.to_bytes(32) for number in decode_dss_signature(der))

    @cached_property
    def root(self) -> x509.Certificate:
        """Signed by itself."""
        return self._certificate(ROOT, ROOT, ca=1)

    @cached_property
    def platform_ca(self) -> x509.Certificate:
        """Issues PCK certificates."""
        return self._certificate(PLATFORM_CA, ROOT, ca=0)

    @cached_property
    def signer(self) -> x509.Certificate:
        """Signs TCB info and QE identity."""
        return self._certificate(SIGNER, ROOT)

    @cached_property
    def pck(self) -> x509.Certificate:
        """Provisioning certification key of the only machine that there is."""
        extension = x509.UnrecognizedExtension(SGX_EXTENSION, sgx_extension())
        return self._certificate(PCK, PLATFORM_CA, extensions=(extension,))

    def pem(self, *certificates: x509.Certificate) -> bytes:
        """A chain, root last."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in (*certificates, self.root))

    def crl(self, issuer: str, now: int, days: int = 30, revoked: Sequence[x509.Certificate] = ()) -> bytes:
        """Revocation list in DER, issued at ``now`` (seconds) for some days."""
        issued = datetime.fromtimestamp(now, UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(_name(issuer))
            .last_update(issued)
            .next_update(issued + timedelta(days=days))
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(self._issued_by(issuer), critical=False)
        )
        for one in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(one.serial_number).revocation_date(issued)
            reason = x509.CRLReason(x509.ReasonFlags.key_compromise)
            builder = builder.add_revoked_certificate(entry.add_extension(reason, critical=False).build())
        signed = builder.sign(self.key(issuer), hashes.SHA256(), ecdsa_deterministic=True)
        return signed.public_bytes(Encoding.DER)

    def _issued_by(self, issuer: str) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key(issuer).public_key())

    def _certificate(
        self, subject: str, issuer: str, ca: int | None = None, extensions: Sequence[x509.ExtensionType] = ()
    ) -> x509.Certificate:
        """``ca``: the path length that it may have below it; None for a certificate that issues none."""
        key = self.key(subject).public_key()
        serial = int.from_bytes(sha256(b"serial" + self._seed + subject.encode()).digest()[:19])
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(issuer))
            .public_key(key)
            .serial_number(serial)
            .not_valid_before(_NOT_BEFORE)
            .not_valid_after(_NOT_AFTER)
            .add_extension(self._issued_by(issuer), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_usage(ca is not None), critical=True)
            .add_extension(x509.BasicConstraints(ca is not None, ca), critical=True)
        )
        for one in extensions:
            builder = builder.add_extension(one, critical=False)
        return builder.sign(self.key(issuer), hashes.SHA256(), ecdsa_deterministic=True)


def _usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(not ca, not ca, False, False, False, ca, ca, False, False)


def _name(common_name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Jovay, simulated")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name), organisation])
