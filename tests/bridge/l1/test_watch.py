"""A sequencer and its L1: deposits come in, batches are known again, and both go back with L1."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jovay.bridge.l1.following_errors import (
    BatchDifferenceError,
    ClaimDifferenceError,
    DataUnavailableError,
    ExecutedMessageError,
    ForeignChainError,
    UnreadableBatchError,
)
from jovay.bridge.l1.record import Kind
from jovay.bridge.l1.watch import L1Watcher
from jovay.bridge.wire.da import DaData
from jovay.sequencer.finality import Step
from rigs.anvil import anvil
from rigs.paths import MissingToolError
from rigs.settled_node import SettledNode
from rigs.settled_story import ETHER, Story

TARGET = b"\x77" * 20


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    try:
        with anvil(extra=["--slots-in-an-epoch", "1"]) as node:
            yield node.url
    except MissingToolError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def story(url: str, tmp_path: Path) -> Iterator[Story]:
    story = Story(tmp_path, url)
    yield story
    story.stop()


def test_from_a_deposit_to_final(story: Story) -> None:
    story.fund()
    finality = story.sequencer.finality
    balance = story.state.account(
        bytes.fromhex(story.keys[0].address[2:]), story.sequencer.visible.number
    ).balance
    assert balance == 100 * ETHER
    story.block(story.transaction(0, TARGET, value=5))
    story.commit()
    story.follow()
    head = story.sequencer.visible.number
    assert [finality.reached(step) for step in Step] == [head, 0, 0]
    story.block(story.transaction(1, TARGET, value=5))
    story.commit(in_blobs=False)
    story.claim(1)
    story.follow()
    assert [finality.reached(step) for step in Step] == [head + 1, head, 0]
    story.claim(1, [Kind.ZK])
    story.follow()
    assert [finality.reached(step) for step in Step] == [head + 1, head, 0]
    story.l1.mine(4)
    story.follow()
    assert [finality.reached(step) for step in Step] == [head + 1, head, head]
    confirmation = finality.confirmation(Step.PROVEN, head)
    assert confirmation is not None
    assert confirmation.batch == 1


def test_reverted_batches_are_not_committed(story: Story) -> None:
    story.fund()
    finality = story.sequencer.finality
    for n in range(3):
        story.block(story.transaction(n, TARGET, value=1))
        story.commit(in_blobs=False)
    story.claim(1)
    story.claim(2)
    story.follow()
    assert [finality.reached(step) for step in Step] == [4, 3, 0]
    story.revert(1)
    story.follow()
    assert [finality.reached(step) for step in Step] == [2, 2, 0]
    story.commit(in_blobs=False)
    story.follow()
    assert [finality.reached(step) for step in Step] == [4, 2, 0]


def test_a_batch_of_another_chain(story: Story) -> None:
    story.fund()
    good = story.data(1, 1)
    story.l1.commit(DaData(good.da_version, good.data[:-1] + bytes((good.data[-1] ^ 1,))), 4, in_blobs=False)
    with pytest.raises(UnreadableBatchError, match="batch 1 cannot be read"):
        story.follow()
    story.l1.call(story.l1.rollup, "revertBatches", 0)
    story.l1.commit(good, 3, in_blobs=False)
    with pytest.raises(BatchDifferenceError, match="number of L1 messages"):
        story.follow()
    assert story.sequencer.finality.committed == 0
    story.l1.call(story.l1.rollup, "revertBatches", 0)
    story.commit()
    story.follow()
    assert story.sequencer.finality.committed == 1


def test_a_claim_that_is_not_of_this_chain(story: Story) -> None:
    story.fund()
    header = story.commit(in_blobs=False)
    good = story.output(1)
    da = story.batches[0][1]
    for wrong in (
        (b"\5" * 32, *good[1:]),
        (good[0], b"\5" * 32, *good[2:]),
        (*good[:2], b"\6" * 32, good[3]),
    ):
        story.l1.claim(Kind.TEE, header, da, wrong, in_blobs=False)
        with pytest.raises(ClaimDifferenceError):
            story.follow()
        assert story.sequencer.finality.safe == 0
        story.l1.call(story.l1.rollup, "revertBatches", 0)
        story.l1.commit(da, 4, in_blobs=False)


def test_without_data_a_batch_waits(story: Story) -> None:
    story.fund()
    story.commit()
    blind = L1Watcher(story.sequencer, story.reader, [], None)
    with pytest.raises(DataUnavailableError):
        blind.step()
    assert story.sequencer.finality.committed == 0
    story.follow()
    assert story.sequencer.finality.committed == 1


@pytest.mark.parametrize("depth", [1, 2, 4, 7])
def test_messages_that_l1_takes_back(story: Story, depth: int) -> None:
    """The L2 goes back to before the first of them, and takes in what comes instead."""
    story.fund()
    story.commit(in_blobs=False)
    story.block(story.transaction(0, TARGET, value=1))
    for _ in range(2):
        story.l1.message(b"", TARGET, 3)
    story.follow()
    story.block()
    story.l1.reorganise(depth)
    story.l1.message(b"", b"\x78" * 20, 4)
    story.l1.mine(8)
    story.follow()
    left = 6 - min(depth, 2) - max(0, depth - 3)
    assert story.sequencer.inbox.standing.next_message == (4 if depth < 4 else 0)
    assert story.sequencer.inbox.next == left + 1
    number = story.block()
    assert story.state.account(b"\x78" * 20, number).balance == 4
    assert story.sequencer.inbox.position(number)[0] == left + 1
    assert story.sequencer.finality.committed == (1 if depth < 3 else 0)


def test_elsewhere_messages_that_are_taken_back_stop_the_sequencer(story: Story) -> None:
    story.fund()
    strict = L1Watcher(story.sequencer, story.reader, [], None)
    strict.step()
    story.l1.message(b"", TARGET, 3)
    strict.step()
    story.l1.reorganise(1)
    strict.step()  # it was not executed yet
    assert story.sequencer.inbox.next == 4
    story.l1.message(b"", TARGET, 3)
    strict.step()
    story.block()
    story.l1.reorganise(1)
    with pytest.raises(ExecutedMessageError, match="number 4"):
        strict.step()


def test_an_attested_batch_of_another_chain(story: Story) -> None:
    """A sequencer whose blocks are not those that enclaves attest, since an old copy of its data was put back."""
    story.fund()
    story.block(story.transaction(0, TARGET, value=1))
    story.commit(in_blobs=False)
    story.claim(1)
    story.sequencer.rewind_to(1)
    with pytest.raises(ForeignChainError, match="existence of block 2"):
        story.follow()


def test_a_wrong_zk_claim_is_seen_before_it_counts(story: Story) -> None:
    story.fund()
    header = story.commit(in_blobs=False)
    good = story.output(1)
    story.l1.claim(Kind.ZK, header, story.batches[0][1], good, in_blobs=False)
    story.follow()
    story.block(story.transaction(0, TARGET, value=1))
    header = story.commit(in_blobs=False)
    wrong = b"\5" * 32, *story.output(2)[1:]
    story.l1.claim(Kind.ZK, header, story.batches[1][1], wrong, in_blobs=False)
    with pytest.raises(ClaimDifferenceError, match="ZK claim of batch 2"):
        story.follow()


def test_a_node_with_the_wrong_l1_ends_and_one_with_a_wrong_claim_halts(story: Story, tmp_path: Path) -> None:
    story.fund()
    header = story.commit(in_blobs=False)
    good = story.output(1)
    (tmp_path / "other").mkdir()
    other = SettledNode(tmp_path / "other", replace(story.genesis, timestamp=1_700_000_001), l1=story.url)
    wait_until(lambda: "genesis" in other.node.failure)
    other.stop()
    story.l1.claim(Kind.TEE, header, story.batches[0][1], (b"\5" * 32, *good[1:]), in_blobs=False)
    (tmp_path / "copy").mkdir()
    copy = SettledNode(tmp_path / "copy", story.genesis, l1=story.url, follow=True)
    wait_until(lambda: "TEE claim of batch 1: state root" in copy.node.failure)
    copy.stop()
    story.stop()
    again = SettledNode(tmp_path, story.genesis, l1=story.url)
    wait_until(lambda: again.sequencer.trouble() is not None)
    assert "TEE claim of batch 1: state root" in str(again.sequencer.trouble())
    assert not again.node.failure
    again.stop()


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)
