"""Whatever L1 takes back, and whenever a follower is cut off: in the end all agree, and each message counts once."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jovay.bridge.errors import BridgeError
from jovay.bridge.l1.data import BeaconNode, fetch
from jovay.bridge.l1.record import Kind, L1Record
from jovay.sequencer.finality import Step
from rigs.anvil import anvil
from rigs.paths import MissingToolError
from rigs.settled_story import Copy, Story, same

#: Accounts that get wei by messages from L1 alone.
TARGETS = [bytes((0x70 + n,)) * 20 for n in range(3)]


@pytest.fixture
def url() -> Iterator[str]:
    try:
        with anvil(extra=["--slots-in-an-epoch", "40"]) as node:
            yield node.url
    except MissingToolError as missing:
        pytest.skip(str(missing))


class Storm:
    """One run, by a seed. What stands on L1 is known from the record alone."""

    def __init__(self, story: Story, folder: Path, seed: int) -> None:
        self.story, self.folder, self.random = story, folder, random.Random(seed)
        self.record: L1Record = story.reader.record
        self.copy = Copy(story, folder / "copy")

    def message(self) -> None:
        self.story.l1.message(b"", self.random.choice(TARGETS), self.random.randrange(1, 9))

    def block(self) -> None:
        self.story.block()

    def commit(self) -> None:
        last = self._last_block()
        if last is not None and last < (head := self.story.sequencer.visible.number):
            until = self.random.randrange(last + 1, head + 1)
            da = self.story.data(last + 1, until)
            messages = self.story.sequencer.inbox.position(until)[0]
            self.story.l1.commit(da, messages, in_blobs=self.random.random() < 0.3)

    def claim(self) -> None:
        for kind in (Kind.TEE, Kind.ZK)[: self.random.randrange(1, 3)]:
            index = 1
            while self.record.claim(kind, index) is not None:
                index += 1
            batch = self.record.batch(index)
            blocks = self.record.blocks_of(batch) if batch else None
            if batch is not None and blocks is not None:
                da = fetch(batch, [BeaconNode(self.story.url)])
                output = self.story.output_of(blocks[1])
                self.story.l1.claim(kind, batch.header, da, output, bool(batch.versioned_hashes))

    def revert(self) -> None:
        l1 = self.story.l1
        final = l1.rollup.read(l1.client, "lastFinalizedBatch")
        last = l1.rollup.read(l1.client, "lastCommittedBatch")
        if last > final:
            l1.call(l1.rollup, "revertBatches", self.random.randrange(final, last))

    def take_back(self) -> None:
        """A reorganisation. Anvil's new blocks are empty, and its clock goes back with them."""
        l1 = self.story.l1
        most = l1.client.block_number() - l1.settlement.deployed_at - 6
        if most > 0:
            l1.reorganise(self.random.randrange(1, min(32, most) + 1))
            l1.client.call("evm_setNextBlockTimestamp", max(int(time.time()), l1.now() + 1))
            l1.mine()

    def restart(self) -> None:
        """The follower is cut off in the midst of something."""
        for _ in range(self.random.randrange(3)):
            self.copy.follower.step()
        self.copy.node.stop()
        self.copy.record.close()
        self.copy = Copy(self.story, self.folder / "copy")

    def follow(self) -> None:
        self.story.follow()
        if self.random.random() < 0.5:
            self.copy.follow()

    def _last_block(self) -> int | None:
        batch = self.record.batch(self.record.last_batch)
        blocks = self.record.blocks_of(batch) if batch else None
        return blocks[1] if blocks else None

    def run(self, steps: int) -> None:
        actions = [self.message] * 4 + [self.block] * 5 + [self.commit] * 4 + [self.claim] * 2
        actions += [self.take_back] * 2 + [self.revert, self.restart]
        for _ in range(steps):
            self.random.choice(actions)()
            self.follow()

    def settle(self) -> None:
        """All is executed, committed and read."""
        self.story.block()
        head = self.story.sequencer.visible.number
        while (last := self._last_block()) != head:
            assert last is not None
            da = self.story.data(last + 1, head)
            self.story.l1.commit(da, self.story.sequencer.inbox.position(head)[0], in_blobs=False)
            self.story.follow()
        self.copy.follow()


def check(storm: Storm) -> None:
    story, record = storm.story, storm.record
    head = story.sequencer.visible.number
    same(story, storm.copy, head)
    l1 = story.l1
    count = l1.mailbox.read(l1.client, "nextMsgIndex")
    assert record.message_count == count == story.sequencer.inbox.standing.next_message
    assert record.rolling_hash(count) == l1.mailbox.read(l1.client, "rollingHash")
    assert record.last_batch == l1.rollup.read(l1.client, "lastCommittedBatch")
    sent = dict.fromkeys(TARGETS, 0)
    topics, first = [[l1.mailbox.topic("SentMsg")]], l1.settlement.deployed_at
    for log in l1.client.logs([l1.mailbox.address], topics, first, l1.client.block_number()):
        event = l1.mailbox.event(log)
        assert event is not None
        sent[event.args["target"]] += event.args["value"]
    assert {target: story.state.account(target, head).balance for target in TARGETS} == sent
    claimed = l1.rollup.read(l1.client, "lastTeeVerifiedBatch")
    batch = record.batch(claimed)
    assert batch is not None
    for sequencer in (story.sequencer, storm.copy.sequencer):
        assert sequencer.finality.committed == head
        assert sequencer.finality.reached(Step.ATTESTED) == (record.blocks_of(batch) or (0, 0))[1]


def weather(url: str, folder: Path, seed: int, steps: int) -> None:
    story = Story(folder, url)
    storm = Storm(story, folder, seed)
    try:
        story.follow()
        storm.run(steps)
        storm.settle()
        check(storm)
    except BridgeError as error:
        raise AssertionError(f"seed {seed}") from error
    finally:
        storm.copy.node.stop()
        story.stop()


@pytest.mark.parametrize("seed", [0, 107])
def test_a_storm(url: str, tmp_path: Path, seed: int) -> None:
    weather(url, tmp_path, seed, steps=40)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 160))
def test_many_storms(url: str, tmp_path: Path, seed: int) -> None:
    weather(url, tmp_path, seed, steps=80)
