"""The chip for additions and doublings on secp256k1."""

from __future__ import annotations

import random
from itertools import pairwise, product
from typing import Any

import pytest

from jovay.kernel.curves.secp256k1 import GENERATOR, MODULUS, ORDER_VALUE
from jovay.prover.zk import audit
from jovay.prover.zk.field import R
from jovay.prover.zk.machine import secp256k1
from jovay.prover.zk.machine.buses import CALL, MEMORY
from jovay.prover.zk.machine.identities import MIDDLE_LIMBS, QUOTIENT_LIMBS, offset, split
from jovay.prover.zk.machine.secp256k1 import ADD, CALLS, DOUBLE, SECP256K1, SUBTRACT, _inverses, tables
from jovay.prover.zk.tables import Table
from rigs.chips import calls_of, free_cells, is_accepted, named_rows, wrong_with
from rigs.secp256k1_points import Point, add, times

#: The constraint that what is divided by is not 0.
DIVISOR = 4


def third(slope: int, p: Point, q: Point) -> Point:
    x = (slope * slope - p[0] - q[0]) % MODULUS
    return x, (slope * (p[0] - x) - p[1]) % MODULUS


def added(p: Point, q: Point) -> Point:
    result = add(p, q)
    assert result
    return result


def doubled(p: Point) -> Point:
    return added(p, p)


def minus(p: Point) -> Point:
    return p[0], MODULUS - p[1]


def multiple(k: int) -> Point:
    result = times(k, GENERATOR)
    assert result
    return result


