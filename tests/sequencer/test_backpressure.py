"""How far blocks may run ahead of L1, and how production slows down before."""

from __future__ import annotations

from pathlib import Path

import pytest

from jovay.sequencer.backpressure import Backlog, Backpressure
from jovay.sequencer.finality import Confirmation, L1Finality, Step
from jovay.storage.block_parts import BlockParts
from jovay.storage.blocks import BlockStore
from jovay.storage.kv import MemoryKV
from jovay.storage.standing import Standing

TICK = 0.01


class Chain:
    """Blocks of ``size`` published bytes each."""

    def __init__(self, folder: Path, most: Backlog | None, size: int = 10) -> None:
        self.blocks, kv = BlockStore(folder, sync=False), MemoryKV()
        self.finality = L1Finality(kv, kv.write, lambda: self.blocks.latest)
        self.full, self.size = False, size
        self.backpressure = Backpressure(self.finality, self.blocks, most, lambda: self.full)
        self.make(1)

    def make(self, count: int) -> None:
        for _ in range(count):
            number = self.blocks.latest + 1
            standing = Standing(number, published=number * self.size)
            self.blocks.append(
                [BlockParts(number, number.to_bytes(32, "big"), b"header", standing=standing.encode())]
            )
            self.backpressure.made(number, standing)

    def attest(self, block: int) -> None:
        for step in (Step.COMMITTED, Step.ATTESTED):
            self.finality.report(step, Confirmation(block))

    def reason(self) -> str:
        stall = self.backpressure.stall()
        return "" if stall is None else stall.reason


def test_blocks_that_l1_has_attested_wait_no_more(tmp_path: Path) -> None:
    chain = Chain(tmp_path, Backlog(100, 10_000))
    chain.make(30)
    assert chain.backpressure.backlog() == Backlog(30, 300)
    chain.attest(20)
    assert chain.backpressure.backlog() == Backlog(10, 100)
    chain.finality.rewind(0)
    assert chain.backpressure.backlog() == Backlog(30, 300)
    again = Backpressure(chain.finality, chain.blocks, None, lambda: False)
    again.made(30, Standing(0, published=300))
    assert again.backlog() == Backlog(30, 300)


@pytest.mark.parametrize(
    ("most", "flag"), [(Backlog(100, 10_000), "--backlog-blocks"), (Backlog(1_000, 1_000), "--backlog-mib")]
)
def test_production_slows_down_and_stops(tmp_path: Path, most: Backlog, flag: str) -> None:
    chain = Chain(tmp_path, most)
    ticks = []
    for _ in range(10):
        ticks.append(chain.backpressure.tick(TICK))
        assert chain.reason() == ""
        chain.make(10)
    assert ticks[:8] == [TICK] * 8
    assert TICK < ticks[9] < 1
    assert chain.backpressure.tick(TICK) == pytest.approx(1)
    assert chain.backpressure.tick(5.0) == 5
    assert "100 blocks with 1000 bytes" in chain.reason()
    assert flag in chain.reason()
    chain.attest(1)
    assert chain.reason() == ""


def test_records_of_provers_that_take_too_much_stop_production(tmp_path: Path) -> None:
    chain = Chain(tmp_path, Backlog(100, 10_000))
    chain.full = True
    assert "--tracer-mib" in chain.reason()


def test_a_chain_without_limit_does_not_wait(tmp_path: Path) -> None:
    chain = Chain(tmp_path, None)
    chain.make(500)
    chain.full = True
    assert (chain.reason(), chain.backpressure.tick(TICK)) == ("", TICK)
