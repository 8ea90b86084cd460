"""What L1 has confirmed: reported from outside, never going back by itself, there after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from jovay.sequencer.errors import FinalityError
from jovay.sequencer.finality import Confirmation, L1Finality, Step
from jovay.storage.kv import KV, META, MemoryKV
from jovay.storage.rocks import RocksKV


def opened(kv: KV, head: int = 100) -> L1Finality:
    return L1Finality(kv, lambda batch: kv.write(batch, sync=True), lambda: head)


def batch(block: int, index: int) -> Confirmation:
    return Confirmation(block, index, bytes([index]) * 32, 1_000 + index)


def test_nothing_is_confirmed_but_genesis() -> None:
    finality = opened(MemoryKV())
    assert (finality.safe, finality.finalized) == (0, 0)
    assert finality.confirmation(Step.COMMITTED, 1) is None


def test_steps_follow_each_other_and_never_go_back() -> None:
    finality = opened(MemoryKV())
    with pytest.raises(FinalityError, match="block 10 cannot be attested: 0 is already, at most 0 can be"):
        finality.report(Step.ATTESTED, batch(10, 1))
    for block, index in ((10, 1), (25, 2)):
        finality.report(Step.COMMITTED, batch(block, index))
    with pytest.raises(FinalityError):
        finality.report(Step.COMMITTED, batch(101, 3))  # nobody has stored it
    finality.report(Step.ATTESTED, batch(25, 2))
    with pytest.raises(FinalityError):
        finality.report(Step.ATTESTED, batch(10, 1))
    with pytest.raises(FinalityError):
        finality.report(Step.ATTESTED, batch(25, 7))  # the same block, but another story
    finality.report(Step.ATTESTED, batch(25, 2))  # told twice
    finality.report(Step.PROVEN, batch(10, 1))
    assert (finality.safe, finality.finalized) == (25, 10)


def test_a_block_belongs_to_the_batch_that_ends_after_it() -> None:
    finality = opened(MemoryKV())
    for block, index in ((10, 1), (25, 2)):
        finality.report(Step.COMMITTED, batch(block, index))
    finality.report(Step.ATTESTED, batch(10, 1))
    found = [finality.confirmation(Step.COMMITTED, number) for number in (1, 10, 11, 25, 26)]
    assert found == [batch(10, 1), batch(10, 1), batch(25, 2), batch(25, 2), None]
    assert [finality.confirmation(Step.ATTESTED, number) for number in (10, 11)] == [batch(10, 1), None]


def test_a_rewind_forgets_what_comes_later() -> None:
    kv = MemoryKV()
    finality = opened(kv)
    for step in Step:
        for block, index in ((10, 1), (25, 2)):
            finality.report(step, batch(block, index))
    finality.rewind(24)
    assert (finality.safe, finality.finalized) == (10, 10)
    finality.report(Step.COMMITTED, batch(20, 2))
    assert opened(kv).confirmation(Step.COMMITTED, 15) == batch(20, 2)
    finality.report(Step.ATTESTED, batch(20, 2))
    finality.report(Step.PROVEN, batch(20, 2))
    finality.rewind(0)
    assert (finality.safe, finality.finalized) == (0, 0)
    assert not list(kv.iterate(META, prefix=b"finality/"))


def test_what_is_proven_is_safe() -> None:
    """A batch may be attested together with later ones, of which some leave the chain."""
    finality = opened(MemoryKV())
    for block, index in ((10, 1), (25, 2)):
        finality.report(Step.COMMITTED, batch(block, index))
    finality.report(Step.ATTESTED, batch(25, 2))
    finality.report(Step.PROVEN, batch(10, 1))
    finality.rewind(24)
    assert (finality.safe, finality.finalized) == (10, 10)


def test_a_restart_knows_it_again(tmp_path: Path) -> None:
    kv = RocksKV(tmp_path, ())
    before = opened(kv, 500)
    for block, index in ((200, 1), (300, 2)):
        before.report(Step.COMMITTED, batch(block, index))
    before.report(Step.ATTESTED, batch(200, 1))
    kv.close()
    kv = RocksKV(tmp_path, ())
    after = opened(kv, 500)
    assert (after.safe, after.finalized) == (200, 0)
    assert after.confirmation(Step.COMMITTED, 256) == batch(300, 2)
    assert [after.stage(number) for number in (0, 200, 201)] == [3, 2, 1]
    kv.close()
