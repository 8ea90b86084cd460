"""Results as JSON in pieces."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jovay.rpc.encoding import encode
from jovay.rpc.errors import RpcError

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=200) | st.dictionaries(st.text(), inner, max_size=5)
)


@PATIENT
@given(VALUES)
def test_the_same_as_in_one_go(value: Any) -> None:
    assert encode(value) == msgspec.json.encode(value)


def lazily(value: Any) -> Any:
    """The same with generators for the arrays of objects' members."""
    if isinstance(value, dict):
        return {
            key: (item for item in member) if isinstance(member, list) else lazily(member)
            for key, member in value.items()
        }
    return iter(value) if isinstance(value, list) else value


@PATIENT
@given(
    st.lists(SCALARS, max_size=300)
    | st.dictionaries(st.text(), SCALARS | st.lists(SCALARS, max_size=300), max_size=4)
)
def test_iterators_become_arrays(value: Any) -> None:
    assert encode(lazily(value)) == msgspec.json.encode(value)


def test_no_more_is_made_than_the_limit() -> None:
    made: list[int] = []

    def items() -> Any:
        for number in range(1_000_000):
            made.append(number)
            yield {"number": number}

    with pytest.raises(RpcError, match="response too large") as refused:
        encode({"items": items()}, 10_000)
    assert refused.value.code == -32003
    assert len(made) < 1_000
    assert len(encode(["x" * 100], 104)) == 104
    with pytest.raises(RpcError, match="response too large"):
        encode(["x" * 100], 103)
