"""What enclaves bind and sign: every part of it matters. TEEVerifier's tests have the same values."""

from __future__ import annotations

import pytest

from jovay.prover.tee.binding import proof_digest, report_data

VERIFIER, ENCLAVE = b"\1" * 20, b"\2" * 20


def test_report_data_have_64_bytes_of_which_half_are_zeros() -> None:
    data = report_data(1, VERIFIER, ENCLAVE, 3, bytes(32))
    assert (len(data), data[32:]) == (64, bytes(32))


@pytest.mark.parametrize(
    "other",
    [
        (2, VERIFIER, ENCLAVE, 3, bytes(32)),
        (1, ENCLAVE, ENCLAVE, 3, bytes(32)),
        (1, VERIFIER, VERIFIER, 3, bytes(32)),
        (1, VERIFIER, ENCLAVE, 4, bytes(32)),
        (1, VERIFIER, ENCLAVE, 3, b"\1" * 32),
    ],
)
def test_every_part_is_bound(other: tuple[int, bytes, bytes, int, bytes]) -> None:
    assert report_data(*other) != report_data(1, VERIFIER, ENCLAVE, 3, bytes(32))


def test_every_part_is_signed() -> None:
    digests = [
        proof_digest(1, VERIFIER, bytes(32)),
        proof_digest(2, VERIFIER, bytes(32)),
        proof_digest(1, ENCLAVE, bytes(32)),
        proof_digest(1, VERIFIER, b"\1" * 32),
    ]
    assert len(set(digests)) == len(digests)
