"""A genuine TDX quote of version 4 with Intel's collateral of its days: off L1, and on L1 under Intel's root."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from dcap_qvl import QuoteCollateralV3
from eth_utils.crypto import keccak

from jovay.bridge.errors import L1RpcError
from jovay.bridge.l1.contracts import reason
from jovay.prover.tee.collateral import Documents, key_hash
from jovay.prover.tee.errors import QuoteRefusedError
from jovay.prover.tee.launch import Identity
from jovay.prover.tee.protocol import QuoteRequest
from jovay.prover.tee.quote import EnclaveReport, Quote
from jovay.prover.tee.registration import registration
from jovay.prover.tee.simulated.authority import SimulatedAuthority
from jovay.prover.tee.verify import der_chain, verify
from rigs.anvil import anvil
from rigs.tee_on_l1 import TeeOnL1

#: Between the collateral's issue and its next update.
THEN = 1_750_500_000
SAMPLES = Path(__file__).parent / "genuine"


QUOTE = (SAMPLES / "tdx_quote").read_bytes()
COLLATERAL = (SAMPLES / "tdx_quote_collateral.json").read_text()


@pytest.fixture(scope="module")
def sample() -> tuple[bytes, QuoteCollateralV3]:
    return QUOTE, QuoteCollateralV3.from_json(COLLATERAL)


def test_intels_root_accepts_it_then_and_not_for_ever(sample: tuple[bytes, QuoteCollateralV3]) -> None:
    quote, collateral = sample
    found = verify(quote, collateral, THEN)
    assert found.status == "UpToDate"
    assert found.measurement == Quote.decode(quote).report.measurement
    with pytest.raises(QuoteRefusedError):
        verify(quote, collateral, THEN + 60 * 86_400)


def test_the_simulated_root_refuses_it(sample: tuple[bytes, QuoteCollateralV3]) -> None:
    root = SimulatedAuthority(b"genuine").root.public_bytes(Encoding.DER)
    with pytest.raises(QuoteRefusedError):
        verify(*sample, THEN, root)


def test_it_comes_back_to_its_bytes(sample: tuple[bytes, QuoteCollateralV3]) -> None:
    quote = sample[0]
    encoded = Quote.decode(quote).encode()
    assert quote.startswith(encoded)
    assert not any(quote[len(encoded) :])


@pytest.fixture(scope="module")
def l1() -> Iterator[TeeOnL1]:
    with anvil(extra=("--timestamp", str(THEN))) as chain:
        yield TeeOnL1(chain.url, Documents.from_json(COLLATERAL))


def registered(l1: TeeOnL1, quote: Quote) -> str:
    """Why L1 does not register a key by a quote."""
    head = l1.client.block()
    assert head is not None
    asked = QuoteRequest(31_337, l1.verifier.address, head.number - 1, head.parent_hash)
    data = registration(Identity("tdx", quote.report.measurement, b"\x42" * 20), asked, quote.encode())
    with pytest.raises(L1RpcError) as refused:
        l1.client.eth_call(l1.verifier.address, data)
    return reason(refused.value.revert_data or b"")


def test_l1_finds_nothing_wrong_with_it_but_that_it_shows_no_key_of_ours(l1: TeeOnL1) -> None:
    """Report data are checked after the whole chain of signatures: certificates, quoting enclave, quote."""
    quote = Quote.decode(QUOTE)
    assert registered(l1, quote).startswith(f"WrongReportData(0x{quote.report.report_data[:32].hex()}")


def test_l1_finds_the_same_tcb_status(l1: TeeOnL1) -> None:
    quote = Quote.decode(QUOTE)
    pck, issuer, _ = der_chain(quote.signatures.pck_chain)
    machine, *_ = l1.collateral.read(l1.client, "checkPck", pck, key_hash(load_der_x509_certificate(issuer)))
    report, qe = quote.report, EnclaveReport.decode(quote.signatures.qe_report)
    module = report.tee_tcb_svn, keccak(report.mr_signer_seam), report.seam_attributes
    identity = qe.misc_select, qe.attributes, qe.mr_signer, qe.isv_prod_id, qe.isv_svn
    status, until = l1.collateral.read(l1.client, "checkTcb", machine, module, identity)
    assert (status, until > THEN) == (0, True)
    older = b"\0" + report.tee_tcb_svn[1:], *module[1:]
    with pytest.raises(L1RpcError):
        l1.collateral.read(l1.client, "checkTcb", machine, older, identity)


def test_l1_refuses_what_is_changed_in_it(l1: TeeOnL1) -> None:
    quote = Quote.decode(QUOTE)
    signatures = quote.signatures
    for changed in (
        replace(quote, report=replace(quote.report, rtmr3=b"\1" * 48)),
        replace(quote, header=replace(quote.header, user_data=b"\1" * 20)),
        replace(quote, signatures=replace(signatures, signature=signatures.signature[:-1] + b"\0")),
        replace(quote, signatures=replace(signatures, qe_report=b"\1" + signatures.qe_report[1:])),
        replace(quote, signatures=replace(signatures, qe_signature=signatures.qe_signature[:-1] + b"\0")),
        replace(quote, signatures=replace(signatures, qe_auth_data=b"\1" * 32)),
        replace(quote, signatures=replace(signatures, attestation_key=signatures.signature)),
    ):
        assert not registered(l1, changed).startswith("WrongReportData")
