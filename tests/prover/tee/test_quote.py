"""The codec of quotes."""

from __future__ import annotations

from struct import pack_into

import pytest
from cryptography import x509
from dcap_qvl import parse_quote

from jovay.prover.tee.errors import QuoteFormatError
from jovay.prover.tee.quote import EnclaveReport, Quote
from jovay.prover.tee.simulated.authority import SimulatedAuthority
from jovay.prover.tee.simulated.platform import SimulatedPlatform
from jovay.prover.tee.verify import der_chain

AUTHORITY = SimulatedAuthority(b"codec")
QUOTE = SimulatedPlatform(AUTHORITY, b"image").quote(bytes(range(64)))


def test_bytes_come_back() -> None:
    quote = Quote.decode(QUOTE)
    assert quote.encode() == QUOTE
    assert Quote.decode(QUOTE + bytes(70)) == quote
    assert len(quote.signed) == 632
    assert quote.without_chain() + quote.signatures.pck_chain == QUOTE


def test_fields_are_where_dcap_qvl_finds_them() -> None:
    quote, judge = Quote.decode(QUOTE), parse_quote(QUOTE)
    header, report = judge.header, judge.report
    assert (header.version, header.tee_type, header.attestation_key_type) == (4, 0x81, 2)
    assert header.user_data == quote.header.user_data
    names = {"mr_td": "mr_td", "rt_mr0": "rtmr0", "rt_mr1": "rtmr1", "rt_mr2": "rtmr2", "rt_mr3": "rtmr3"}
    same = (
        "tee_tcb_svn",
        "mr_seam",
        "mr_signer_seam",
        "seam_attributes",
        "td_attributes",
        "xfam",
        "report_data",
    )
    for theirs, ours in names.items() | {(name, name) for name in same}:
        assert getattr(report, theirs) == getattr(quote.report, ours), theirs


def test_the_quoting_enclaves_report() -> None:
    report = Quote.decode(QUOTE).signatures.qe_report
    decoded = EnclaveReport.decode(report)
    assert decoded.encode() == report
    assert (decoded.isv_prod_id, decoded.isv_svn) == (2, 4)


def test_the_chain_in_der() -> None:
    leaf, issuer, root = (x509.load_der_x509_certificate(one) for one in der_chain(_chain()))
    assert (leaf, issuer, root) == (AUTHORITY.pck, AUTHORITY.platform_ca, AUTHORITY.root)
    leaf.verify_directly_issued_by(issuer)
    issuer.verify_directly_issued_by(root)


def _chain() -> bytes:
    return Quote.decode(QUOTE).signatures.pck_chain


@pytest.mark.parametrize("size", [0, 47, 48, 631, 632, 635, 636, 700, 764, 769, 1_218, 1_260, len(QUOTE) - 1])
def test_cut_quotes(size: int) -> None:
    with pytest.raises(QuoteFormatError):
        Quote.decode(QUOTE[:size])


@pytest.mark.parametrize(
    ("at", "form", "value", "part"),
    [
        (0, "<H", 5, "version"),
        (2, "<H", 3, "attestation key type"),
        (4, "<I", 0, "TEE type"),
        (632, "<I", 2**32 - 1, "signature data"),
        (632, "<I", 10, "signature"),
        (764, "<H", 5, "QE certification data"),
        (766, "<I", 2**32 - 1, "QE certification data"),
        (1_218, "<H", 0xFFFF, "QE authentication data"),
        (1_252, "<H", 6, "PCK certification data"),
        (1_254, "<I", 10, "signature data"),
    ],
)
def test_fields_that_are_wrong(at: int, form: str, value: int, part: str) -> None:
    changed = bytearray(QUOTE)
    pack_into(form, changed, at, value)
    with pytest.raises(QuoteFormatError) as refused:
        Quote.decode(bytes(changed))
    assert refused.value.at == part


def test_bytes_behind_a_quote() -> None:
    with pytest.raises(QuoteFormatError):
        Quote.decode(QUOTE + b"\0\1")
