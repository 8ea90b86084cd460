"""Poseidon2 over KoalaBear as a system call: eight words, each of two elements below P, are permuted in place.

Elements are numbers here, P is one, and nothing is reduced but what is about to be cubed. A permutation is one row:
from the cubes of a round follow the numbers that the next one cubes, by sums alone. Cubes are asked for like a
table's entries: for a number v the answer is y ≡ v³ (mod P), and which row gives it does not matter. That row has

    v = P·q + x,   x = low + 2^16·high,   y = low³ + 3·2^16·low²·high + 3·(2^32 mod P)·low·high² + (2^48 mod P)·high³

with limbs of 16 bits. y is below 2^76 that way, and what a layer makes of sixteen below 2^82. Twenty internal rounds
are one layer, whose factors are taken modulo P: 36 numbers below 2^113, for which q has two limbs more. Sums
on either side stay far below the field's order, so these are equations of numbers.

A word is a row of its own: its elements before, and those after, again by v = P·q + x. Both are shown to be below P: as
low + 32511·high + 32512·more, where low and high have 16 bits and ``more`` one, so that P − 1 is the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jovay.kernel.hashes.poseidon2_constants import (
    DIAGONAL,
    EXTERNAL_FINAL,
    EXTERNAL_INITIAL,
    INTERNAL,
    WIDTH,
    P,
)
from jovay.kernel.riscv.calls import POSEIDON2
from jovay.kernel.riscv.calls import WORDS as BLOCK_WORDS
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64, Vector
from jovay.prover.zk.tables import Table

from .buses import LIMB, LIMB_BITS, POSEIDON2_CUBE, POSEIDON2_WIDE_CUBE, POSEIDON2_WORD
from .calls import Calls, called, gap_names, given, taken
from .parts import boolean, ranged, total

WORDS = BLOCK_WORDS[POSEIDON2]
CALLS: Mapping[int, int] = {POSEIDON2: WORDS}
#: Limbs of q: after an external layer, and after all the internal rounds.
QUOTIENT_LIMBS = {POSEIDON2_CUBE: 3, POSEIDON2_WIDE_CUBE: 5}
#: Cubes of a row.
TOGETHER = 2
CUBES = WIDTH * len(EXTERNAL_INITIAL + EXTERNAL_FINAL) + len(INTERNAL)

# ---- the permutation, of whatever can be added up ---------------------------------------------------------------


def external_layer(state: Sequence[Any]) -> list[Any]:
    """The matrix circ(2·M4, M4, M4, M4)."""
    mixed = list[Any]()
    for a, b, c, d in (state[i : i + 4] for i in range(0, WIDTH, 4)):
        ab, cd = a + b, c + d
        every = ab + cd
        mixed += [every + ab + b, every + b + c + c, every + cd + d, every + d + a + a]
    sums = [total(mixed[i::4]) for i in range(4)]
    return [each + sums[i % 4] for i, each in enumerate(mixed)]


def _internal_layers() -> list[list[int]]:
    """What the internal rounds cube, and then what the first external round after them does: modulo P.

    Factors of the cubes before them, of those that they make, and of 1.
    """
    width = WIDTH + len(INTERNAL) + 1
    units = np.eye(width, dtype=np.int64)
    state, found = external_layer(list(units[:WIDTH])), []
    for number, constant in enumerate(INTERNAL):
        found.append((state[0] + constant * units[-1]) % P)
        state[0] = units[WIDTH + number]
        every = total(state)
        state = [(every + factor * each) % P for factor, each in zip(DIAGONAL, state, strict=True)]
    found += [(each + c * units[-1]) % P for each, c in zip(state, EXTERNAL_FINAL[0], strict=True)]
    return [form.tolist() for form in found]


INTERNAL_LAYERS = _internal_layers()
Cube = Callable[[Any, int], Any]


def permuted(state: Sequence[Any], one: Any, cube: Cube) -> list[Any]:
    """What comes of a state, not reduced. ``cube(v, bus)`` is called in order, for ``CUBES`` numbers."""

    def cubed(state: Sequence[Any], constants: Sequence[int]) -> list[Any]:
        return [cube(each + one * c, POSEIDON2_CUBE) for each, c in zip(state, constants, strict=True)]

    for constants in EXTERNAL_INITIAL:
        state = cubed(external_layer(state), constants)
    known = list(state)
    for form in INTERNAL_LAYERS:
        *factors, constant = form
        value = total([known[i] * f for i, f in enumerate(factors) if f]) + one * constant
        known.append(cube(value, POSEIDON2_WIDE_CUBE))
    state = known[-WIDTH:]
    for constants in EXTERNAL_FINAL[1:]:
        state = cubed(external_layer(state), constants)
    return external_layer(state)


# ---- the chips --------------------------------------------------------------------------------------------------


def _permutation_messages(row: Row) -> list[Message]:
    used, before, cubes = row.used, list(row.many("before")), row.many("cube")
    asked: dict[int, list[Any]] = {bus: [] for bus in QUOTIENT_LIMBS}

    def cube(value: Any, bus: int) -> Any:
        asked[bus] += [value, answer := next(cubes)]
        return answer

    after = permuted(before, used, cube)
    found = [called(row, POSEIDON2, used)]
    for word in range(WORDS):
        pair = slice(2 * word, 2 * word + 2)
        values = (row.clock, row.index + word, *before[pair], *after[pair])
        found.append(Message(POSEIDON2_WORD, used, values))
    for bus, values_asked in asked.items():
        for at in range(0, len(values_asked), 2 * TOGETHER):
            found.append(Message(bus, used, tuple(values_asked[at : at + 2 * TOGETHER])))
    return found


PERMUTATION = Chip(
    "poseidon2",
    (
        *("used", "clock", "index"),
        *(f"before{i}" for i in range(WIDTH)),
        *(f"cube{i}" for i in range(CUBES)),
    ),
    lambda row: [boolean(row.used)],
    _permutation_messages,
)


def _multiple(limbs: Sequence[Any]) -> Any:
    """P·q."""
    value = limbs[-1]
    for limb in reversed(limbs[:-1]):
        value = value * LIMB + limb
    return value * P


#: 2^16i modulo P, times the binomial coefficients: factors of low³, low²·high, low·high² and high³.
CUBE_FACTORS = tuple(times * pow(LIMB, i, P) for i, times in enumerate((1, 3, 3, 1)))


def _cube_constraints(row: Row) -> list[Any]:
    found = [boolean(row.used)]
    _, one, two, three = CUBE_FACTORS
    for low, high, cube in zip(row.many("low"), row.many("high"), row.many("cube"), strict=True):
        square = low * low
        found.append(cube - square * low - high * (one * square + high * (two * low + three * high)))
    return found


def _cube_names(bus: int, number: int) -> list[str]:
    quotient = (f"quotient{number}_{k}" for k in range(QUOTIENT_LIMBS[bus]))
    return [f"low{number}", f"high{number}", *quotient, f"cube{number}"]


def _cube_messages(bus: int) -> Callable[[Row], list[Message]]:
    def messages(row: Row) -> list[Message]:
        values, limbs = list[Any](), list[Any]()
        for i in range(TOGETHER):
            low, high, *quotient, cube = (getattr(row, name) for name in _cube_names(bus, i))
            values += [_multiple(quotient) + low + LIMB * high, cube]
            limbs += [low, high, *quotient]
        return [Message(bus, -row.used, tuple(values)), *ranged(limbs, row.used)]

    return messages


def _cube_chip(name: str, bus: int) -> Chip:
    names = (name for i in range(TOGETHER) for name in _cube_names(bus, i))
    return Chip(name, ("used", *names), _cube_constraints, _cube_messages(bus))


CUBE_CHIPS = {
    POSEIDON2_CUBE: _cube_chip("poseidon2_cubes", POSEIDON2_CUBE),
    POSEIDON2_WIDE_CUBE: _cube_chip("poseidon2_wide_cubes", POSEIDON2_WIDE_CUBE),
}

#: P − 1 = 65535·(1 + STEP) + MORE, so that these are the sums of two limbs and a bit that are below P, and all of them.
STEP, MORE = (P - 1) // (LIMB - 1) - 1, (P - 1) % (LIMB - 1)
_PARTS = ("low", "high", "more")
_ELEMENTS = ("before0", "before1", "after0", "after1")


def _element(row: Row, name: str) -> Any:
    low, high, more = (getattr(row, f"{name}_{part}") for part in _PARTS)
    return low + STEP * high + MORE * more


def _word_messages(row: Row) -> list[Message]:
    used, (first, second, *after) = row.used, [_element(row, name) for name in _ELEMENTS]
    quotients = [list(row.many(f"quotient{i}_")) for i in range(2)]
    unreduced = [_multiple(q) + element for q, element in zip(quotients, after, strict=True)]
    limbs = [getattr(row, f"{name}_{part}") for name in _ELEMENTS for part in ("low", "high")]
    return [
        Message(POSEIDON2_WORD, -used, (row.clock, row.index, first, second, *unreduced)),
        *taken(row, 0, first + second * (1 << 32), used),
        given(row, 0, after[0] + after[1] * (1 << 32), used),
        *ranged([*limbs, *quotients[0], *quotients[1]], used),
    ]


WORD = Chip(
    "poseidon2_words",
    (
        *("used", "clock", "index", *gap_names(1)),
        *(f"{name}_{part}" for name in _ELEMENTS for part in _PARTS),
        *(f"quotient{i}_{k}" for i in range(2) for k in range(QUOTIENT_LIMBS[POSEIDON2_CUBE])),
    ),
    lambda row: [boolean(row.used), *(boolean(getattr(row, f"{name}_more")) for name in _ELEMENTS)],
    _word_messages,
)

CHIPS: tuple[Chip, ...] = (PERMUTATION, WORD, *CUBE_CHIPS.values())

# ---- their tables: numbers below 2^96 are arrays of six limbs ---------------------------------------------------

_LIMBS = 6
_INVERSE = [pow(P, -1, 1 << LIMB_BITS * _LIMBS) >> LIMB_BITS * i & LIMB - 1 for i in range(_LIMBS)]


def _carried(limbs: U64) -> U64:
    """Limbs of any size as such of 16 bits, modulo 2^96."""
    found, carry = np.empty_like(limbs), np.uint64(0)
    for i, limb in enumerate(limbs):
        whole = limb + carry
        found[i], carry = whole % np.uint64(LIMB), whole >> np.uint64(LIMB_BITS)
    return found


def _number(words: U64) -> U64:
    """Words as limbs."""
    return _carried(np.stack([words, *[np.zeros_like(words)] * (_LIMBS - 1)]))


def _divided(value: U64) -> tuple[U64, U64]:
    """Quotient, in limbs, and remainder of a value in limbs of any size: the quotient by 1/P modulo 2^96."""
    weights = (np.uint64(pow(LIMB, i, P)) for i in range(_LIMBS))
    remainder = sum(limb % np.uint64(P) * w % np.uint64(P) for limb, w in zip(value, weights, strict=True))
    remainder %= np.uint64(P)
    less = _carried(value + _complement(_number(remainder)))
    quotient = np.zeros_like(value)
    for i, factor in enumerate(_INVERSE):
        quotient[i:] += less[: _LIMBS - i] * np.uint64(factor)
    return _carried(quotient), remainder


def _complement(limbs: U64) -> U64:
    """What is left to 2^96."""
    found = np.uint64(LIMB - 1) - limbs
    found[0] += np.uint64(1)
    return found


def _cubed(low: U64, high: U64) -> U64:
    products = (low * low * low, low * low * high, low * high * high, high * high * high)
    parts = (_number(each) * np.uint64(f) for each, f in zip(products, CUBE_FACTORS, strict=True))
    return _carried(sum(parts, np.zeros((_LIMBS, len(low)), np.uint64)))


def _vector(limbs: U64, height: int) -> Vector:
    """A column of such numbers."""
    words = [
        sum(limb << np.uint64(LIMB_BITS * i) for i, limb in enumerate(part))
        for part in (limbs[:4], limbs[4:])
    ]
    low, high = (Vector.of_words(np.pad(word, (0, height - len(word)))) for word in words)
    return low + high.scaled(1 << 64)


def _table(chip: Chip, columns: dict[str, U64]) -> Table:
    """Of columns by name: words, or numbers in limbs."""
    wide = {name: column for name, column in columns.items() if column.ndim == 2}
    table = Table.of_words(
        chip, [columns[name] if name not in wide else columns[name][0] for name in chip.columns]
    )
    for name, limbs in wide.items():
        table.columns[chip.names.index(name)] = _vector(limbs, len(table.columns[0]))
    return table


def tables(calls: Calls) -> list[Table]:
    """The rows of the permutations, of their words, and of their cubes."""
    ones = np.ones(len(calls), np.uint64)
    halves = calls.before % np.uint64(1 << 32), calls.before >> np.uint64(32)
    before = [halves[i % 2][:, i // 2] for i in range(WIDTH)]
    answers: dict[int, list[list[U64]]] = {bus: [] for bus in QUOTIENT_LIMBS}
    cubes = list[U64]()

    def cube(value: U64, bus: int) -> U64:
        quotient, x = _divided(value)
        low, high = x % np.uint64(LIMB), x >> np.uint64(LIMB_BITS)
        cubes.append(_cubed(low, high))
        answers[bus].append([low, high, *quotient[: QUOTIENT_LIMBS[bus]], cubes[-1]])
        return cubes[-1]

    after = permuted([_number(each) for each in before], _number(ones), cube)
    permutation = {"used": ones, "clock": calls.clock, "index": calls.index}
    permutation |= {f"before{i}": each for i, each in enumerate(before)}
    permutation |= {f"cube{i}": each for i, each in enumerate(cubes)}
    made = [_table(PERMUTATION, permutation), _word_table(calls, before, [_divided(each) for each in after])]
    return made + [_cube_table(bus, answers[bus]) for bus in CUBE_CHIPS]


def _cube_table(bus: int, answers: list[list[U64]]) -> Table:
    """``answers``: the columns of each cube of a permutation, of all permutations."""
    columns = {"used": np.ones(len(answers) // TOGETHER * len(answers[0][0]), np.uint64)}
    for i in range(TOGETHER):
        for name, parts in zip(_cube_names(bus, i), zip(*answers[i::TOGETHER], strict=True), strict=True):
            columns[name] = np.concatenate(parts, axis=-1)
    return _table(CUBE_CHIPS[bus], columns)


def _word_table(calls: Calls, before: list[U64], after: list[tuple[U64, U64]]) -> Table:
    """Word by word: the first of all blocks, then the second of all."""
    columns = {
        "used": np.ones(WORDS * len(calls), np.uint64),
        "clock": np.tile(calls.clock, WORDS),
        "index": np.concatenate([calls.index + np.uint64(word) for word in range(WORDS)]),
        "gap0": calls.gaps.T.ravel(),
    }
    for i in range(2):
        columns |= _split(f"before{i}", np.concatenate(before[i::2]))
        columns |= _split(f"after{i}", np.concatenate([remainder for _, remainder in after[i::2]]))
        quotient = np.concatenate([quotient for quotient, _ in after[i::2]], axis=1)
        columns |= {f"quotient{i}_{k}": quotient[k] for k in range(QUOTIENT_LIMBS[POSEIDON2_CUBE])}
    return _table(WORD, columns)


def _split(name: str, elements: U64) -> dict[str, U64]:
    """The columns of elements below P."""
    more = (elements > (LIMB - 1) * (STEP + 1)).astype(np.uint64)
    rest = elements - more * np.uint64(MORE)
    high = np.minimum(rest // np.uint64(STEP), np.uint64(LIMB - 1))
    return dict(
        zip((f"{name}_{part}" for part in _PARTS), (rest - high * np.uint64(STEP), high, more), strict=True)
    )


def fixed() -> list[Table]:
    """Nothing is."""
    return []
