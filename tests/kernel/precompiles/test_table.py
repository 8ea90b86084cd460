"""The table of precompiled contracts against execution-specs."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from jovay.conformance.differential.inputs import sample
from jovay.kernel.lang import U64, U256
from jovay.kernel.machine.environment import Block
from jovay.kernel.machine.machine import Machine
from jovay.kernel.precompiles import call_precompile, is_precompile, most_work
from jovay.kernel.precompiles.dispatch import LAST, PRICE, RUN
from jovay.kernel.precompiles.table import BLS12_G1MSM, BLS12_G2MSM, MODEXP, PRECOMPILES
from rigs.buffers import Buffer
from rigs.specs import FORKS, specs

pytest.importorskip("ethereum.forks.osaka")
#: More gas than any call has; lengths from 2³² on cost more than that.
MOST = 1 << 30


class Bench:
    """A machine with what precompiled contracts use of one, for plain Python."""

    def __init__(self, fork: int) -> None:
        self._parts = [Buffer(size) for size in (Machine.size, Block.size, 1 << 18, 1 << 12)]
        self.machine = Machine(self._parts[0].address)
        self.machine.block = Block(self._parts[1].address)
        self.machine.block.fork = U64(fork)
        self.machine.scratch.start, self.machine.returned.data = (
            U64(part.address) for part in self._parts[2:]
        )
        self.machine.scratch.capacity, self.machine.returned.capacity = U64(1 << 18), U64(1 << 12)

    def price(self, address: int, data: bytes) -> int:
        source = Buffer(data)
        return int(PRICE(address, self.machine, U64(source.address), U64(len(data))))


def inputs(address: int) -> Iterator[bytes]:
    """Good and bad ones, of all sizes that prices depend on."""
    dice = Random(address)
    yield from (sample(dice, address) for _ in range(12))
    yield from (bytes(size) for size in (0, 1, 31, 32, 33, 64, 160, 191, 192, 213, 288, 384, 385, 1_000))
    if address in (BLS12_G1MSM, BLS12_G2MSM):
        yield from (bytes(pairs * size) for pairs in (1, 2, 3, 64, 127, 128, 129, 300) for size in (160, 288))
    if address == MODEXP:
        sizes = (0, 1, 31, 32, 33, 64, 65, 1_024, 1_025, 5_000, 2**32 - 1, 2**32, 2**70)
        for base, exponent, modulus in [(a, b, c) for a in sizes for b in sizes for c in (0, 64, 2_000)]:
            head = b"".join(size.to_bytes(32) for size in (base, exponent, modulus))
            yield head + b"\x7f" * (min(base, 100) + 40)


@pytest.mark.parametrize("fork", FORKS)
def test_addresses_since_the_fork(fork: int) -> None:
    theirs = specs(fork).precompiles()
    assert {row.address for row in PRECOMPILES.values() if row.since <= fork} == theirs
    assert {n for n in range(LAST + 300) if is_precompile(U64(fork), U256(n))} == theirs
    assert not any(is_precompile(U64(fork), U256(n | 1 << bits)) for n in theirs for bits in (16, 64, 159))


@pytest.mark.parametrize("fork", FORKS)
def test_prices(fork: int) -> None:
    bench = Bench(fork)
    for row in PRECOMPILES.values():
        if row.since > fork:
            continue
        for data in inputs(row.address):
            theirs = specs(fork).precompile_price(row.address, data)
            if theirs is not None:
                # What nobody can pay is as good as any other such price.
                assert min(bench.price(row.address, data), MOST) == min(theirs, MOST), (row, data.hex())
            else:
                assert bench.price(row.address, data) < MOST, (row, data.hex())


def test_names_are_those_of_eip_7910() -> None:
    text = """ECREC SHA256 RIPEMD160 ID MODEXP BN254_ADD BN254_MUL BN254_PAIRING BLAKE2F KZG_POINT_EVALUATION
    BLS12_G1ADD BLS12_G1MSM BLS12_G2ADD BLS12_G2MSM BLS12_PAIRING_CHECK BLS12_MAP_FP_TO_G1 BLS12_MAP_FP2_TO_G2
    P256VERIFY"""
    assert [row.name for row in PRECOMPILES.values()] == text.split()


def test_price_first() -> None:
    bench, source = Bench(max(FORKS)), Buffer(bytes(range(64)))
    arguments = bench.machine, U64(2), U64(source.address), U64(64)
    assert tuple(map(int, call_precompile(*arguments, U64(83)))) == (16, 0)  # OUT_OF_GAS
    assert int(most_work(*arguments, U64(83))) == 0
    assert tuple(map(int, call_precompile(*arguments, U64(100)))) == (2, 16)  # RETURN
    assert int(most_work(*arguments, U64(84))) == 84 * PRECOMPILES[2].weight
    assert int(bench.machine.returned.size) == 32
    assert set(RUN.cases) == set(PRICE.cases) == set(PRECOMPILES)
