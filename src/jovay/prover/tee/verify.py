"""Verification of quotes off L1, by dcap-qvl: the whole chain, revocation, identities, TCB."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from dcap_qvl import QuoteCollateralV3, verify_with_root_ca
from dcap_qvl import verify as verify_with_intels_root

from jovay.prover.tee.errors import QuoteRefusedError, TcbStatusError
from jovay.prover.tee.quote import Quote

#: From best to worst, as ``TEEVerifier`` numbers them.
TCB_STATUSES = (
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
    "Revoked",
)
#: What TEEVerifier is deployed to accept.
ACCEPTED_STATUSES = frozenset(TCB_STATUSES[:2])


@dataclass(frozen=True, slots=True)
class Attestation:
    """What a verified quote says; ``measurement`` 32 bytes, ``report_data`` 64."""

    measurement: bytes
    report_data: bytes
    status: str
    advisories: tuple[str, ...]


def verify(
    quote: bytes,
    collateral: QuoteCollateralV3,
    now: int,
    root: bytes | None = None,
    statuses: frozenset[str] = ACCEPTED_STATUSES,
) -> Attestation:
    """Verifies a version 4 TDX quote at a time (seconds) against Intel's root certificate, or another (DER).

    Raises QuoteFormatError, QuoteRefusedError, TcbStatusError.
    """
    decoded = Quote.decode(quote)
    try:
        if root is None:
            found = verify_with_intels_root(quote, collateral, now)
        else:
            found = verify_with_root_ca(quote, collateral, root, now)
    except ValueError as error:
        raise QuoteRefusedError(str(error)) from error
    advisories = tuple(found.advisory_ids)
    if found.status not in statuses:
        raise TcbStatusError(found.status, advisories)
    report = decoded.report
    return Attestation(report.measurement, report.report_data, found.status, advisories)


def der_chain(pem: bytes) -> list[bytes]:
    """Certificates of a PEM chain in DER, in its order."""
    return [one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(pem.rstrip(b"\0"))]
