"""A batch on L1 is looked at step by step, and what is wrong with it is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.data import BeaconNode
from jovay.bridge.l1.following_errors import ClaimDifferenceError
from jovay.bridge.l1.record import Kind
from jovay.native.library import Library
from jovay.prover.batch import BatchExecutor
from jovay.prover.verification import BatchVerification, Finding, witnesses_of
from rigs.anvil import anvil
from rigs.paths import MissingToolError
from rigs.settled_story import Story

TARGET = b"\x77" * 20


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Batch 1, claimed well by both; batch 2, of which one claim is wrong; batch 3, without claims."""
    try:
        with anvil() as l1:
            story = Story(tmp_path_factory.mktemp("l2"), l1.url)
            story.fund()
            story.block(story.transaction(0, TARGET, value=1), story.transaction(1, TARGET, value=1))
            story.commit(chunks=2)
            story.claim(1, [Kind.TEE, Kind.ZK])
            story.block(story.transaction(0, TARGET, value=1))
            header = story.commit(in_blobs=False)
            story.claim(2, [Kind.TEE])
            good = story.output(2)
            story.l1.claim(Kind.ZK, header, story.batches[1][1], (b"\5" * 32, *good[1:]), in_blobs=False)
            story.block(story.transaction(1, TARGET, value=1))
            story.commit(in_blobs=False)
            with pytest.raises(ClaimDifferenceError, match="ZK claim of batch 2"):
                story.follow()
            while story.reader.step():
                pass
            assert story.sequencer.recording is not None
            story.sequencer.recording.drain()
            yield story
            story.stop()
    except MissingToolError as missing:
        pytest.skip(str(missing))


def findings(story: Story, library: Library, index: int) -> list[Finding]:
    witnesses = witnesses_of(L1Client(story.l2.node.http_url))
    executor = BatchExecutor(library, 8 << 30)
    verification = BatchVerification(story.reader, [BeaconNode(story.url)], witnesses, executor)
    return list(verification.findings(index))


def test_a_batch_that_is_right(story: Story, library: Library) -> None:
    found = findings(story, library, 1)
    assert [one.right for one in found] == [True] * 11
    assert "blocks 1 to 2 in 2 chunks" in found[3].detail


def test_a_claim_that_is_wrong(story: Story, library: Library) -> None:
    found = findings(story, library, 2)
    assert [one.what for one in found if not one.right] == ["is what the ZK claim states"]


def test_a_batch_that_nobody_has_claimed(story: Story, library: Library) -> None:
    found = findings(story, library, 3)
    assert [one.what for one in found if one.right is None] == [
        "is what the TEE claim states",
        "is what the ZK claim states",
    ]
    assert [one.what for one in found if one.right is False] == [
        "begins where the ZK claim of the batch before ends"
    ]


def test_a_batch_that_is_not_there(story: Story, library: Library) -> None:
    (only,) = findings(story, library, 4)
    assert only.right is False