def at_x(x: int) -> Point:
    """A point with the next x that has one."""
    while pow(square := (x**3 + 7) % MODULUS, (MODULUS - 1) // 2, MODULUS) != 1:
        x += 1
    return x, pow(square, (MODULUS + 1) // 4, MODULUS)


#: x of one word; the last three words all ones; the endomorphism's image of a point, with the same y; −G + 2G.
SMALL, LARGE = at_x(1), at_x(2**256 - 2**64 + 2**40)
BETA = pow(2, (MODULUS - 1) // 3, MODULUS)
IMAGE = GENERATOR[0] * BETA % MODULUS, GENERATOR[1]
PAIRS: list[tuple[Point, Point]] = [
    (GENERATOR, doubled(GENERATOR)),
    (doubled(GENERATOR), GENERATOR),
    (minus(GENERATOR), doubled(GENERATOR)),
    (GENERATOR, IMAGE),  # slope 0
    (SMALL, GENERATOR),
    (LARGE, SMALL),
    (LARGE, at_x(LARGE[0] + 1)),  # x differs in the lowest word alone
    (added(SMALL, minus(GENERATOR)), GENERATOR),  # the result is SMALL
    (added(LARGE, minus(GENERATOR)), GENERATOR),
    (multiple(ORDER_VALUE - 1), multiple(ORDER_VALUE - 2)),
]
POINTS = [GENERATOR, SMALL, LARGE, IMAGE, minus(GENERATOR), multiple(ORDER_VALUE // 2)]


def words(*points: Point) -> list[int]:
    return [word for point in points for number in point for word in split(number)]


def block(number: int, operands: tuple[Point, ...]) -> tuple[list[int], list[int]]:
    """What it holds before and after."""
    p, q = operands[0], operands[-1]
    result = added(p, minus(q) if number == SUBTRACT else q)
    return words(*operands), words(result, *operands[1:])


def table_of(*calls: tuple[int, tuple[Point, ...]]) -> Table:
    """Of calls in the order of their numbers in ``CALLS``."""
    parts = [
        calls_of([block(number, operands) for number, operands in calls if number == each], CALLS[each])
        for each in CALLS
    ]
    (table,) = tables(*parts)
    return table


ADDITIONS = [(ADD, pair) for pair in PAIRS]
SUBTRACTIONS = [(SUBTRACT, pair) for pair in PAIRS]
DOUBLINGS = [(DOUBLE, (point,)) for point in POINTS]


def test_sums_are_accepted() -> None:
    rng = random.Random(1)
    some = [multiple(rng.randrange(2, ORDER_VALUE)) for _ in range(20)]
    calls = [*ADDITIONS, *((ADD, pair) for pair in pairwise(some))]
    calls += [*SUBTRACTIONS, *((SUBTRACT, pair) for pair in pairwise(some))]
    calls += [*DOUBLINGS, *((DOUBLE, (point,)) for point in some)]
    rows = named_rows(table_of(*calls))[: len(calls)]
    for (number, operands), row in zip(calls, rows, strict=True):
        assert wrong_with(SECP256K1, row) == ([], [])
        said = audit.messages_of(SECP256K1.messages(SECP256K1.row(list(row.values()))))
        time = 4 * row["clock"] + 2
        for place, (old, new) in enumerate(zip(*block(number, operands), strict=True)):
            assert said[MEMORY, row["index"] + place, 1, old, (time - 1 - row[f"gap{place}"]) % R] == -1
            assert said[MEMORY, row["index"] + place, 1, new, time] == 1
        assert said[CALL, number, row["clock"], row["index"]] == -1
        assert sum(bus == MEMORY for bus, *_ in said) == 2 * CALLS[number]


def test_no_cell_can_be_another() -> None:
    """But of Q where there is none, and the inverses of words that are 0."""
    without_q = {("secp256k1", f"{name}{word}") for name in ("x2_", "y2_") for word in range(4)}
    without_q |= {("secp256k1", f"gap{word}") for word in range(CALLS[DOUBLE], CALLS[ADD])}
    assert free_cells([table_of(ADDITIONS[3], SUBTRACTIONS[4])]) == set()
    assert free_cells([table_of(DOUBLINGS[0])]) == without_q
    assert free_cells([table_of(ADDITIONS[6])]) == {("secp256k1", f"inverse{word}") for word in (1, 2, 3)}


def test_rows_of_zeros_say_nothing() -> None:
    assert SECP256K1.shape.degree <= 3
    nothing = [0] * len(SECP256K1.columns)
    assert SECP256K1.broken([nothing]) == []
    assert audit.messages_of(SECP256K1.messages(SECP256K1.row(nothing))) == {}
    assert table_of().variables == 3


# ---- forged rows --------------------------------------------------------------------------------------------------


def forged(
    monkeypatch: pytest.MonkeyPatch, number: int, before: list[Point], result: Point, slope: int
) -> dict[str, int]:
    """A row that says so, with quotients, carries and inverses as they fit best."""

    def inverses(divisor: Any) -> list[Any]:
        return honest(divisor) if any(word[0] for word in divisor) else [[1]] * 4

    honest = _inverses
    monkeypatch.setattr(secp256k1, "_slopes", lambda flags, *_: flags[0] * 0 + slope)
    monkeypatch.setattr(secp256k1, "_inverses", inverses)
    calls = {each: calls_of([], size) for each, size in CALLS.items()}
    calls[number] = calls_of([(words(*before), words(result, *before[1:]))], CALLS[number])
    (table,) = tables(*calls.values())
    return named_rows(table)[0]


def test_points_of_the_same_x_have_no_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """For P + P any slope fits, and for P − P none; both divide by 0, whatever the inverses are."""
    rng = random.Random(2)
    for number, slope in product(
        (ADD, SUBTRACT), (0, 5, 3 * GENERATOR[0] ** 2 * pow(2 * GENERATOR[1], -1, MODULUS) % MODULUS)
    ):
        result, same, opposite = third(slope, GENERATOR, GENERATOR), GENERATOR, minus(GENERATOR)
        if number == SUBTRACT:
            same, opposite = opposite, same
        row = forged(monkeypatch, number, [GENERATOR, same], result, slope)
        assert wrong_with(SECP256K1, row) == ([DIVISOR], [])
        other = forged(monkeypatch, number, [GENERATOR, opposite], result, slope)
        assert DIVISOR in wrong_with(SECP256K1, other)[0]
        assert len(wrong_with(SECP256K1, other)[0]) > 1
        for _ in range(20):
            row |= {f"inverse{word}": rng.randrange(R) for word in range(4)}
            assert wrong_with(SECP256K1, row) == ([DIVISOR], [])


def test_a_point_without_y_has_no_double(monkeypatch: pytest.MonkeyPatch) -> None:
    """As (0, 0), which is none, but stands for the neutral element elsewhere."""
    row = forged(monkeypatch, DOUBLE, [(0, 0)], third(5, (0, 0), (0, 0)), 5)
    assert wrong_with(SECP256K1, row) == ([DIVISOR], [])
    row = forged(monkeypatch, DOUBLE, [(1, 0)], third(5, (1, 0), (1, 0)), 5)
    assert DIVISOR in wrong_with(SECP256K1, row)[0]


@pytest.mark.parametrize(("number", "before"), [*ADDITIONS, *SUBTRACTIONS, *DOUBLINGS])
def test_no_other_sum(number: int, before: tuple[Point, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Other slopes with what follows from them, and other results with the right slope."""
    p, q = before[0], before[-1] if number != SUBTRACT else minus(before[-1])
    rise, run = (3 * p[0] ** 2, 2 * p[1]) if number == DOUBLE else (q[1] - p[1], q[0] - p[0])
    slope = rise * pow(run, -1, MODULUS) % MODULUS
    x, y = third(slope, p, q)
    assert is_accepted(SECP256K1, forged(monkeypatch, number, list(before), (x, y), slope))
    for other in (slope + 1, slope - 1, MODULUS - slope, slope + R, slope + 2**128, 0):
        if other % MODULUS != slope and 0 <= other < 2**256:
            result = third(other, p, q)
            assert not is_accepted(SECP256K1, forged(monkeypatch, number, list(before), result, other))
    for result in (
        *((x + change, y) for change in (1, -1, R, -R, MODULUS, 2**128)),
        *((x, y + change) for change in (1, -1, R, -R, MODULUS, 2**128)),
        *((x, MODULUS - y), (y, x)),
    ):
        if all(0 <= each < 2**256 for each in result):
            assert not is_accepted(SECP256K1, forged(monkeypatch, number, list(before), result, slope))


def test_results_are_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    """x + p fulfils the equations; that it is not less than p is all that is wrong."""
    p, q = PAIRS[7]
    slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, MODULUS) % MODULUS
    row = forged(monkeypatch, ADD, [p, q], (SMALL[0] + MODULUS, SMALL[1]), slope)
    broken, large = wrong_with(SECP256K1, row)
    assert len(broken) + len(large) == 1


def test_limbs_and_carries_are_held() -> None:
    """A limb of 2^16 more with one less above, carries one off, and R less 2^16: in each place."""
    row = named_rows(table_of(ADDITIONS[0]))[0]
    groups = [(name, 16) for name in ("slope_", "x3_", "y3_")] + [("x3_room", 4), ("y3_room", 4)]
    for equation in ("line", "sum", "mirror"):
        groups += [(f"{equation}_quotient", QUOTIENT_LIMBS), (f"{equation}_middle", MIDDLE_LIMBS)]
    for name, limbs in groups:
        for at in range(limbs):
            for change in (1, -1, R - 2**16, 2**16):
                assert not is_accepted(SECP256K1, row | {f"{name}{at}": row[f"{name}{at}"] + change})
            if at + 1 < limbs:
                moved = {f"{name}{at}": row[f"{name}{at}"] + 2**16}
                moved[f"{name}{at + 1}"] = row[f"{name}{at + 1}"] - 1
                assert not is_accepted(SECP256K1, row | moved)
    assert sum(row[f"line_quotient{at}"] << 16 * at for at in range(5)) < 2 * offset(5)


def test_flags_are_flags() -> None:
    """Just one of them is 1: which one is known from what was done."""
    rows = named_rows(table_of(ADDITIONS[0], SUBTRACTIONS[0], DOUBLINGS[0]))[:3]
    for row in rows:
        flags = [row[name] for name in ("add", "subtract", "double")]
        for others in product((0, 1, 2, R - 1), repeat=3):
            if list(others) != flags and any(others):
                changed = dict(zip(("add", "subtract", "double"), others, strict=True))
                assert not is_accepted(SECP256K1, row | changed)
