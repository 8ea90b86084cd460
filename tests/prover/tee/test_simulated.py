"""The simulated platform: dcap-qvl accepts its quotes under its own root, and under no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from jovay.prover.tee.errors import PlatformError, QuoteFormatError, QuoteRefusedError, TcbStatusError
from jovay.prover.tee.quote import Quote, TdReport
from jovay.prover.tee.simulated.authority import NOT_HARDWARE, PCK, PLATFORM_CA, ROOT, SimulatedAuthority
from jovay.prover.tee.simulated.collateral import simulated_collateral
from jovay.prover.tee.simulated.platform import MARK, MRTD_MARK, SimulatedPlatform
from jovay.prover.tee.simulated.sgx_extension import FMSPC
from jovay.prover.tee.verify import Attestation, verify

NOW = 1_800_000_000
REPORT_DATA = bytes(range(64))
AUTHORITY = SimulatedAuthority(b"tests")
PLATFORM = SimulatedPlatform(AUTHORITY, b"image")
QUOTE = PLATFORM.quote(REPORT_DATA)
COLLATERAL = simulated_collateral(AUTHORITY, NOW)
ROOT_DER = AUTHORITY.root.public_bytes(Encoding.DER)


def check(quote: bytes, now: int = NOW) -> Attestation:
    return verify(quote, COLLATERAL, now, ROOT_DER)


def signed(report: TdReport) -> bytes:
    """A quote over another report, signed as the quoting enclave would."""
    return PLATFORM.sign(Quote.decode(QUOTE).header, report).encode()


def test_a_quote_verifies_under_the_simulated_root() -> None:
    assert check(QUOTE) == Attestation(PLATFORM.measure(), REPORT_DATA, "UpToDate", ())


def test_intels_root_refuses_it() -> None:
    with pytest.raises(QuoteRefusedError):
        verify(QUOTE, COLLATERAL, NOW)


def test_the_root_of_another_seed_refuses_it() -> None:
    other = SimulatedAuthority(b"others")
    with pytest.raises(QuoteRefusedError):
        verify(QUOTE, COLLATERAL, NOW, other.root.public_bytes(Encoding.DER))
    with pytest.raises(QuoteRefusedError):
        verify(QUOTE, simulated_collateral(other, NOW), NOW, other.root.public_bytes(Encoding.DER))


def test_everything_follows_from_the_seed() -> None:
    again = SimulatedAuthority(b"tests")
    assert SimulatedPlatform(again, b"image").quote(REPORT_DATA) == QUOTE
    assert simulated_collateral(again, NOW).to_json() == COLLATERAL.to_json()
    assert SimulatedPlatform(SimulatedAuthority(b"others"), b"image").quote(REPORT_DATA) != QUOTE


def test_every_image_has_its_measurement() -> None:
    assert SimulatedPlatform(AUTHORITY, b"another").measure() != PLATFORM.measure()


def test_it_says_everywhere_that_it_is_simulated() -> None:
    quote = Quote.decode(QUOTE)
    assert quote.header.user_data == MARK
    assert quote.report.mr_td.startswith(MRTD_MARK)
    assert FMSPC.startswith(b"SIM")
    for one in (AUTHORITY.root, AUTHORITY.platform_ca, AUTHORITY.signer, AUTHORITY.pck):
        assert NOT_HARDWARE in one.subject.rfc4514_string()
    assert PLATFORM.name == "simulated"


def test_every_changed_byte_before_the_certificates_is_refused() -> None:
    size = len(Quote.decode(QUOTE).without_chain())
    passed = []
    for at in range(size):
        changed = bytearray(QUOTE)
        changed[at] ^= 1 << at % 8
        try:
            check(bytes(changed))
        except (QuoteRefusedError, QuoteFormatError):
            continue
        passed.append(at)
    assert passed == []


@pytest.mark.parametrize(
    "change",
    [
        lambda report: replace(report, td_attributes=b"\1" + report.td_attributes[1:]),
        lambda report: replace(report, td_attributes=bytes(8)),
        lambda report: replace(report, tee_tcb_svn=b"\3" + report.tee_tcb_svn[1:]),
        lambda report: replace(report, mr_signer_seam=b"\1" * 48),
        lambda report: replace(report, seam_attributes=b"\1" * 8),
    ],
    ids=["debugging", "no SEPT_VE_DISABLE", "old module", "module of another signer", "module attributes"],
)
def test_signed_reports_that_are_not_good_enough(change: Callable[[TdReport], TdReport]) -> None:
    with pytest.raises(QuoteRefusedError):
        check(signed(change(Quote.decode(QUOTE).report)))


def test_times() -> None:
    day = 86_400
    assert check(QUOTE, NOW + 29 * day).status == "UpToDate"
    for now in (NOW - day, NOW + 31 * day):
        with pytest.raises(QuoteRefusedError):
            check(QUOTE, now)


def test_tcb_that_is_out_of_date() -> None:
    with pytest.raises(TcbStatusError) as refused:
        verify(QUOTE, simulated_collateral(AUTHORITY, NOW, "OutOfDate"), NOW, ROOT_DER)
    assert refused.value.status == "OutOfDate"
    assert refused.value.advisories == ("SIMULATED-SA-00001",)


@pytest.mark.parametrize("issuer", [PLATFORM_CA, ROOT])
def test_revoked_certificates(issuer: str) -> None:
    revoked = AUTHORITY.pck if issuer == PLATFORM_CA else AUTHORITY.platform_ca
    lists = {"root_ca_crl": AUTHORITY.crl(ROOT, NOW), "pck_crl": AUTHORITY.crl(PLATFORM_CA, NOW)}
    lists["pck_crl" if issuer == PLATFORM_CA else "root_ca_crl"] = AUTHORITY.crl(
        issuer, NOW, revoked=(revoked,)
    )
    names = (
        "pck_crl_issuer_chain",
        "tcb_info_issuer_chain",
        "tcb_info",
        "tcb_info_signature",
        "qe_identity_issuer_chain",
        "qe_identity",
        "qe_identity_signature",
    )
    collateral = type(COLLATERAL)(**lists, **{name: getattr(COLLATERAL, name) for name in names})
    with pytest.raises(QuoteRefusedError, match="Revoked"):
        verify(QUOTE, collateral, NOW, ROOT_DER)


def test_a_quoting_enclave_that_another_key_signed() -> None:
    quote = Quote.decode(QUOTE)
    wrong = replace(
        quote.signatures, qe_signature=SimulatedAuthority(b"others").sign(PCK, quote.signatures.qe_report)
    )
    with pytest.raises(QuoteRefusedError):
        check(replace(quote, signatures=wrong).encode())


def test_report_data_have_their_size() -> None:
    with pytest.raises(PlatformError):
        PLATFORM.quote(bytes(63))
