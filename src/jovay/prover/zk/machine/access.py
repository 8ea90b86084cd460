"""Loads and stores that are not of whole aligned words: of the one or two words in which they lie, taken together as a
number below 2^128.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.kernel.riscv.decode import CODE, LOADS, STORES
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import LIMB, LIMB_BITS, MEMORY, OFFSET, RANGE, WORD
from .calls import MOMENT
from .parts import (
    LIMBS,
    boolean,
    chosen,
    common,
    composed,
    executed,
    flags,
    is_one_of,
    limbs_of,
    ranged,
    total,
)
from .run import Run
from .timeline import NAMES, WIDTHS, Timeline

_SIGNED = ("lb", "lh", "lw")
_PARTS = ("low", "below", "value", "high", "data", "first", "second")
#: Operands that are columns.
_OTHERS = ("clock", "pc", "b", "imm")
_COLUMNS = (
    *(*NAMES, *_OTHERS, "c", "carry", "index", "offset", "power", "across", "whole", "size"),
    *("writable0", "writable1", "word1", "low_byte", "high_byte", "put", "sign", "rest"),
    *("gap0_low", "gap0_high", "gap1_low", "gap1_high", "crossing"),
    *(f"{name}_{i}" for name in _PARTS for i in range(LIMBS)),
)


def _of(row: Row, *names: str) -> Any:
    return total([getattr(row, name) for name in names])


def _wide(row: Row) -> dict[str, Any]:
    """Whether it is of one byte, two, four, eight."""
    return {letter: _of(row, *(name for name in NAMES if name[1] == letter)) for letter in WIDTHS}


def _constraints(row: Row) -> list[Any]:
    """Both words together are low + 2^(8·offset)·(value + 2^(8·bytes)·high), with low < 2^(8·offset).

    A store puts the lowest bytes of b in the value's place, a load the value itself; and extends it.
    """
    parts = {name: list(row.many(f"{name}_")) for name in _PARTS}
    used, store, load = _of(row, *NAMES), _of(row, *STORES), _of(row, *LOADS)
    wide, value, data = _wide(row), parts["value"], parts["data"]
    before = row.whole + composed(parts["low"])
    held, after = composed(value), composed(parts["second"])
    given = [row.low_byte, data[0], data[0] + data[1] * LIMB, composed(data)]
    lowest = total([wide[letter] * each for letter, each in zip(WIDTHS, given, strict=True)])
    extension = row.lb * (WORD - (1 << 8)) + row.lh * (WORD - (1 << 16)) + row.lw * (WORD - (1 << 32))
    return [
        *flags(row, NAMES),
        *map(boolean, (row.carry, row.sign)),
        (1 - used) * row.across,
        # what lies there
        row.crossing - row.across * row.word1 * WORD,
        row.whole - row.power * (held + row.size * composed(parts["high"])),
        used * (row.power - 1) - composed(parts["low"]) - composed(parts["below"]),
        (wide["b"] + wide["h"]) * (value[1] + value[2] + value[3]),
        wide["w"] * (value[2] + value[3]),
        # what lies there afterwards
        (1 - load) * (row.b - composed(data)),
        row.sb * (data[0] - row.low_byte - (1 << 8) * row.high_byte),
        row.put - load * held - store * lowest,
        before + row.power * (row.put - held) - composed(parts["first"]) - row.across * after * WORD,
        store * (1 - row.writable0),
        store * row.across * (1 - row.writable1),
        # what a load gives
        row.lb * (value[0] - row.sign * (1 << 7) - row.rest),
        row.lh * (value[0] - row.sign * (1 << 15) - row.rest),
        row.lw * (value[1] - row.sign * (1 << 15) - row.rest),
        (used - _of(row, *_SIGNED)) * row.sign,
        row.c - load * held - row.sign * extension,
    ]


def _messages(row: Row) -> list[Message]:
    used, wide, time = _of(row, *NAMES), _wide(row), 4 * row.clock + MOMENT
    size = total([WIDTHS[letter] * each for letter, each in wide.items()])
    address = 8 * row.index + row.offset + row.carry * WORD
    words = row.whole + composed(list(row.many("low_"))) - row.crossing, row.word1
    found = [
        executed(row, NAMES, a=address - row.imm),
        Message(OFFSET, used, (size, row.offset, row.power, row.across, row.size)),
    ]
    for number, times, after in ((0, used, "first"), (1, row.across, "second")):
        index = row.index + number * times
        writable, word = getattr(row, f"writable{number}"), words[number]
        low, high = (getattr(row, f"gap{number}_{part}") for part in ("low", "high"))
        new = composed(list(row.many(f"{after}_")))
        found.append(Message(MEMORY, -times, (index, writable, word, time - 1 - low - LIMB * high)))
        found.append(Message(MEMORY, times, (index, writable, new, time)))
        found += ranged([low, high], times)
    limbs = [limb for name in _PARTS if name != "second" for limb in row.many(f"{name}_")]
    found += [*ranged(limbs, used), *ranged(list(row.many("second_")), row.across)]
    found.append(Message(RANGE, wide["b"], (row.value_0 * (1 << 8),)))
    split = (row.low_byte, row.high_byte)
    found += [Message(RANGE, row.sb, (each,)) for byte in split for each in (byte, byte * (1 << 8))]
    found += [Message(RANGE, row.lb, (each,)) for each in (row.rest, row.rest * (1 << 9))]
    return [*found, *ranged([row.rest, row.rest + (1 << 15)], row.lh + row.lw)]


ACCESS = Chip("access", _COLUMNS, _constraints, _messages)
_OFFSETS = ("bytes", "offset", "power", "across", "size")
OFFSET_TABLE = Chip(
    "offsets",
    ("times",),
    lambda row: [],
    lambda row: [Message(OFFSET, -row.times, tuple(getattr(row, name) for name in _OFFSETS))],
    fixed=_OFFSETS,
)


def offset_columns() -> list[U64]:
    """All lengths at all offsets."""
    rows = [
        (width, offset, 1 << 8 * offset, int(offset + width > 8), 1 << 8 * width)
        for width in WIDTHS.values()
        for offset in range(8)
    ]
    *others, sizes = zip(*rows, strict=True)
    both = [[size % WORD for size in sizes], [size // WORD for size in sizes]]
    return [np.array(column, np.uint64) for column in (*others, both)]


def _halves(timeline: Timeline, part: Run, here: npt.NDArray[np.bool_]) -> tuple[list[U64], list[U64]]:
    """Both words together: what lies below the value, the value, and above it; and with 2^(8·offset), 2^(8·bytes)."""
    shift, bits = np.uint64(8) * timeline.offset[here], np.uint64(8) * timeline.widths[here]
    second = part.word1 * timeline.across[here]
    power = np.uint64(1) << shift
    sixty_four, zero = np.uint64(64), np.zeros_like(shift)
    mask = np.where(bits == 64, ~zero, (np.uint64(1) << bits % sixty_four) - np.uint64(1))
    upper = np.where(shift == 0, zero, second << (sixty_four - shift) % sixty_four)
    value = (part.word0 >> shift | upper) & mask
    end = shift + bits
    beyond = np.where(end < 64, part.word0 >> end % sixty_four, zero)
    high = np.where(end > 64, second >> end % sixty_four, np.where(end == 64, second, beyond))
    return [part.word0 & (power - np.uint64(1)), value, high], [power, mask]


def table(timeline: Timeline, writable_from: int) -> Table:
    """The rows of a run; words are writable from the one of a number on."""
    here = ~timeline.aligned
    part, marks = chosen(timeline.part, NAMES, here)
    index, across = timeline.index[here], timeline.across[here]
    (low, value, high), (power, mask) = _halves(timeline, part, here)
    zero, one = np.zeros(len(part), np.uint64), np.uint64(1)
    is_store, sb = is_one_of(part.operation, STORES), part.operation == CODE["sb"]
    data = np.where(is_store, part.b, zero)
    split = [
        np.where(sb, byte, zero) for byte in (part.b % np.uint64(256), limbs_of(part.b)[0] >> np.uint64(8))
    ]
    put = np.where(is_store, part.b & mask, value)
    writable = [(index + np.uint64(k) >= writable_from).astype(np.uint64) for k in (0, 1)]
    second, after = part.word1 * across, part.new1 * across
    whole, size = (
        np.stack([part.word0 - low, second]),
        np.stack([mask + one, (mask == ~zero).astype(np.uint64)]),
    )
    columns = [
        *marks,
        *common(part, (*_OTHERS, "c")),
        timeline.carry[here],
        index,
        timeline.offset[here],
        power,
    ]
    columns += [across, whole, size, writable[0], writable[1] * across, second, *split, put]
    columns += _signs(part, value)
    for gap in timeline.gaps:
        columns += [gap[here] % np.uint64(LIMB), gap[here] >> np.uint64(LIMB_BITS)]
    columns.append(np.stack([zero, second]))
    for word in (low, power - one - low, value, high, data, part.new0, after):
        columns += limbs_of(word)
    return Table.of_words(ACCESS, columns)


def _signs(part: Run, value: U64) -> tuple[U64, U64]:
    """The highest bit of what a signed load gives, and the rest of its highest limb."""
    limbs, operation = limbs_of(value), part.operation
    sign, rest = np.zeros_like(value), np.zeros_like(value)
    for name, limb, bit in (("lb", limbs[0], 7), ("lh", limbs[0], 15), ("lw", limbs[1], 15)):
        here = operation == CODE[name]
        sign = np.where(here, limb >> np.uint64(bit), sign)
        rest = np.where(here, limb % np.uint64(1 << bit), rest)
    return sign, rest


def offset_table(timeline: Timeline) -> Table:
    """How often each length is asked for at each offset."""
    here = ~timeline.aligned
    lengths = np.zeros(16, np.int64)
    lengths[list(WIDTHS.values())] = range(len(WIDTHS))
    places = 8 * lengths[timeline.widths[here].astype(np.int64)] + timeline.offset[here].astype(np.int64)
    times = np.bincount(places, minlength=8 * len(WIDTHS)).astype(np.uint64)
    return Table.of_words(OFFSET_TABLE, [times], offset_columns())
