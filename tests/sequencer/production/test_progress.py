"""What counts as late: a block that is made, one that is stored, blocks without any of the ready transactions."""

from __future__ import annotations

import time

from jovay.sequencer.production.progress import Progress


def late() -> Progress:
    """Everything is late at once."""
    return Progress(limit=-1.0, barren_limit=-1.0)


def reason(progress: Progress) -> str | None:
    stall = progress.stall()
    return None if stall is None else stall.reason


def test_where_nothing_is_due_all_is_well() -> None:
    progress = late()
    assert progress.stall() is None
    with progress.making():
        pass
    progress.made(1, took=2, included=2)
    progress.seen(1)
    progress.made(2, took=0, included=0)
    progress.seen(2)
    assert progress.stall() is None


def test_a_block_in_the_making() -> None:
    progress, begun = late(), time.time()
    with progress.making():
        stall = progress.stall()
        assert stall is not None
        assert stall.reason == "a block that is due is not made"
        assert begun - 1 <= stall.since <= time.time()
    assert progress.stall() is None


def test_the_oldest_block_that_is_not_stored() -> None:
    progress = late()
    for number in (7, 8):
        progress.made(number, took=1, included=1)
    assert reason(progress) == "block 7 is not stored"
    progress.seen(7)
    assert reason(progress) == "block 8 is not stored"


def test_blocks_without_what_is_ready() -> None:
    progress = late()
    for number in (1, 2):
        progress.made(number, took=5, included=0)
        progress.seen(number)
    assert reason(progress) == "transactions find no place in blocks"
    progress.made(3, took=5, included=1)
    progress.seen(3)
    assert progress.stall() is None


def test_what_is_not_late_yet() -> None:
    progress = Progress()
    progress.made(1, took=1, included=0)
    with progress.making():
        assert progress.stall() is None
