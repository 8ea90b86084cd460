"""A follower makes of L1 alone the chain that the sequencer made, whatever happened to its batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jovay.bridge.follower.follower import Follower
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.data import BeaconNode
from jovay.bridge.l1.reader import L1Reader
from jovay.bridge.l1.record import Kind, L1Record
from jovay.sequencer.finality import Step
from jovay.sequencer.sequencer import Sequencer
from jovay.storage.frame import Part
from rigs.anvil import anvil
from rigs.paths import MissingToolError
from rigs.settled_node import SettledNode
from rigs.settled_story import Story, rewinder_of

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


class Copy:
    """A follower's node, which knows nothing but the genesis file and L1."""

    def __init__(self, story: Story, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.node = SettledNode(folder, story.genesis, follow=True, accounts=200_000, slots=800_000)
        self.sequencer: Sequencer = self.node.sequencer
        record = L1Record(folder / "l1")
        reader = L1Reader(L1Client(story.url), story.l1.settlement, record, 0, story.l1.genesis)
        self.follower = Follower(
            self.sequencer, reader, [BeaconNode(story.url)], rewinder_of(self.node.node).rewind
        )

    def follow(self) -> None:
        while self.follower.step():
            pass


@pytest.fixture
def copy(story: Story, tmp_path: Path) -> Iterator[Copy]:
    copy = Copy(story, tmp_path / "copy")
    yield copy
    copy.node.stop()


def same(story: Story, copy: Copy, last: int) -> None:
    """The copy ends with block ``last``, and has all that the sequencer has of every block."""
    assert copy.sequencer.visible.number == last
    for number in range(last + 1):
        here, there = copy.sequencer.data.blocks, story.sequencer.data.blocks
        assert here.hash_of(number) == there.hash_of(number)
        for part in (Part.HEADER, Part.TRANSACTIONS, Part.RECEIPTS, Part.LOGS, Part.SENDERS, Part.STANDING):
            assert here.read(number, part) == there.read(number, part), (number, part)


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
