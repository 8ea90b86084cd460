"""The inbox by itself: the order of the queue, what is refused, and what blocks take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jovay.bridge.wire.l1_message import NO_MESSAGES, rolling_hash
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.sequencer import inbox as module
from jovay.sequencer.errors import InboxError
from jovay.sequencer.inbox import Inbox
from jovay.sequencer.portal import Portal
from jovay.storage.block_parts import BlockParts
from jovay.storage.blocks import BlockStore
from jovay.storage.standing import Standing
from rigs.settled_node import message

GAS = 1_000_000


@pytest.fixture
def blocks(tmp_path: Path) -> Iterator[BlockStore]:
    store = BlockStore(tmp_path, sync=False)
    yield store
    store.close()


@pytest.fixture
def inbox(library: Library, blocks: BlockStore) -> Inbox:
    return Inbox(Portal(library), blocks, lambda data: keccak256(library, data), lambda: None, GAS)


def raws(first: int, end: int) -> list[bytes]:
    return [message(number, 100_000) for number in range(first, end)]


def test_messages_are_taken_in_order_and_once(inbox: Inbox) -> None:
    assert inbox.offer(0, raws(0, 3)) == inbox.next == 3
    assert inbox.offer(1, raws(1, 5)) == 5
    assert inbox.offer(0, raws(0, 2)) == 5
    assert inbox.offer(5, []) == 5
    assert [one.raw for one in inbox.head(GAS, 9)] == raws(0, 5)
    assert [inbox.message(number) for number in (0, 4, 5)] == [*raws(0, 1), *raws(4, 5), None]


@pytest.mark.parametrize(
    ("first", "offered", "named"),
    [
        (3, raws(3, 4), 3),  # a gap
        (1, [message(1, data=b"another")], 1),
        (2, raws(3, 4), 2),  # another number
        (2, [raws(2, 3)[0][:-1]], 2),
        (2, [b"\x02" + raws(2, 3)[0][1:]], 2),
        (2, [b""], 2),
        (2, [message(2), message(3, GAS + 1)], 3),
    ],
)
def test_what_does_not_follow_is_refused(inbox: Inbox, first: int, offered: list[bytes], named: int) -> None:
    inbox.offer(0, raws(0, 2))
    with pytest.raises(InboxError) as caught:
        inbox.offer(first, offered)
    assert caught.value.number == named
    assert inbox.next == 2


def test_a_chain_that_does_not_settle_takes_none(library: Library, blocks: BlockStore) -> None:
    other = Inbox(Portal(library), blocks, lambda data: b"", lambda: None, 0)
    with pytest.raises(InboxError, match="settle"):
        other.offer(0, raws(0, 1))


def test_blocks_take_what_their_gas_pays_for(inbox: Inbox) -> None:
    inbox.offer(0, raws(0, 9))
    assert len(inbox.head(350_000, 100)) == 3
    assert len(inbox.head(350_000, 2)) == 2
    assert len(inbox.head(1, 100)) == 1  # or it would never come
    assert len(inbox) == 9


def test_the_rolling_hash_is_that_of_the_wire(inbox: Inbox, library: Library) -> None:
    inbox.offer(0, raws(0, 6))
    first = inbox.executed(inbox.head(400_000, 9), 5_000, 10)
    last = inbox.executed(inbox.head(GAS, 9), 5_001, 7)
    hashes = [keccak256(library, raw) for raw in raws(0, 6)]
    assert first == Standing(5_000, 4, rolling_hash(hashes[:4], NO_MESSAGES), 10)
    assert last == Standing(5_001, 6, rolling_hash(hashes, NO_MESSAGES), 17)
    assert (len(inbox), inbox.next) == (0, 6)


def test_what_left_l1_is_forgotten_unless_a_block_has_it(inbox: Inbox) -> None:
    inbox.offer(0, raws(0, 6))
    inbox.executed(inbox.head(250_000, 9), 1)
    inbox.rewind(4)
    assert inbox.next == 4
    assert inbox.offer(4, [message(4, data=b"another")]) == 5
    with pytest.raises(InboxError):
        inbox.rewind(1)
    inbox.rewind(2)
    assert (inbox.next, len(inbox)) == (2, 0)


def test_messages_that_left_l1_while_a_block_was_made_of_them(inbox: Inbox) -> None:
    inbox.offer(0, raws(0, 4))
    taken = inbox.head(250_000, 9)
    inbox.rewind(1)
    inbox.offer(1, [message(1, data=b"another"), message(2)])
    assert inbox.executed(taken, 1).next_message == 2
    assert (inbox.next, len(inbox)) == (2, 0)  # the block decides; what follows is to be offered anew


def test_there_is_room_for_so_many(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    assert inbox.offer(0, raws(0, 9)) == 3
    inbox.executed(inbox.head(100_000, 1), 1)
    assert inbox.offer(3, raws(3, 9)) == 4


def test_messages_of_stored_blocks_are_found(inbox: Inbox, blocks: BlockStore, library: Library) -> None:
    inbox.offer(0, raws(0, 5))
    blocks.append([BlockParts(0, bytes(32), b"header", standing=Standing(0).encode())])
    for number, count in enumerate((2, 0, 3), 1):
        taken = inbox.head(GAS, count) if count else []
        body = [one.raw for one in taken]
        offsets = [sum(map(len, body[:n])) for n in range(len(body) + 1)]
        block = BlockParts(
            number,
            bytes(31) + bytes([number]),
            b"header",
            tx_hashes=b"".join(one.hash for one in taken),
            senders=bytes(20 * count),
            tx_offsets=b"".join(at.to_bytes(4, "little") for at in offsets),
            transactions=b"".join(body),
            standing=inbox.executed(taken, number).encode(),
        )
        blocks.append([block])
    assert [inbox.block_of(number) for number in range(6)] == [1, 1, 3, 3, 3, None]
    assert [inbox.message(number) for number in range(5)] == raws(0, 5)
    assert [inbox.position(number)[0] for number in (1, 2, 3)] == [2, 2, 5]
    assert inbox.offer(3, raws(3, 5)) == 5
    with pytest.raises(InboxError, match="another"):
        inbox.offer(3, [message(3, data=b"another")])
