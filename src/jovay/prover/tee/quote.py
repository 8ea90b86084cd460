"""Intel TDX quotes of version 4: header, TD report body, signature data.

Layout: Intel's "TDX DCAP Quoting Library API", appendix 3; integers are little-endian. The certification data are of
type 6 (report of the quoting enclave), and in them of type 5 (PCK certificate chain as PEM).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from struct import Struct
from typing import Final

from eth_utils.crypto import keccak

from jovay.prover.tee.errors import QuoteFormatError

VERSION: Final = 4
ECDSA_P256: Final = 2
TDX: Final = 0x81
INTEL_QE_VENDOR: Final = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
QE_REPORT_CERTIFICATION: Final = 6
PCK_CHAIN_CERTIFICATION: Final = 5

_HEADER = Struct("<HHI4s16s20s")
_TD_REPORT = Struct("<16s48s48s8s8s8s48s48s48s48s48s48s48s48s64s")
_ENCLAVE_REPORT = Struct("<16s4s28s16s32s32s32s96sHH60s64s")
_U32 = Struct("<I")
_CERTIFICATION = Struct("<HI")
_QE = Struct("<384s64sH")


@dataclass(frozen=True, slots=True)
class QuoteHeader:
    """48 bytes. ``user_data`` (20 bytes) is the quoting enclave's; the simulated platform writes its mark there."""

    version: int
    attestation_key_type: int
    tee_type: int
    reserved: bytes
    qe_vendor: bytes
    user_data: bytes

    def encode(self) -> bytes:
        """As in the quote."""
        return _HEADER.pack(*astuple(self))


@dataclass(frozen=True, slots=True)
class TdReport:
    """What the TDX module says of a trust domain (TD), 584 bytes; measurements are SHA-384, 48 bytes."""

    tee_tcb_svn: bytes
    mr_seam: bytes
    mr_signer_seam: bytes
    seam_attributes: bytes
    td_attributes: bytes
    xfam: bytes
    mr_td: bytes
    mr_config_id: bytes
    mr_owner: bytes
    mr_owner_config: bytes
    rtmr0: bytes
    rtmr1: bytes
    rtmr2: bytes
    rtmr3: bytes
    report_data: bytes

    def encode(self) -> bytes:
        """As in the quote."""
        return _TD_REPORT.pack(*astuple(self))

    @property
    def measurement(self) -> bytes:
        """All that tells what runs in the TD, as L1 names it: Keccak-256 from MRTD to RTMR3 (384 bytes)."""
        return keccak(self.encode()[136:520])


@dataclass(frozen=True, slots=True)
class EnclaveReport:
    """Report of an SGX enclave, 384 bytes: here that of the quoting enclave (QE)."""

    cpu_svn: bytes
    misc_select: bytes
    reserved1: bytes
    attributes: bytes
    mr_enclave: bytes
    reserved2: bytes
    mr_signer: bytes
    reserved3: bytes
    isv_prod_id: int
    isv_svn: int
    reserved4: bytes
    report_data: bytes

    @classmethod
    def decode(cls, data: bytes) -> EnclaveReport:
        """From 384 bytes."""
        return cls(*_ENCLAVE_REPORT.unpack(data))

    def encode(self) -> bytes:
        """As in the quote."""
        return _ENCLAVE_REPORT.pack(*astuple(self))


@dataclass(frozen=True, slots=True)
class SignatureData:
    """ECDSA signatures are r ‖ s, keys x ‖ y, each 64 bytes, on P-256; ``pck_chain`` is PEM, leaf first."""

    signature: bytes
    attestation_key: bytes
    qe_report: bytes
    qe_signature: bytes
    qe_auth_data: bytes
    pck_chain: bytes

    def encode(self) -> bytes:
        """As in the quote, without the length before it."""
        auth = self.qe_auth_data
        qe = _QE.pack(self.qe_report, self.qe_signature, len(auth)) + auth
        qe += _CERTIFICATION.pack(PCK_CHAIN_CERTIFICATION, len(self.pck_chain)) + self.pck_chain
        return (
            self.signature + self.attestation_key + _CERTIFICATION.pack(QE_REPORT_CERTIFICATION, len(qe)) + qe
        )


@dataclass(frozen=True, slots=True)
class Quote:
    """A whole quote."""

    header: QuoteHeader
    report: TdReport
    signatures: SignatureData

    @property
    def signed(self) -> bytes:
        """What the attestation key signs: header and report, 632 bytes."""
        return self.header.encode() + self.report.encode()

    def encode(self) -> bytes:
        """The bytes of the quote."""
        signatures = self.signatures.encode()
        return self.signed + _U32.pack(len(signatures)) + signatures

    def without_chain(self) -> bytes:
        """The quote cut before the PCK chain, as L1 takes it: certificates go there in DER."""
        whole = self.encode()
        return whole[: len(whole) - len(self.signatures.pck_chain)]

    @classmethod
    def decode(cls, data: bytes) -> Quote:
        """From bytes, which may have zeros behind the quote. Raises QuoteFormatError."""
        reader = _Reader(data)
        header = QuoteHeader(*_HEADER.unpack(reader.take(_HEADER.size, "header")))
        for name, given, wanted in (
            ("version", header.version, VERSION),
            ("attestation key type", header.attestation_key_type, ECDSA_P256),
            ("TEE type", header.tee_type, TDX),
        ):
            if given != wanted:
                raise QuoteFormatError(name, f"{given}, not {wanted}")
        report = TdReport(*_TD_REPORT.unpack(reader.take(_TD_REPORT.size, "TD report")))
        size = reader.length("signature data")
        signatures = _signatures(_Reader(reader.take(size, "signature data")))
        if any(reader.rest()):
            raise QuoteFormatError("end", "bytes behind the quote")
        return cls(header, report, signatures)


def _signatures(reader: _Reader) -> SignatureData:
    signature, key = reader.take(64, "signature"), reader.take(64, "attestation key")
    qe = _Reader(reader.certification(QE_REPORT_CERTIFICATION, "QE certification data"))
    report, qe_signature, size = _QE.unpack(qe.take(_QE.size, "QE report"))
    auth = qe.take(size, "QE authentication data")
    chain = qe.certification(PCK_CHAIN_CERTIFICATION, "PCK certification data")
    for part in (reader, qe):
        if part.rest():
            raise QuoteFormatError("signature data", "longer than what is in them")
    return SignatureData(signature, key, report, qe_signature, auth, chain)


class _Reader:
    """Takes parts from the front of bytes."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int, what: str) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) < size:
            raise QuoteFormatError(what, f"{len(part)} bytes, not {size}")
        self._at += size
        return part

    def length(self, what: str) -> int:
        value: int = _U32.unpack(self.take(_U32.size, what))[0]
        return value

    def certification(self, kind: int, what: str) -> bytes:
        given, size = _CERTIFICATION.unpack(self.take(_CERTIFICATION.size, what))
        if given != kind:
            raise QuoteFormatError(what, f"type {given}, not {kind}")
        return self.take(size, what)

    def rest(self) -> bytes:
        return self._data[self._at :]
