"""Prices and limits against execution-specs."""

from __future__ import annotations

import pytest

from jovay.kernel.lang import Table
from jovay.kernel.protocol import gas, limits
from rigs.specs import FORKS, specs

pytest.importorskip("ethereum.forks.osaka")
#: What is no price and no limit, what the chain's blob schedule holds (EIP-7840), and what has another name as well.
OTHERS = {
    "SECP256K1N", "TARGET_BLOB_GAS_PER_BLOCK", "BLOB_SCHEDULE_TARGET", "BLOB_SCHEDULE_MAX", "BLOB_BASE_COST",
    "BLOB_BASE_FEE_UPDATE_FRACTION", "MIN_BLOB_GASPRICE", "EOA_DELEGATION_MARKER_LENGTH", "EOA_DELEGATED_CODE_LENGTH",
    "STANDARD_CALLDATA_TOKEN_COST", "RETURN_DATA_COPY",
}  # fmt: skip


def ours(name: str, fork: int) -> int:
    """A price or limit at a fork."""
    known = getattr(gas, name, None) or getattr(limits, name, None) or getattr(gas, f"GAS_{name}", gas.ZERO)
    return int(known[fork]) if isinstance(known, Table) else known


@pytest.mark.parametrize("fork", FORKS)
def test_prices_by_fork(fork: int) -> None:
    theirs = {name: value for name, value in specs(fork).prices().items() if name not in OTHERS}
    assert {name: ours(name, fork) for name in theirs} == theirs
