"""Loads and stores: of the one or two words in which they lie, taken together as a number below 2^128."""

from __future__ import annotations

from typing import Any

import numpy as np

from jovay.kernel.riscv.decode import CODE, LOADS, STORES
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import LIMB, LIMB_BITS, MEMORY, OFFSET, RANGE, WORD
from .calls import MOMENT
from .parts import (
    EXECUTED,
    LIMBS,
    boolean,
    common,
    composed,
    executed,
    flags,
    limbs_of,
    ranged,
    total,
)
from .run import Run
from .timeline import NAMES, WIDTHS, Timeline

_SIGNED = ("lb", "lh", "lw")
_PARTS = ("low", "below", "value", "high", "data", "first", "second")
_COLUMNS = (
    *(*NAMES, *EXECUTED, "carry", "index", "offset", "power", "across", "whole", "size"),
    *("writable0", "writable1", "word0", "word1", "low_byte", "high_byte", "put", "sign", "rest"),
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
    before = row.word0 + row.crossing
    held, after = composed(value), composed(parts["second"])
    given = [row.low_byte, data[0], data[0] + data[1] * LIMB, composed(data)]
    lowest = total([wide[letter] * each for letter, each in zip(WIDTHS, given, strict=True)])
    extension = row.lb * (WORD - (1 << 8)) + row.lh * (WORD - (1 << 16)) + row.lw * (WORD - (1 << 32))
    return [
        *flags(row, NAMES),
        *map(boolean, (row.carry, row.sign)),
        row.a + row.imm - row.carry * WORD - 8 * row.index - row.offset,
        # what lies there
        row.crossing - row.across * row.word1 * WORD,
        row.whole - row.power * (held + row.size * composed(parts["high"])),
        before - composed(parts["low"]) - row.whole,
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
        used * (row.pc + 4 - row.next),
    ]


def _messages(row: Row) -> list[Message]:
    used, wide, time = _of(row, *NAMES), _wide(row), 4 * row.clock + MOMENT
    size = total([WIDTHS[letter] * each for letter, each in wide.items()])
    found = [executed(row, NAMES), Message(OFFSET, used, (size, row.offset, row.power, row.across, row.size))]
    for number, times, after in ((0, used, "first"), (1, row.across, "second")):
        index = row.index + number * times
        writable, word = getattr(row, f"writable{number}"), getattr(row, f"word{number}")
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
    """All lengths at all offsets; 2^64 does not fit a word (``fix_sizes``)."""
    rows = [
        (width, offset, 1 << 8 * offset, int(offset + width > 8), (1 << 8 * width) % WORD)
        for width in WIDTHS.values()
        for offset in range(8)
    ]
    return [np.array(column, np.uint64) for column in zip(*rows, strict=True)]


def fixed_offsets() -> Table:
    """The table of offsets before anybody asks."""
    columns = offset_columns()
    return fix_sizes(Table.of_words(OFFSET_TABLE, [np.zeros(1, np.uint64)], columns), columns[0])


def fix_sizes(table: Table, widths: U64) -> Table:
    """Put 2^64 where it belongs, in the column ``size``."""
    for row in np.flatnonzero(widths == 8).tolist():
        table.put("size", row, WORD)
    return table


def table(run: Timeline, writable_from: int) -> Table:
    """The rows of the loads and stores; words are writable from the one of a number on."""
    part, zero = run.part, np.zeros(len(run.part), np.uint64)
    shift, bits = np.uint64(8) * run.offset, np.uint64(8) * run.widths
    is_store = np.isin(part.operation, [CODE[name] for name in STORES])
    whole = [
        int(x) | int(y) << 64 if a else int(x)
        for x, y, a in zip(part.word0, part.word1, run.across, strict=True)
    ]
    low = np.array([v & ((1 << int(s)) - 1) for v, s in zip(whole, shift, strict=True)], np.uint64)
    value = np.array(
        [v >> int(s) & (1 << int(b)) - 1 for v, s, b in zip(whole, shift, bits, strict=True)], np.uint64
    )
    high = np.array([v >> int(s + b) for v, s, b in zip(whole, shift, bits, strict=True)], np.uint64)
    power = np.uint64(1) << shift
    data = np.where(is_store, part.b, zero)
    sb = part.operation == CODE["sb"]
    split = [
        np.where(sb, limbs_of(part.b)[0] >> np.uint64(8), zero),
        np.where(sb, part.b % np.uint64(256), zero),
    ]
    put = np.array([int(b) & (1 << int(n)) - 1 for b, n in zip(part.b, bits, strict=True)], np.uint64)
    put = np.where(is_store, put, value)
    sign, rest = _signs(part, value)
    writable = [(run.index + np.uint64(k) >= writable_from).astype(np.uint64) for k in (0, 1)]
    writable[1] *= run.across
    words = [part.word0, part.word1 * run.across]
    columns = [
        *run.marks,
        *common(part),
        run.carry,
        run.index,
        run.offset,
        power,
        run.across,
        zero,
        zero,
    ]
    columns += [*writable, *words, split[1], split[0], put, sign, rest]
    for gap in run.gaps:
        columns += [gap % np.uint64(LIMB), gap >> np.uint64(LIMB_BITS)]
    columns.append(zero)
    after = part.new1 * run.across
    for word in (low, power - np.uint64(1) - low, value, high, data, part.new0, after):
        columns += limbs_of(word)
    made = Table.of_words(ACCESS, columns)
    sizes = [1 << b for b in bits.tolist()]
    wholes = zip(power.tolist(), value.tolist(), sizes, high.tolist(), strict=True)
    made.fill("size", sizes)
    made.fill("whole", (p * (v + size * h) for p, v, size, h in wholes))
    made.fill("crossing", (word * WORD for word in words[1].tolist()))
    return made


def _signs(part: Run, value: U64) -> tuple[U64, U64]:
    """The highest bit of what a signed load gives, and the rest of its highest limb."""
    limbs, operation = limbs_of(value), part.operation
    sign, rest = np.zeros_like(value), np.zeros_like(value)
    for name, limb, bit in (("lb", limbs[0], 7), ("lh", limbs[0], 15), ("lw", limbs[1], 15)):
        here = operation == CODE[name]
        sign = np.where(here, limb >> np.uint64(bit), sign)
        rest = np.where(here, limb % np.uint64(1 << bit), rest)
    return sign, rest


def offset_table(run: Timeline) -> Table:
    """How often each length is asked for at each offset."""
    order = {width: k for k, width in enumerate(WIDTHS.values())}
    where = np.array([order[int(width)] for width in run.widths], np.int64) * 8 + run.offset.astype(np.int64)
    times = np.bincount(where, minlength=8 * len(order)).astype(np.uint64)
    columns = offset_columns()
    return fix_sizes(Table.of_words(OFFSET_TABLE, [times], columns), columns[0])
