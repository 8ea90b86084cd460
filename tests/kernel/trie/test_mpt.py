"""Merkle Patricia roots against the common fixtures and py-trie."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from jovay.kernel.lang import U64
from jovay.kernel.trie import mpt
from jovay.native.library import build
from rigs.archives import json_members
from rigs.buffers import Buffer
from rigs.transactions import keccak256


@pytest.fixture(scope="module")
def native() -> Any:
    return build([mpt.mpt_root, mpt.ordered_root])


def pairs_of(values: list[bytes]) -> tuple[Buffer, list[Buffer]]:
    """Array of (address, size) pairs, and the memory they lead to."""
    sources = [Buffer(v) for v in values]
    words = b"".join(s.address.to_bytes(8, "little") + s.size.to_bytes(8, "little") for s in sources)
    return Buffer(words), sources


def run(root: Any, values: list[bytes], keys: list[bytes] | None) -> Any:
    pairs, _sources = pairs_of(values)
    out = Buffer(32)
    scratch = Buffer(int(mpt.mpt_scratch(U64(len(values)), U64(sum(map(len, values))))))
    head = [len(values)]
    if keys is not None:
        packed = Buffer(b"".join(keys))
        head += [packed.address, len(keys[0]) if keys else 32]
    status = root(*(U64(a) for a in (*head, pairs.address, out.address, scratch.address)))
    assert scratch.intact
    assert out.intact
    return bytes(out) if status == 0 else status


def of_mapping(native: Any, mapping: dict[bytes, bytes]) -> Any:
    keys = sorted(mapping)
    return run(native[mpt.mpt_root], [mapping[k] for k in keys], keys)


def of_list(native: Any, values: list[bytes]) -> Any:
    return run(native[mpt.ordered_root], values, None)


def reference(mapping: dict[bytes, bytes]) -> bytes:
    trie = HexaryTrie({})
    for key, value in mapping.items():
        trie[key] = value
    return bytes(trie.root_hash)


def text(value: str) -> bytes:
    return bytes.fromhex(value[2:]) if value.startswith("0x") else value.encode()


def test_fixtures(native: Any) -> None:
    count = 0
    for path, cases in json_members("ethereum-tests-basics.tar.xz", "TrieTests/"):
        if "ecure" not in path:
            continue
        for name, case in cases.items():
            given_pairs = case["in"].items() if isinstance(case["in"], dict) else case["in"]
            mapping: dict[bytes, bytes] = {}
            for key, value in given_pairs:
                if value is None:
                    mapping.pop(keccak256(text(key)), None)
                else:
                    mapping[keccak256(text(key))] = text(value)
            assert of_mapping(native, mapping).hex() == case["root"][2:], name
            count += 1
    assert count > 10


keys32 = st.one_of(
    st.binary(min_size=32, max_size=32),
    # keys that share long prefixes
    st.tuples(st.integers(0, 31), st.integers(0, 255)).map(
        lambda t: bytes(t[0]) + bytes([t[1]]) * (32 - t[0])
    ),
)
values = st.binary(min_size=1, max_size=80)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(keys32, values, max_size=40))
def test_random_mappings(native: Any, mapping: dict[bytes, bytes]) -> None:
    assert of_mapping(native, mapping) == reference(mapping)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.binary(min_size=2, max_size=2), st.binary(min_size=1, max_size=3), max_size=60))
def test_nodes_inside_nodes(native: Any, mapping: dict[bytes, bytes]) -> None:
    """Short keys and values make nodes below 32 bytes, which parents hold whole."""
    assert of_mapping(native, mapping) == reference(mapping)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 16, 17, 126, 127, 128, 129, 130, 255, 256, 257, 1000])
@pytest.mark.parametrize("size", [1, 40])
def test_lists(native: Any, n: int, size: int) -> None:
    items = [(i * 7919 % 251 + 1).to_bytes(size, "big") for i in range(n)]
    assert of_list(native, items) == reference({rlp.encode(i): v for i, v in enumerate(items)})


def test_long_list(native: Any) -> None:
    """Indexes of three bytes; the root is py-trie's, which takes a while to get there."""
    items = [i.to_bytes(4, "big") * 9 for i in range(66_000)]
    assert of_list(native, items).hex() == "de50b2bf4b21a9e0ad0d39bac1c13bf9ab94ebf3edfd0fc145e1a96f9cd86cc9"


def test_bad_keys(native: Any) -> None:
    keys = [b"\1" * 32, b"\2" * 32, b"\3" * 32]
    items = [b"x"] * 3
    assert run(native[mpt.mpt_root], items, [keys[0], keys[2], keys[1]]) == mpt.BAD_ORDER
    assert run(native[mpt.mpt_root], items, [keys[0], keys[0], keys[1]]) == mpt.BAD_ORDER
    assert run(native[mpt.mpt_root], items, [k + b"\0" for k in keys]) == mpt.BAD_KEY


def test_python_agrees(native: Any) -> None:
    mapping = {keccak256(bytes([i])): bytes([i + 1]) * (i * 9 + 1) for i in range(5)}
    keys = sorted(mapping)
    ordered = [mapping[k] for k in keys]
    assert run(mpt.mpt_root, ordered, keys) == reference(mapping)
    assert run(mpt.ordered_root, ordered, None) == of_list(native, ordered)
