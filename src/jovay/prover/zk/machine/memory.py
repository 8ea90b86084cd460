"""What memory holds at the beginning and at the end, word by word, in the order of their numbers.

Each word that a run touches, and each that the program brings, has one row: the rows are a chain of rising numbers, so
no word has two. What the program brings comes from its image, all of it; words of the input window may hold anything
at the beginning, all others zero.
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

from .buses import IMAGE, LIMB, LIMB_BITS, MEMORY, ORDER, OUTPUT
from .parts import LIMBS, boolean, composed, flags, limbs_of, ranged, total
from .timeline import Timeline

#: Kinds of rows: what the program brings, the input, what lies below its window and above it, and the chain's end.
KINDS = ("image", "input", "below", "above")
_COLUMNS = (
    *(*KINDS, "end", "rank", "before", "index", "writable", "value", "final", "time", "shown"),
    *(
        f"{name}_{part}"
        for name in ("step", "base", "room", "from_input", "past_input")
        for part in ("low", "high")
    ),
    *("write_low", "write_high", *(f"value_{i}" for i in range(LIMBS))),
)


@dataclass(frozen=True)
class Layout:
    """Numbers of words: where memory begins and ends, from which on it may be written, the input window, the output."""

    begin: int
    end: int
    writable: int
    input_begin: int
    input_end: int

    @classmethod
    def of(cls, image: Image) -> Layout:
        """A program's."""
        segments = image.segments
        begin, end = segments[0].address // PAGE * PAGE, -(-segments[-1].end // PAGE) * PAGE
        writable = next((s.address for s in segments if s.writable), end)
        window = next((s for s in segments if s.address == INPUT_BASE), None)
        bounds = (window.address, window.end) if window else (begin, begin)
        return cls(*(place // 8 for place in (begin, end, writable, *bounds)))


def _number(row: Row, name: str) -> Any:
    return getattr(row, f"{name}_low") + LIMB * getattr(row, f"{name}_high")


def memory_chip(layout: Layout) -> Chip:
    """The chip for a layout; all its numbers are differences of 32 bits."""

    def constraints(row: Row) -> list[Any]:
        used = total([getattr(row, kind) for kind in KINDS])
        return [
            *flags(row, (*KINDS, "end")),
            boolean(row.writable),
            boolean(row.shown),
            row.shown * (1 - used),
            used * (row.index - row.before - 1 - _number(row, "step")),
            used * (row.index - layout.begin - _number(row, "base")),
            used * (layout.end - 1 - row.index - _number(row, "room")),
            (row.input + row.above) * (row.index - layout.input_begin - _number(row, "from_input")),
            row.above * (row.index - layout.input_end - _number(row, "past_input")),
            row.input * (layout.input_end - 1 - row.index - _number(row, "past_input")),
            row.below * (layout.input_begin - 1 - row.index - _number(row, "from_input")),
            row.writable * (row.index - layout.writable - _number(row, "write")),
            (used - row.writable) * (layout.writable - 1 - row.index - _number(row, "write")),
            (row.below + row.above) * row.value,
            row.value - composed(list(row.many("value_"))),
        ]

    def messages(row: Row) -> list[Message]:
        used = total([getattr(row, kind) for kind in KINDS])
        numbers = ("step", "base", "room", "from_input", "past_input", "write")
        limbs = [getattr(row, f"{name}_{part}") for name in numbers for part in ("low", "high")]
        return [
            Message(ORDER, -used - row.end, (row.rank, row.before)),
            Message(ORDER, used, (row.rank + 1, row.index)),
            Message(MEMORY, used, (row.index, row.writable, row.value, 0 * row.value)),
            Message(MEMORY, -used, (row.index, row.writable, row.final, row.time)),
            Message(IMAGE, -row.image, (row.index, row.value)),
            Message(OUTPUT, row.shown, (row.index, row.final)),
            *ranged([*limbs, *row.many("value_")], used),
        ]

    return Chip("memory", _COLUMNS, constraints, messages)


IMAGE_TABLE = Chip(
    "image",
    ("nothing",),
    lambda row: [row.nothing],
    lambda row: [Message(IMAGE, row.there, (row.index, row.value))],
    fixed=("there", "index", "value"),
)


def image_words(image: Image) -> dict[int, int]:
    """The words of a program's segments that hold something, by number."""
    words = dict[int, int]()
    for segment in image.segments:
        start = segment.address % 8
        data = bytes(start) + segment.data
        for at in range(0, len(data), 8):
            word = int.from_bytes(data[at : at + 8].ljust(8, b"\0"), "little")
            number = (segment.address - start + at) // 8
            words[number] = words.get(number, 0) | word
    return {number: word for number, word in words.items() if word}


def image_columns(words: dict[int, int]) -> list[U64]:
    """The fixed columns of the image; one word at least has to be there."""
    numbers = np.array(sorted(words), np.uint64)
    return [np.ones_like(numbers), numbers, np.array([words[int(n)] for n in numbers], np.uint64)]


def image_table(words: dict[int, int]) -> Table:
    """All of it, each word once."""
    columns = image_columns(words)
    return Table.of_words(IMAGE_TABLE, [np.zeros_like(columns[0])], columns)


def memory_table(layout: Layout, words: dict[int, int], timeline: Timeline, shown: Sequence[int]) -> Table:
    """The rows of a run; ``shown``: words whose last values are told."""
    numbers = np.union1d(
        np.union1d(timeline.words, np.array(sorted(words), np.uint64)), np.array(shown, np.uint64)
    )
    value = np.array([words.get(int(n), 0) for n in numbers], np.uint64)
    first = np.searchsorted(numbers, timeline.words[timeline.earliest])
    value[first] = timeline.before[timeline.earliest]
    final, time = value.copy(), np.zeros_like(value)
    last = np.searchsorted(numbers, timeline.words[timeline.latest])
    final[last], time[last] = timeline.after[timeline.latest], timeline.times[timeline.latest]
    image = np.isin(numbers, np.array(sorted(words), np.uint64))
    inside = (numbers >= layout.input_begin) & (numbers < layout.input_end) & ~image
    below = (numbers < layout.input_begin) & ~image
    above = ~image & ~inside & ~below
    writable = numbers >= layout.writable
    signed = numbers.astype(np.int64)
    before = np.r_[np.int64(layout.begin - 1), signed[:-1]]
    differences = [
        signed - before - 1,
        signed - layout.begin,
        layout.end - 1 - signed,
        np.where(below, layout.input_begin - 1 - signed, np.where(image, 0, signed - layout.input_begin)),
        np.where(above, signed - layout.input_end, np.where(inside, layout.input_end - 1 - signed, 0)),
    ]
    write = np.where(writable, signed - layout.writable, layout.writable - 1 - signed)
    kinds = [each.astype(np.uint64) for each in (image, inside, below, above)]
    rank = np.arange(len(numbers), dtype=np.uint64)
    columns = [
        *kinds,
        np.zeros_like(value),
        rank,
        before.astype(np.uint64),
        numbers,
        writable.astype(np.uint64),
    ]
    columns += [value, final, time, np.isin(numbers, np.array(shown, np.uint64)).astype(np.uint64)]
    for each in (*differences, write):
        columns += [(each % LIMB).astype(np.uint64), (each >> LIMB_BITS).astype(np.uint64)]
    columns += limbs_of(value)
    end = {"end": 1, "rank": len(numbers), "before": int(numbers[-1]) if len(numbers) else layout.begin - 1}
    rows = [
        np.append(column, np.uint64(end.get(name, 0))) for name, column in zip(_COLUMNS, columns, strict=True)
    ]
    return Table.of_words(memory_chip(layout), rows)


#: Where the output lies: its length, then its bytes.
OUTPUT_WORD = OUTPUT_BASE // 8
