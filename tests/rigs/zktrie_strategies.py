"""Hypothesis strategies for zkTrie keys and values."""

from __future__ import annotations

from hypothesis import strategies as st

from jovay.kernel.hashes.poseidon2_constants import P

from .zktrie_model import pack

element = st.one_of(st.integers(0, P - 1), st.sampled_from([0, 1, P - 1]))


def _stepped(place: tuple[int, int]) -> bytes:
    """A key of a family that shares long prefixes, also beyond 62 bits."""
    index, bit = place
    if bit < 30:
        return pack([0] * index + [1 << bit] + [0] * (7 - index))
    return pack([5] * index + [0] * (8 - index))


keys = st.one_of(
    st.lists(element, min_size=8, max_size=8).map(pack),
    st.tuples(st.integers(0, 7), st.integers(0, 30)).map(_stepped),
)
values = st.one_of(
    st.just(bytes(32)),
    st.binary(min_size=32, max_size=32),
    st.integers(1, 9).map(lambda n: bytes([n]) * 32),
)
