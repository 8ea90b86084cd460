"""Keys and values of state leaves against their definition."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.kernel.lang import U64, U256
from jovay.kernel.state import leaves
from jovay.native.library import build
from rigs import zktrie_model as model
from rigs.buffers import Buffer
from rigs.transactions import keccak256

ENTRIES = [
    leaves.key_input,
    leaves.derive_keys,
    leaves.basic_data,
    leaves.upper_balance,
    leaves.code_hash,
    leaves.slot_value,
]
words = st.one_of(st.integers(0, 2**256 - 1), st.integers(0, 9), st.just(2**256 - 1))
addresses = st.one_of(st.integers(0, 2**160 - 1), st.integers(0, 9), st.just(2**160 - 1))
kinds = st.sampled_from([leaves.BASIC, leaves.CODE_HASH, leaves.UPPER_BALANCE, leaves.SLOT])


@pytest.fixture(scope="module")
def native() -> Any:
    return build(ENTRIES)


def key(kind: int, address: int, slot: int) -> bytes:
    """The definition: nibbles of address and slot, seven to an element, from the end."""
    digits = f"{address:040x}{slot:064x}".zfill(105)
    limbs = [int(digits[i : i + 7], 16) for i in range(98, -1, -7)]
    data = model.pack([*limbs, kind])
    return model.compress(data[:32], data[32:])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(kinds, addresses, words), max_size=20))
def test_keys(native: Any, requests: list[tuple[int, int, int]]) -> None:
    inputs, keys = Buffer(len(requests) * leaves.KEY_INPUT), Buffer(len(requests) * 32)
    for i, request in enumerate(requests):
        native[leaves.key_input](inputs.address + i * leaves.KEY_INPUT, *request)
    native[leaves.derive_keys](len(requests), inputs.address, keys.address)
    assert inputs.intact
    assert keys.intact
    assert bytes(keys) == b"".join(key(*request) for request in requests)


def test_known_key() -> None:
    out = Buffer(32)
    inputs = Buffer(leaves.KEY_INPUT)
    leaves.key_input(U64(inputs.address), U64(leaves.SLOT), U256(0x1234), U256(7))
    leaves.derive_keys(U64(1), U64(inputs.address), U64(out.address))
    assert bytes(out) == key(leaves.SLOT, 0x1234, 7)
    assert bytes(out).hex() == "2741290c2859205e7cf43058c3e43d1a20b9a6215e4ab2569ed9f561e4277c04"


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**64 - 1), words, st.integers(0, 2**32 - 1))
def test_basic_data(native: Any, nonce: int, balance: int, size: int) -> None:
    basic, upper = Buffer(32), Buffer(32)
    native[leaves.basic_data](basic.address, nonce, balance, size)
    native[leaves.upper_balance](upper.address, balance)
    low, high = balance % 2**128, balance >> 128
    head = bytes([0, high != 0, 0, 0]) + size.to_bytes(4, "big")
    assert bytes(basic) == head + nonce.to_bytes(8, "big") + low.to_bytes(16, "big")
    assert bytes(upper) == high.to_bytes(32, "big")
    assert basic.intact
    if not (nonce or balance or size):
        assert bytes(basic) == bytes(32), "an empty account has no leaf"


@given(words)
def test_hashes_and_slots(native: Any, value: int) -> None:
    out = Buffer(32)
    native[leaves.slot_value](out.address, value)
    assert bytes(out) == value.to_bytes(32, "big")
    empty = int.from_bytes(keccak256(b""), "big")
    for digest in (value, empty):
        native[leaves.code_hash](out.address, digest)
        assert bytes(out) == (bytes(32) if digest == empty else digest.to_bytes(32, "big"))
