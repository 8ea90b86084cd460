"""What enclaves show and sign, put to TEEVerifier on anvil: the right is taken, everything else refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from jovay.bridge.errors import L1RpcError
from jovay.bridge.l1.contracts import reason
from jovay.bridge.wire.statement import Statement
from jovay.native.library import Library
from jovay.prover.tee.launch import EnclaveProcess
from jovay.prover.tee.protocol import QuoteRequest
from jovay.prover.tee.quote import Quote, TdReport
from jovay.prover.tee.registration import registration
from jovay.prover.tee.simulated.authority import SimulatedAuthority
from jovay.prover.tee.simulated.platform import SimulatedPlatform
from rigs.anvil import anvil
from rigs.proven_batches import batches
from rigs.tee_on_l1 import TeeOnL1


@pytest.fixture(scope="module")
def l1() -> Iterator[TeeOnL1]:
    with anvil() as chain:
        yield TeeOnL1(chain.url)


@pytest.fixture(scope="module")
def enclave() -> Iterator[EnclaveProcess]:
    enclave = EnclaveProcess("simulated")
    yield enclave
    enclave.close()


def asked(l1: TeeOnL1, **changes: Any) -> QuoteRequest:
    head = l1.client.block()
    assert head is not None
    return replace(QuoteRequest(31_337, l1.verifier.address, head.number - 1, head.parent_hash), **changes)


def refusal(l1: TeeOnL1, data: bytes) -> str:
    """Why TEEVerifier refuses a call."""
    with pytest.raises(L1RpcError) as error:
        l1.client.eth_call(l1.verifier.address, data)
    assert error.value.revert_data is not None
    return reason(error.value.revert_data)


@pytest.fixture(scope="module")
def proven(l1: TeeOnL1, enclave: EnclaveProcess, library: Library) -> tuple[Statement, bytes]:
    """A statement with its signature, by a key that L1 has admitted."""
    l1.allow(enclave.identity.measurement)
    for_l1 = asked(l1)
    data = registration(enclave.identity, for_l1, enclave.quote(for_l1))
    l1._send({"to": f"0x{l1.verifier.address.hex()}"}, data)
    return enclave.prove(l1.verifier.address, batches(library)[0].encode())


def test_a_signed_statement_is_taken(
    l1: TeeOnL1, enclave: EnclaveProcess, proven: tuple[Statement, bytes]
) -> None:
    statement, signature = proven
    found = l1.verifier.read(l1.client, "verify", statement.hash, 1, signature)
    assert found == enclave.identity.enclave.rjust(32, b"\0")


def test_a_signature_does_for_no_other_statement(l1: TeeOnL1, proven: tuple[Statement, bytes]) -> None:
    statement, signature = proven
    taken = []
    for name in Statement.__slots__:
        value = getattr(statement, name)
        if isinstance(value, int):
            other: object = value + 1
        elif isinstance(value, bytes):
            other = value[:-1] + bytes((value[-1] ^ 1,))
        else:
            other = [(z, z) for z, _ in value]
        changed = replace(statement, **{name: other})  # type: ignore[arg-type]
        why = refusal(l1, l1.verifier.encode("verify", changed.hash, 1, signature))
        if not why.startswith("ProofRefused("):
            taken.append(name)
    assert taken == []


def test_every_changed_byte_of_a_signature_is_refused(l1: TeeOnL1, proven: tuple[Statement, bytes]) -> None:
    statement, signature = proven
    for at in (0, 31, 32, 63, 64):
        changed = bytearray(signature)
        changed[at] ^= 1
        why = refusal(l1, l1.verifier.encode("verify", statement.hash, 1, bytes(changed)))
        assert why.startswith("ProofRefused("), at
    assert refusal(l1, l1.verifier.encode("verify", statement.hash, 1, signature[:-1])).startswith(
        "ProofRefused(1"
    )


Change = Callable[[TdReport], TdReport]


def signed(
    l1: TeeOnL1, enclave: EnclaveProcess, change: Change, authority: SimulatedAuthority | None = None
) -> bytes:
    """Registration by a quote over another report, signed as the quoting enclave would."""
    for_l1 = asked(l1)
    quote = Quote.decode(enclave.quote(for_l1))
    platform = SimulatedPlatform(authority or l1.authority, b"")
    return registration(enclave.identity, for_l1, platform.sign(quote.header, change(quote.report)).encode())


@pytest.fixture(scope="module")
def newcomer(l1: TeeOnL1, proven: tuple[Statement, bytes]) -> Iterator[EnclaveProcess]:
    """An enclave that is not registered, its measurement allowed."""
    enclave = EnclaveProcess("simulated")
    yield enclave
    enclave.close()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda report: replace(report, report_data=bytes(64)), "WrongReportData"),
        (lambda report: replace(report, report_data=report.report_data[:32] + b"\1" * 32), "WrongReportData"),
        (lambda report: replace(report, mr_td=b"SIMULATED other".ljust(48, b"\0")), "MeasurementNotAllowed"),
        (lambda report: replace(report, rtmr0=b"\1" * 48), "MeasurementNotAllowed"),
        (lambda report: replace(report, rtmr3=b"\1" * 48), "MeasurementNotAllowed"),
        (lambda report: replace(report, td_attributes=b"\1" + report.td_attributes[1:]), "Debug"),
        (lambda report: replace(report, td_attributes=bytes(8)), ""),
        (lambda report: replace(report, mr_td=b"\1" * 48), ""),
        (lambda report: replace(report, tee_tcb_svn=bytes(16)), ""),
    ],
    ids=[
        "report data",
        "second half",
        "mrtd",
        "rtmr0",
        "rtmr3",
        "debug",
        "attributes",
        "no mark",
        "old module",
    ],
)
def test_quotes_that_admit_nothing(l1: TeeOnL1, newcomer: EnclaveProcess, change: Change, why: str) -> None:
    assert l1.client.eth_call(l1.verifier.address, signed(l1, newcomer, lambda report: report)) == b""
    assert why in refusal(l1, signed(l1, newcomer, change))


def test_quotes_for_another_place_or_moment(l1: TeeOnL1, newcomer: EnclaveProcess) -> None:
    honest = asked(l1)
    for change in (
        {"l1_chain_id": 1},
        {"verifier": b"\1" * 20},
        {"l1_block_hash": b"\1" * 32},
        {"l1_block": honest.l1_block - 1},
    ):
        other = replace(honest, **change)  # type: ignore[arg-type]
        data = registration(newcomer.identity, honest, newcomer.quote(other))
        assert refusal(l1, data).startswith("WrongReportData"), change
    l1.client.call("anvil_mine", "0x101")
    data = registration(newcomer.identity, honest, newcomer.quote(honest))
    assert refusal(l1, data).startswith("UnknownBlockHash")


def test_a_quote_shows_no_other_enclaves_key(
    l1: TeeOnL1, enclave: EnclaveProcess, newcomer: EnclaveProcess
) -> None:
    for_l1 = asked(l1)
    other = replace(newcomer.identity, enclave=b"\x42" * 20)
    assert refusal(l1, registration(other, for_l1, newcomer.quote(for_l1))).startswith("WrongReportData")
    again = registration(enclave.identity, for_l1, enclave.quote(for_l1))
    assert refusal(l1, again).startswith("KeyIsRegistered")


def test_a_quote_under_another_root(l1: TeeOnL1, newcomer: EnclaveProcess) -> None:
    data = signed(l1, newcomer, lambda report: report, SimulatedAuthority(b"others"))
    assert refusal(l1, data)


def test_a_proof_after_the_key_has_expired_or_is_revoked(
    l1: TeeOnL1, enclave: EnclaveProcess, proven: tuple[Statement, bytes]
) -> None:
    statement, signature = proven
    data = l1.verifier.encode("verify", statement.hash, 1, signature)
    before = l1.client.call("evm_snapshot")
    l1.pass_time(8 * 86_400)
    assert refusal(l1, data).startswith("ProofRefused(3")
    l1.client.call("evm_revert", before)
    before = l1.client.call("evm_snapshot")
    l1.call(l1.verifier, "revokeKey", enclave.identity.enclave)
    assert refusal(l1, data).startswith("ProofRefused(4")
    l1.client.call("evm_revert", before)
    before = l1.client.call("evm_snapshot")
    l1.call(l1.verifier, "revokeMeasurement", enclave.identity.measurement)
    assert refusal(l1, data).startswith("ProofRefused(4")
    l1.client.call("evm_revert", before)
    assert l1.verifier.read(l1.client, "verify", statement.hash, 1, signature)
