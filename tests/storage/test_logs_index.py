"""The logs index against a direct test of every block's bloom."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from Crypto.Hash import keccak as _keccak

from jovay.storage import logs_index
from jovay.storage.kv import MemoryKV
from jovay.storage.logs_index import SECTION, TABLE, LogsIndex

CHAIN = 3 * SECTION + 1000


def keccak(data: bytes) -> bytes:
    return _keccak.new(data=data, digest_bits=256).digest()


def bloom_of(values: Sequence[bytes]) -> bytes:
    """Yellow Paper 4.3.1, as one big number."""
    bloom = 0
    for value in values:
        digest = keccak(value)
        for at in (0, 2, 4):
            bloom |= 1 << (int.from_bytes(digest[at : at + 2], "big") % 2048)
    return bloom.to_bytes(256, "big")


class Chain:
    """Blocks that hold some of a few values; most are empty."""

    def __init__(self, count: int, seed: int) -> None:
        chance = random.Random(seed)
        self.values = [chance.randbytes(chance.choice([20, 32])) for _ in range(40)]
        common = [chance.sample(self.values, chance.randrange(1, 12)) for _ in range(60)]
        self.blocks = [chance.choice(common) if chance.random() < 0.3 else [] for _ in range(count)]
        self._blooms: dict[tuple[bytes, ...], bytes] = {}

    def bloom(self, number: int) -> bytes:
        key = tuple(self.blocks[number])
        return self._blooms.setdefault(key, bloom_of(key))

    def rows(self, start: int, stop: int) -> np.ndarray:
        raw = b"".join(self.bloom(number) for number in range(start, stop))
        return np.frombuffer(raw, np.uint8).reshape(-1, 256)

    def expected(self, first: int, last: int, clauses: Sequence[Sequence[bytes]]) -> list[int]:
        masks = [
            [int.from_bytes(bloom_of([value]), "big") for value in clause] for clause in clauses if clause
        ]
        hits = []
        for number in range(first, last + 1):
            bloom = int.from_bytes(self.bloom(number), "big")
            if all(any(bloom & mask == mask for mask in clause) for clause in masks):
                hits.append(number)
        return hits


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Chain(CHAIN, 5)


def appended(chain: Chain, kv: MemoryKV, count: int = CHAIN) -> LogsIndex:
    index = LogsIndex(kv, chain.rows, 0, -1, keccak)
    for number in range(count):
        index.append(number, chain.bloom(number) if chain.blocks[number] else None)
    return index


QUERIES = [
    (0, CHAIN - 1),
    (SECTION - 1, SECTION),
    (100, 100),
    (2 * SECTION, 3 * SECTION + 500),
    (3 * SECTION, CHAIN + 99),
]


@pytest.mark.parametrize("built", ["appended", "opened", "opened again"])
def test_candidates(built: str, chain: Chain) -> None:
    kv = MemoryKV([TABLE])
    index = appended(chain, kv) if built == "appended" else LogsIndex(kv, chain.rows, 0, CHAIN - 1, keccak)
    if built == "opened again":

        def rows(start: int, stop: int) -> np.ndarray:
            assert start >= 3 * SECTION, "sealed sections are not read again"
            return chain.rows(start, stop)

        index = LogsIndex(kv, rows, 0, CHAIN - 1, keccak)
    v = chain.values
    for addresses, topics in [
        ([], []),
        ([v[0]], []),
        ([v[0], v[1]], []),
        ([], [[], [v[2]]]),
        ([v[3]], [[v[4]]]),
        ([v[5], v[6]], [[v[7], v[8]], [], [v[9]]]),
        ([b"not in any block...."], []),
    ]:
        for first, last in QUERIES:
            found = index.candidates(first, last, addresses, topics)
            assert found.tolist() == chain.expected(first, min(last, CHAIN - 1), [addresses, *topics])


def test_truncate(chain: Chain) -> None:
    other = Chain(CHAIN, 9)
    for above in (CHAIN - 5, 3 * SECTION - 1, 2 * SECTION + 7, 5, -1):
        kv = MemoryKV([TABLE])
        index = appended(chain, kv)
        index.truncate(above)
        assert index.latest == above
        mixed = Chain(0, 0)
        mixed.blocks = chain.blocks[: above + 1] + other.blocks[above + 1 :]
        for number in range(above + 1, CHAIN):
            index.append(number, mixed.bloom(number))
        for value in (chain.values[0], other.values[0]):
            assert index.candidates(0, CHAIN, [value]).tolist() == mixed.expected(0, CHAIN - 1, [[value]])


def test_chain_that_starts_late(chain: Chain) -> None:
    oldest = SECTION + 77
    index = LogsIndex(MemoryKV([TABLE]), chain.rows, oldest, CHAIN - 1, keccak)
    value = chain.values[1]
    assert index.candidates(0, CHAIN, [value]).tolist() == chain.expected(oldest, CHAIN - 1, [[value]])
    assert index.candidates(0, CHAIN).tolist() == list(range(oldest, CHAIN))
    assert index.candidates(0, oldest - 1).size == 0


def test_order_is_checked_and_empty_blocks_store_nothing() -> None:
    kv = MemoryKV([TABLE])
    index = LogsIndex(kv, lambda start, stop: np.zeros((stop - start, 256), np.uint8), 0, -1, keccak)
    for number in range(2 * SECTION):
        index.append(number, None)
    assert len(list(kv.iterate(TABLE))) == 2, "one mark per section"
    with pytest.raises(ValueError, match="is next"):
        index.append(2 * SECTION + 1, None)
    assert logs_index.SECTION == 4096
