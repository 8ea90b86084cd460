"""What a proof takes is known before it is begun, and one that does not fit is refused."""

from __future__ import annotations

import pytest

from jovay.native.memory import memory
from jovay.prover.zk import needs
from jovay.prover.zk.errors import ProofTooLargeError
from jovay.prover.zk.layout import Layout
from jovay.prover.zk.progress import Progress, within
from jovay.prover.zk.prover import prove
from jovay.prover.zk.setup import Setup, development_setup
from rigs import zk_tables


@pytest.fixture(scope="module")
def setup() -> Setup:
    return zk_tables.setup()


def test_a_proof_that_does_not_fit_into_memory_is_refused(setup: Setup) -> None:
    steps, bytes_, public = zk_tables.machine()
    about, told = zk_tables.statement(setup, public), list[object]()
    needed = needs.needed(about.layout([4, 8, 5, 3]))
    with pytest.raises(ProofTooLargeError, match="bytes of memory") as refused:
        prove(about, zk_tables.tables(steps, bytes_), setup, lambda *said: told.append(said), needed - 1)
    assert (refused.value.needed, refused.value.allowed) == (needed, needed - 1)
    assert not told
    assert prove(about, zk_tables.tables(steps, bytes_), setup, allowed=needed)


def test_a_set_up_that_is_too_small_is_told(setup: Setup) -> None:
    steps, bytes_, public = zk_tables.machine()
    about, small = zk_tables.statement(setup, public), development_setup(1 << 7, zk_tables.TAU)
    with pytest.raises(ProofTooLargeError, match="powers") as refused:
        prove(about, zk_tables.tables(steps, bytes_), small)
    assert (refused.value.needed, refused.value.allowed) == (1 << 8, 1 << 7)


def test_twice_the_rows_take_twice_the_memory() -> None:
    small, large = (Layout(zk_tables.CHIPS, (height, height, 5, 3)) for height in (19, 20))
    vectors = [needs.needed(layout) - needs.PROCESS for layout in (small, large)]
    assert 1.9 < vectors[1] / vectors[0] < 2.1
    assert all(
        1.9 < b / a < 2.1
        for a, b in zip(*(needs.work(each).values() for each in (small, large)), strict=True)
    )
    cells = sum(len(chip.names) << height for chip, height in zip(large.chips, large.heights, strict=True))
    assert vectors[1] > 1.5 * 32 * cells


def test_what_is_available_counts_vectors_that_are_there() -> None:
    before, most = memory().lent, memory().most
    block = memory().words(1 << 20)
    assert memory().lent == before + (8 << 20)
    assert memory().most == max(most, memory().lent)
    assert needs.available() > 8 << 20
    del block
    assert memory().lent == before


def test_shares_only_rise() -> None:
    told = list[tuple[str, float]]()
    progress = Progress({"a": 1, "b": 3}, within(lambda *said: told.append(said), 0.5, 1.0))
    progress.begin("a")
    progress.done(0.5)
    progress.begin("b")
    progress.done(1.0)
    progress.done(0.5)
    assert told == [("a", 0.5), ("a", 0.5625), ("b", 0.625), ("b", 1.0), ("b", 1.0)]
