"""Results as JSON in pieces."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jovay.rpc import encoding
from jovay.rpc.encoding import Fragments, encode
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


HEAVY = "x" * 300_000
PATCHES = {
    "many entries": [{"number": number} for number in range(20_000)],
    "one long text": {"input": HEAVY},
    "light before heavy": {"logs": [{"data": "0x"}] * 100 + [{"memory": ["0x" + "00" * 32] * 3_000}] * 100},
    "in the depth": [[[[[{"a": {"b": {"c": [HEAVY, HEAVY]}}}]]]]],
    "wide objects": {str(number): {"from": "0x" + "00" * 20} for number in range(20_000)},
    "raw": [{"result": msgspec.Raw(b'"' + b"y" * 1_000_000 + b'"')}] * 5,
    "not only letters": ['"\\\n\u2028\U0001f600' * 50_000],
}


@pytest.mark.parametrize("value", PATCHES.values(), ids=PATCHES)
@pytest.mark.parametrize("whole", [True, False])
def test_nothing_long_is_encoded_in_one_go(monkeypatch: pytest.MonkeyPatch, value: Any, whole: bool) -> None:
    """Whatever is where: the encoder keeps the interpreter, and so does whoever copies its text."""
    made: list[int] = []

    def count(part: Any) -> bytes:
        content = msgspec.json.encode(part)
        made.append(len(content))
        assert not isinstance(part, list) or len(part) <= 64 or whole
        return content

    monkeypatch.setattr(encoding, "_encode", count)
    text = encode(value if whole else lazily(value), head=b"head")
    assert text == b"head" + msgspec.json.encode(value)
    assert isinstance(text, bytearray)
    assert len(made) > 3
    assert max(made) < 300_000


def test_fragments_go_in_as_they_come() -> None:
    made: list[int] = []

    def pieces() -> Any:
        yield b'{"calls":['
        for number in range(100_000):
            made.append(number)
            yield b"0,"
        yield b"0]}"

    assert encode([{"result": Fragments(pieces())}, 1]).endswith(b"0,0]}},1]")
    made.clear()
    with pytest.raises(RpcError, match="response too large"):
        encode({"result": Fragments(pieces())}, 1_000)
    assert len(made) < 1_000
