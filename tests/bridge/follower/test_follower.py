"""A follower makes of L1 alone the chain that the sequencer made, whatever happened to its batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jovay.bridge.follower.derivation import Derivation
from jovay.bridge.l1.batches import CommittedBatch
from jovay.bridge.l1.following_errors import (
    BatchDifferenceError,
    ClaimDifferenceError,
    UnknownRulesError,
    UnreadableBatchError,
)
from jovay.bridge.l1.record import Kind
from jovay.bridge.wire.block_context import BlockContext
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.payload import encode_chunks
from jovay.rpc.backend.pool import RawBatch
from jovay.sequencer.finality import Step
from rigs.anvil import anvil
from rigs.paths import MissingToolError
from rigs.settled_story import Copy, Story, same

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
    story.fund()
    yield story
    story.stop()


@pytest.fixture
def copy(story: Story, tmp_path: Path) -> Iterator[Copy]:
    copy = Copy(story, tmp_path / "copy")
    yield copy
    copy.node.stop()


def test_a_copy(story: Story, copy: Copy) -> None:
    for n in range(4):
        story.block(story.transaction(n % 3, TARGET, value=n + 1), story.transaction(n % 3, TARGET, value=1))
    story.commit(chunks=2)
    story.l1.message(b"", TARGET, 9)
    story.follow()
    story.block(story.transaction(1, None, bytes.fromhex("600160005560aa60005260206000f3")))
    story.block()
    story.commit(in_blobs=False)
    story.claim(1, [Kind.TEE, Kind.ZK])
    story.claim(2)
    story.l1.mine(3)
    copy.follow()
    same(story, copy, 7)
    assert [copy.sequencer.finality.reached(step) for step in Step] == [7, 7, 5]


def test_a_copy_that_begins_anew_at_every_batch(story: Story, tmp_path: Path) -> None:
    """Stopped after any step, and in the midst of a batch."""
    for n in range(3):
        for _ in range(2):
            story.block(story.transaction(n, TARGET, value=1))
        story.commit(in_blobs=False)
    for batches in range(1, 5):
        copy = Copy(story, tmp_path / "copy")
        for _ in range(batches):
            if not copy.follower.step():
                break
        copy.node.stop()
    copy = Copy(story, tmp_path / "copy")
    copy.follow()
    same(story, copy, 7)
    copy.node.stop()


def test_reverted_batches_leave_the_copy(story: Story, copy: Copy) -> None:
    story.block(story.transaction(0, TARGET, value=1))
    story.commit(in_blobs=False)
    story.block(story.transaction(1, TARGET, value=1))
    story.block(story.transaction(0, TARGET, value=1))
    story.commit(last=3, in_blobs=False)
    story.commit(in_blobs=False)
    copy.follow()
    same(story, copy, 4)
    story.revert(1)
    copy.follow()
    same(story, copy, 2)
    story.commit()
    copy.follow()
    same(story, copy, 4)


@pytest.mark.parametrize("depth", [1, 3, 7])
def test_l1_goes_back_and_so_does_the_copy(story: Story, copy: Copy, depth: int) -> None:
    for n in range(2):
        story.block(story.transaction(n, TARGET, value=1))
        story.commit(in_blobs=False)
        story.claim(n + 1)
    copy.follow()
    same(story, copy, 3)
    story.l1.reorganise(depth)
    story.l1.mine(2)
    copy.follow()
    same(story, copy, {1: 3, 3: 2, 7: 0}[depth])


def wrong(story: Story, last: int, **changes: int) -> DaData:
    """What is published of blocks up to ``last``, with the last context changed."""
    blocks = [story.l2.context(number) for number in range(story.committed + 1, last + 1)]
    blocks[-1] = blocks[-1][0]._replace(**changes), blocks[-1][1]
    return DaData.of(2, encode_chunks([Chunk.of(blocks)], 2))


@pytest.mark.parametrize("field", ["spec_version", "base_fee", "gas_limit", "timestamp"])
def test_a_batch_that_no_chain_has(story: Story, copy: Copy, field: str) -> None:
    """It waits to be reverted; what was made of it leaves the chain."""
    story.block(story.transaction(0, TARGET, value=1))
    story.commit(in_blobs=False)
    story.block(story.transaction(1, TARGET, value=1))
    story.block(story.transaction(0, TARGET, value=1))
    story.l1.commit(wrong(story, 4, **{field: 77}), 4, in_blobs=False)
    for _ in range(2):
        with pytest.raises((BatchDifferenceError, UnreadableBatchError)):
            copy.follow()
        same(story, copy, 2)
    story.l1.call(story.l1.rollup, "revertBatches", 1)
    story.commit(in_blobs=False)
    copy.follow()
    same(story, copy, 4)


def test_transactions_that_are_not_valid(story: Story, copy: Copy) -> None:
    """A nonce that was used, a message from L1 among the signed ones, bytes that are nothing."""
    raw = story.transaction(0, TARGET, value=1)
    story.block(raw)
    story.commit(in_blobs=False)
    context, _ = story.l2.context(2)
    following = context._replace(number=3, transactions=1, l1_messages=0)
    for transaction in (raw, b"\x7f\xc3\x04\x80\x80", b"\x02nothing"):
        chunk = Chunk.of([(following, [transaction])])
        story.l1.commit(DaData.of(2, encode_chunks([chunk], 2)), 4, in_blobs=False)
        with pytest.raises(BatchDifferenceError, match="transactions of block 3"):
            copy.follow()
        same(story, copy, 2)
        story.l1.call(story.l1.rollup, "revertBatches", 1)
    copy.follow()
    same(story, copy, 2)


def test_a_claim_of_something_else(story: Story, copy: Copy) -> None:
    header = story.commit(in_blobs=False)
    good = story.output(1)
    story.l1.claim(Kind.TEE, header, story.batches[0][1], (b"\5" * 32, *good[1:]), in_blobs=False)
    with pytest.raises(ClaimDifferenceError, match="state root"):
        copy.follow()
    assert copy.sequencer.finality.reached(Step.ATTESTED) == 0


def test_rules_that_the_genesis_file_does_not_know(story: Story, copy: Copy) -> None:
    rules = b"\5" * 32, story.l1.verifier, bytes(20), bytes(32)
    story.l1.call(story.l1.rollup, "scheduleRules", 1, rules)
    story.commit(in_blobs=False)
    with pytest.raises(UnknownRulesError, match="batch 1"):
        copy.follow()
    same(story, copy, 0)


def test_a_copy_takes_no_transactions(copy: Copy) -> None:
    with pytest.raises(Exception, match="follows L1"):
        copy.node.node.backend.pool.submit(RawBatch(b"\x02", [1]))


def test_a_copy_that_is_killed_in_the_midst_of_a_batch(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(5):
        story.block(story.transaction(n % 3, TARGET, value=1))
    story.commit(in_blobs=False)
    made = Derivation._make_block

    def dies(
        self: Derivation, batch: CommittedBatch, context: BlockContext, transactions: list[bytes]
    ) -> None:
        if context.number == 4:
            raise KeyboardInterrupt
        made(self, batch, context, transactions)

    copy = Copy(story, tmp_path / "copy")
    monkeypatch.setattr(Derivation, "_make_block", dies)
    with pytest.raises(KeyboardInterrupt):
        copy.follow()
    monkeypatch.undo()
    copy.node.stop()
    copy = Copy(story, tmp_path / "copy")
    assert copy.sequencer.visible.number == 3
    copy.follow()
    same(story, copy, 6)
    copy.node.stop()


def test_a_batch_of_somebody_else(url: str, tmp_path: Path) -> None:
    """After T1 anyone commits, with both proofs, and what was in the way is reverted."""
    story = Story(tmp_path, url)
    story.fund()
    story.block(story.transaction(0, TARGET, value=1))
    story.commit(last=1)
    copy = Copy(story, tmp_path / "copy")
    copy.follow()
    same(story, copy, 1)
    story.l1.wait(3 * 86_400)
    da, head = story.data(1, 2), story.sequencer.visible.number
    story.batches.append((story.batches[0][0], da, head, False))
    output = (*story.output(2)[:3], story.l1.now() * 1000 - 60_000)
    story.l1.commit_and_verify(da, 4, output)
    story.l1.mine(3)
    copy.follow()
    same(story, copy, 2)
    assert copy.sequencer.finality.finalized == 2
    copy.node.stop()
    story.stop()
