"""What memory holds at the beginning and at the end, word by word, in the order of their numbers.

Each word that a run touches has one row: the rows are a chain of rising numbers, so no word has two. What a word holds
at the beginning is not for the prover to choose. All words that there are, are either in the image, word by word with
what the program brings, or in one of a few windows, which lie between the image's parts and do not overlap them: both
are fixed, part of the verification key. A row looks its word up in the image, or shows that it lies in a window: by
distances from its first and its last word, which are two limbs each and thus no negative numbers. In a window of zeros
the word is zero at the beginning; only in that of the input it may be any. So a word of the image can neither be
called zero nor input, a word outside of memory has no row, and whether a word may be written the image and the
windows say. How often a word of them is asked for needs no bound: a row asks once, and rows are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jovay.compiler.riscv.elf import Image
from jovay.compiler.riscv.layout import INPUT_BASE, OUTPUT_BASE, PAGE
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import IMAGE, LIMB, LIMB_BITS, MEMORY, ORDER, OUTPUT, WINDOW
from .parts import LIMBS, boolean, composed, flags, limbs_of, ranged, total
from .timeline import Timeline

#: Kinds of words: of the image, of the input, and those that are zero at the beginning.
KINDS = ("image", "input", "zero")
_DISTANCES = ("step", "from", "to")
_COLUMNS = (
    *(*KINDS, "end", "word", "writable", "final", "time", "shown"),
    *(f"{name}_{part}" for name in _DISTANCES for part in ("low", "high")),
    *(f"value_{i}" for i in range(LIMBS)),
)


def _distance(row: Row, name: str) -> Any:
    return getattr(row, f"{name}_low") + LIMB * getattr(row, f"{name}_high")


def _used(row: Row) -> Any:
    return total([getattr(row, kind) for kind in KINDS])


def _constraints(row: Row) -> list[Any]:
    """At the chain's end, the number of a word is that of the last, and 1."""
    return [
        *flags(row, (*KINDS, "end")),
        boolean(row.shown),
        row.shown * (1 - _used(row)),
        row.zero * composed(list(row.many("value_"))),
    ]


def _messages(row: Row) -> list[Message]:
    """The word before is this one less 1, less a step that is no negative number; and rows are counted."""
    used, inside, value = _used(row), row.input + row.zero, composed(list(row.many("value_")))
    window = row.word - _distance(row, "from"), row.word + _distance(row, "to"), row.input, row.writable
    limbs = {name: [getattr(row, f"{name}_{part}") for part in ("low", "high")] for name in _DISTANCES}
    return [
        Message(ORDER, -used - row.end, (row.index, row.word - 1 - _distance(row, "step"))),
        Message(ORDER, used, (row.index + 1, row.word)),
        Message(MEMORY, used, (row.word, row.writable, value, 0 * row.time)),
        Message(MEMORY, -used, (row.word, row.writable, row.final, row.time)),
        Message(IMAGE, row.image, (row.word, value, row.writable)),
        Message(WINDOW, inside, window),
        Message(OUTPUT, row.shown, (row.word, row.final)),
        *ranged(limbs["step"], used),
        *ranged([*limbs["from"], *limbs["to"]], inside),
        *ranged(list(row.many("value_")), row.input),
    ]


MEMORY_CHIP = Chip("memory", _COLUMNS, _constraints, _messages, computed=("index",))
_IMAGE = ("word", "value", "writable")
IMAGE_TABLE = Chip(
    "image",
    ("times",),
    lambda row: [],
    lambda row: [Message(IMAGE, -row.times, tuple(getattr(row, name) for name in _IMAGE))],
    fixed=_IMAGE,
)
_WINDOW = ("first", "last", "input", "writable")
WINDOW_TABLE = Chip(
    "windows",
    ("times",),
    lambda row: [],
    lambda row: [Message(WINDOW, -row.times, tuple(getattr(row, name) for name in _WINDOW))],
    fixed=_WINDOW,
)


