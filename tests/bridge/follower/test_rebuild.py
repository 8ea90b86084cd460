"""A chain with everything that can happen to one, made again from L1 alone: the same blocks and receipts."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jovay.bridge.genesis import settled_config
from jovay.bridge.l1.contracts import Contract
from jovay.bridge.l1.record import Kind
from jovay.bridge.predeploys import L2_ETH_BRIDGE, L2_MAILBOX
from jovay.kernel.protocol.forks import OSAKA, PRAGUE
from jovay.sequencer.finality import Step
from rigs.anvil import anvil
from rigs.paths import MissingToolError
from rigs.settled_story import BASE_FEE, CHAIN_ID, ETHER, GAS_LIMIT, Copy, Story, same

#: Seconds until Osaka begins, which are let pass at once when half of the story is told.
FORK_IN = 45
TARGET = b"\x77" * 20
#: slot[number] = blockhash(number - 3) ^ prevrandao, and a log with the number.
CODE = bytes.fromhex("6003430340441843554360005260206000a000")


def creation() -> bytes:
    """Deploys ``CODE``."""
    return bytes((0x60, len(CODE), 0x80, 0x60, 0x0B, 0x60, 0x00, 0x39, 0x60, 0x00, 0xF3)) + CODE


@pytest.fixture
def url() -> Iterator[str]:
    try:
        with anvil(extra=["--slots-in-an-epoch", "1"]) as node:
            yield node.url
    except MissingToolError as missing:
        pytest.skip(str(missing))


class Teller:
    """Makes up what happens, by a seed."""

    def __init__(self, story: Story, seed: int) -> None:
        self.story, self.random = story, random.Random(seed)
        self.created: list[bytes] = []
        self.reverted = 0
        self.eth_bridge = Contract("L2ETHBridge", L2_ETH_BRIDGE)
        self.mailbox = Contract("L2Mailbox", L2_MAILBOX)

    def transaction(self) -> bytes:
        story, rand = self.story, self.random
        sender = rand.randrange(len(story.keys))
        me = bytes.fromhex(story.keys[sender].address[2:])
        match rand.randrange(6):
            case 0:
                created = story.address_of_creation(sender)
                self.created.append(created)
                return story.transaction(sender, None, creation())
            case 1 if self.created:
                return story.transaction(sender, rand.choice(self.created))
            case 2:
                amount = rand.randrange(1, 1_000)
                call = self.eth_bridge.encode("withdraw", me, amount)
                return story.transaction(sender, L2_ETH_BRIDGE, call, amount)
            case 3:
                call = self.mailbox.encode("sendMsg", TARGET, 0, rand.randbytes(40), 0, me)
                return story.transaction(sender, L2_MAILBOX, call)
            case 4:  # it reverts
                return story.transaction(sender, L2_MAILBOX, rand.randbytes(36))
        return story.transaction(
            sender, rand.randbytes(20), rand.randbytes(rand.randrange(60)), rand.randrange(9)
        )

    def on_l1(self) -> None:
        """A deposit, a call of a contract, a call that fails, or what L1 is like."""
        l1, rand = self.story.l1, self.random
        match rand.randrange(4):
            case 0 if self.created:
                l1.message(rand.randbytes(5), rand.choice(self.created), 0)
            case 1:
                l1.message(rand.randbytes(8), L2_ETH_BRIDGE, rand.randrange(3))
            case 2:
                gas = l1.mailbox.read(l1.client, "blockInfoGas")
                l1.call(l1.mailbox, "sendL1BlockInfo", value=gas * 10**6)
            case _:
                l1.message(b"", rand.randbytes(20), rand.randrange(1, ETHER))

    def block(self) -> None:
        if self.random.random() < 0.15:
            self.on_l1()
        self.story.follow()
        self.story.block(*(self.transaction() for _ in range(self.random.choice((0, 1, 1, 2, 3)))))

    def batch(self) -> None:
        """Commit what there is; claim some; revert some that are not final."""
        story, rand = self.story, self.random
        how = {"in_blobs": rand.random() < 0.6, "chunks": rand.choice((1, 1, 2, 3))}
        how["version"] = (
            rand.choice((2, 2, 1)) if story.sequencer.visible.number - story.committed < 200 else 2
        )
        story.commit(**how)
        claimed = story.l1.rollup.read(story.l1.client, "lastTeeVerifiedBatch")
        final = story.l1.rollup.read(story.l1.client, "lastFinalizedBatch")
        if rand.random() < 0.2 and len(story.batches) > final + 1:
            self.reverted += 1
            story.revert(rand.randrange(max(final, len(story.batches) - 3), len(story.batches)))
            claimed = min(claimed, len(story.batches))
        for index in range(claimed + 1, len(story.batches) + rand.randrange(-1, 1)):
            story.claim(index)
        claimed = story.l1.rollup.read(story.l1.client, "lastTeeVerifiedBatch")
        for index in range(final + 1, max(final + 1, claimed - 1)):
            story.claim(index, [Kind.ZK])


def tell(folder: Path, url: str, blocks: int, each: int, seed: int) -> tuple[Story, Teller]:
    """So many blocks, a batch after ``each`` on average, and the upgrade that brings Osaka half-way."""
    fork_at = int(time.time()) + FORK_IN + 2 * blocks
    config = settled_config(CHAIN_ID, GAS_LIMIT, BASE_FEE, ((0, PRAGUE), (fork_at, OSAKA)))
    story = Story(folder, url, config)
    story.fund()
    teller = Teller(story, seed)
    live = Copy(story, folder / "live")
    for half in range(2):
        while story.sequencer.visible.number < (half + 1) * blocks // 2:
            teller.block()
            if teller.random.random() < 1 / each:
                teller.batch()
                live.follow()
        if half == 0:
            assert story.sequencer.visible.timestamp < fork_at, "the first half takes too long"
            story.commit()
            story.l1.schedule(len(story.batches) + 1, config)
            ahead = fork_at - int(time.time()) + 1
            story.l1.wait(ahead)
            story.sequencer.next_block.shift_clock(ahead)
    story.commit(in_blobs=False)
    story.l1.mine(3)
    live.follow()
    same(story, live, story.sequencer.visible.number)
    live.node.stop()
    return story, teller


def rebuild(folder: Path, url: str, blocks: int, each: int, seed: int) -> None:
    story, teller = tell(folder, url, blocks, each, seed)
    copy = Copy(story, folder / "copy")
    copy.follow()
    head = story.sequencer.visible.number
    assert head >= blocks
    same(story, copy, head)
    story.follow()
    for step in Step:
        assert copy.sequencer.finality.reached(step) == story.sequencer.finality.reached(step) > 0
    assert teller.reverted > 0
    assert teller.created
    assert {story.sequencer.rules.fork(0, story.sequencer.block_time_ms(n) // 1000) for n in (1, head)} == {
        PRAGUE,
        OSAKA,
    }
    copy.node.stop()
    story.stop()


def test_sixty_blocks(tmp_path: Path, url: str) -> None:
    rebuild(tmp_path, url, blocks=60, each=6, seed=3)


@pytest.mark.slow
def test_a_thousand_blocks(tmp_path: Path, url: str) -> None:
    rebuild(tmp_path, url, blocks=1_100, each=25, seed=4)
