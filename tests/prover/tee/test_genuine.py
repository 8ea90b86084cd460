"""A genuine TDX quote of version 4 with Intel's collateral of its days, where the fixtures have them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from dcap_qvl import QuoteCollateralV3

from jovay.prover.tee.errors import QuoteRefusedError
from jovay.prover.tee.quote import Quote
from jovay.prover.tee.simulated.authority import SimulatedAuthority
from jovay.prover.tee.verify import verify
from rigs.fixtures import DCAP_SAMPLES, MissingFixturesError, files

#: Between the collateral's issue and its next update.
THEN = 1_750_500_000


@pytest.fixture(scope="module")
def sample() -> tuple[bytes, QuoteCollateralV3]:
    try:
        ((_, quote),) = files(DCAP_SAMPLES, suffix="/tdx_quote")
        ((_, collateral),) = files(DCAP_SAMPLES, suffix="/tdx_quote_collateral.json")
    except MissingFixturesError as missing:
        pytest.skip(str(missing))
    return quote, QuoteCollateralV3.from_json(collateral.decode())


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