@dataclass(frozen=True)
class Layout:
    """What a program's memory begins with, by numbers of words.

    ``words`` and ``values`` of the image, rising; ``windows`` between, shape (first and last word and whether it is of
    the input, windows), rising; and from which word on memory may be written.
    """

    words: U64
    values: U64
    windows: U64
    writable: int

    @classmethod
    def of(cls, image: Image) -> Layout:
        """A program's: whole pages, from the first segment to the last."""
        segments = image.segments
        begin, end = segments[0].address // PAGE * PAGE, -(-segments[-1].end // PAGE) * PAGE
        writable = next((s.address for s in segments if s.writable), end)
        window = next((s for s in segments if s.address == INPUT_BASE), None)
        known = _image_words(image)
        words = np.array(sorted(known), np.uint64)
        # Windows are what is left, cut where the input begins and ends and where memory may be written.
        cuts = {begin, end, writable, *((window.address, -(-window.end // 8) * 8) if window else ())}
        edges = sorted({cut // 8 for cut in cuts} | _edges(words))
        taken = np.isin(np.array(edges, np.uint64), words).tolist()
        spans = zip(edges, edges[1:], taken, strict=False)
        found = [
            (first, after - 1, bool(window and window.address <= 8 * first < window.end))
            for first, after, there in spans
            if not there
        ]
        return cls(
            words,
            np.array([known[int(word)] for word in words], np.uint64),
            np.array(found, np.uint64).reshape(-1, 3).T,
            writable // 8,
        )

    def is_writable(self, words: U64) -> U64:
        """1 for words that may be written."""
        return (words >= self.writable).astype(np.uint64)

    def image_columns(self) -> list[U64]:
        """The fixed columns of the image."""
        return [self.words, self.values, self.is_writable(self.words)]

    def window_columns(self) -> list[U64]:
        """The fixed columns of the windows."""
        return [*self.windows, self.is_writable(self.windows[0])]


def _edges(words: U64) -> set[int]:
    """Where sequences of words begin, and the words behind them."""
    begins = np.flatnonzero(np.diff(words.astype(np.int64), prepend=-2) != 1)
    ends = np.r_[begins[1:] - 1, len(words) - 1][: len(begins)]
    return {*words[begins].tolist(), *(words[ends] + np.uint64(1)).tolist()}


def _image_words(image: Image) -> dict[int, int]:
    """The words in which a program brings something, by number."""
    words = dict[int, int]()
    for segment in image.segments:
        start = segment.address % 8
        data = bytes(start) + segment.data
        for at in range(0, len(data), 8):
            word = int.from_bytes(data[at : at + 8].ljust(8, b"\0"), "little")
            number = (segment.address - start + at) // 8
            words[number] = words.get(number, 0) | word
    return words


def tables(layout: Layout, timeline: Timeline, shown: Sequence[int]) -> list[Table]:
    """The image's, the windows', and that of words, of which ``shown`` are those whose last values are told."""
    told = np.array(shown, np.uint64)
    words = np.union1d(timeline.words, told)
    place = np.minimum(np.searchsorted(layout.words, words), len(layout.words) - 1)
    image = layout.words[place] == words
    inside = (np.searchsorted(layout.windows[0], words, side="right") - 1)[~image]
    value = np.where(image, layout.values[place], np.uint64(0))
    first = np.searchsorted(words, timeline.words[timeline.earliest])
    value[first] = timeline.before[timeline.earliest]
    final, time = value.copy(), np.zeros_like(value)
    last = np.searchsorted(words, timeline.words[timeline.latest])
    final[last], time[last] = timeline.after[timeline.latest], timeline.times[timeline.latest]
    is_input, start, stop = np.zeros_like(words), np.zeros_like(words), np.zeros_like(words)
    is_input[~image] = layout.windows[2][inside]
    start[~image], stop[~image] = (
        words[~image] - layout.windows[0][inside],
        layout.windows[1][inside] - words[~image],
    )
    step = np.diff(words.astype(np.int64), prepend=-1).astype(np.uint64) - np.uint64(1)
    kinds = [image.astype(np.uint64), is_input, (~image).astype(np.uint64) - is_input]
    columns = [*kinds, np.zeros_like(words), words, layout.is_writable(words), final, time]
    columns.append(np.isin(words, told).astype(np.uint64))
    for distance in (step, start, stop):
        columns += [distance % np.uint64(LIMB), distance >> np.uint64(LIMB_BITS)]
    end = {"end": 1, "word": int(words[-1]) + 1 if len(words) else 0}
    rows = zip(_COLUMNS, [*columns, *limbs_of(value)], strict=True)
    ended = [np.append(column, np.uint64(end.get(name, 0))) for name, column in rows]
    asked = (
        np.bincount(place[image], minlength=len(layout.words)),
        np.bincount(inside, minlength=len(layout.windows[0])),
    )
    image_times, window_times = (times.astype(np.uint64) for times in asked)
    return [
        Table.of_words(IMAGE_TABLE, [image_times], layout.image_columns()),
        Table.of_words(WINDOW_TABLE, [window_times], layout.window_columns()),
        Table.of_words(MEMORY_CHIP, ended),
    ]


#: Where the output lies: its length, then its bytes.
OUTPUT_WORD = OUTPUT_BASE // 8
