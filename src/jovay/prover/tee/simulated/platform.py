"""The simulated platform: quotes with the bytes of a version 4 TDX quote, under a root that nothing real trusts."""

from __future__ import annotations

from hashlib import sha256, sha384
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from jovay.prover.tee.errors import PlatformError
from jovay.prover.tee.platform import REPORT_DATA_SIZE
from jovay.prover.tee.quote import (
    ECDSA_P256,
    INTEL_QE_VENDOR,
    TDX,
    VERSION,
    EnclaveReport,
    Quote,
    QuoteHeader,
    SignatureData,
    TdReport,
)
from jovay.prover.tee.simulated.authority import PCK, SimulatedAuthority
from jovay.prover.tee.simulated.collateral import QE_ATTRIBUTES, QE_PRODUCT, QE_SIGNER, QE_SVN
from jovay.prover.tee.simulated.sgx_extension import SGX_SVN, TDX_SVN

#: In the header's user data; MRTD begins with the other.
MARK: Final = b"JOVAY-SIMULATED-TEE\0"
MRTD_MARK: Final = b"SIMULATED"
#: TD attributes: SEPT_VE_DISABLE, and no debugging.
TD_ATTRIBUTES: Final = (1 << 28).to_bytes(8, "little")
_ATTESTATION_KEY = "attestation key"
_AUTH_DATA = bytes(range(32))


class SimulatedPlatform:
    """A TD that "runs" an image: any bytes, of which its measurement follows."""

    name = "simulated"

    def __init__(self, authority: SimulatedAuthority, image: bytes) -> None:
        self._authority, self._image = authority, image

    def measure(self) -> bytes:
        """Of the image."""
        return self.report(bytes(REPORT_DATA_SIZE)).measurement

    def quote(self, report_data: bytes) -> bytes:
        """As real as it gets without hardware."""
        if len(report_data) != REPORT_DATA_SIZE:
            raise PlatformError(f"report data of {len(report_data)} bytes, not {REPORT_DATA_SIZE}")
        return self.sign(_header(), self.report(report_data)).encode()

    def report(self, report_data: bytes) -> TdReport:
        """What the TDX module would say."""
        zeros = bytes(48)
        return TdReport(
            tee_tcb_svn=TDX_SVN,
            mr_seam=self._hash("SEAM"),
            mr_signer_seam=zeros,
            seam_attributes=bytes(8),
            td_attributes=TD_ATTRIBUTES,
            xfam=bytes(8),
            mr_td=(MRTD_MARK + self._hash("MRTD"))[:48],
            mr_config_id=zeros,
            mr_owner=zeros,
            mr_owner_config=zeros,
            rtmr0=self._hash("RTMR0"),
            rtmr1=self._hash("RTMR1"),
            rtmr2=self._hash("RTMR2"),
            rtmr3=self._hash("RTMR3"),
            report_data=report_data,
        )

    def sign(self, header: QuoteHeader, report: TdReport) -> Quote:
        """What the quoting enclave would do."""
        key = self._authority.key(_ATTESTATION_KEY).public_key().public_numbers()
        public = _point(key)
        qe = EnclaveReport(
            cpu_svn=SGX_SVN,
            misc_select=bytes(4),
            reserved1=bytes(28),
            attributes=QE_ATTRIBUTES,
            mr_enclave=MRTD_MARK.ljust(32, b"\0"),
            reserved2=bytes(32),
            mr_signer=QE_SIGNER,
            reserved3=bytes(96),
            isv_prod_id=QE_PRODUCT,
            isv_svn=QE_SVN,
            reserved4=bytes(60),
            report_data=sha256(public + _AUTH_DATA).digest().ljust(64, b"\0"),
        ).encode()
        return Quote(
            header,
            report,
            SignatureData(
                signature=self._authority.sign(_ATTESTATION_KEY, header.encode() + report.encode()),
                attestation_key=public,
                qe_report=qe,
                qe_signature=self._authority.sign(PCK, qe),
                qe_auth_data=_AUTH_DATA,
                pck_chain=self._authority.pem(self._authority.pck, self._authority.platform_ca),
            ),
        )

    def _hash(self, what: str) -> bytes:
        return sha384(what.encode() + self._image).digest()


def _header() -> QuoteHeader:
    return QuoteHeader(VERSION, ECDSA_P256, TDX, bytes(4), INTEL_QE_VENDOR, MARK)


def _point(key: ec.EllipticCurvePublicNumbers) -> bytes:
    return key.x.to_bytes(32) + key.y.to_bytes(32)
