"""The RLP of single values against PyPI's ``rlp``."""

from __future__ import annotations

from typing import Any

import pytest
import rlp as oracle
from hypothesis import given
from hypothesis import strategies as st

from jovay.chain import rlp

items = st.recursive(
    st.binary(max_size=80) | st.binary(min_size=250, max_size=300),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=20,
)


@given(items)
def test_encoding_and_decoding(item: Any) -> None:
    encoded = rlp.encode(item)
    assert encoded == oracle.encode(item)
    assert rlp.decode(encoded) == item


@given(st.integers(0, 1 << 256))
def test_integers(number: int) -> None:
    assert rlp.encode(number) == oracle.encode(number)


@given(items, st.integers(0, 400))
def test_what_is_cut_off_or_goes_on_is_refused(item: Any, at: int) -> None:
    encoded = rlp.encode(item)
    for bad in (encoded[:at] if at < len(encoded) else b"", encoded + b"\0"):
        with pytest.raises(ValueError, match="RLP"):
            rlp.decode(bad)


def test_deep_lists_are_refused() -> None:
    with pytest.raises(ValueError, match="deep"):
        rlp.decode(oracle.encode(nested(30)))


def nested(depth: int) -> list[Any]:
    return [nested(depth - 1)] if depth else []
