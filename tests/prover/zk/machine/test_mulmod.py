"""The chip for products, inverses and roots modulo a number of 256 bits."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from jovay.kernel.riscv.calls import INVERSE_MODULO, MULMOD, ROOT_MODULO
from jovay.prover.zk import audit
from jovay.prover.zk.field import R
from jovay.prover.zk.machine import identities
from jovay.prover.zk.machine.buses import CALL, MEMORY
from jovay.prover.zk.machine.identities import split
from jovay.prover.zk.machine.mulmod import CALLS, MODULAR, WORDS, _difference, tables
from jovay.prover.zk.tables import Table
from rigs.chips import calls_of, free_cells, is_accepted, named_rows, wrong_with

Operands = tuple[int, int, int]

EDGES = [0, 1, 2, 2**64 - 1, 2**64, 2**128 - 1, 2**255, 2**256 - 1, 2**256 - 2**32 - 977]
MOST = 2**256 - 1
CASES: list[Operands] = [
    (0, 0, 1),
    (MOST, 1, 1),
    (1, MOST, 1),
    (MOST, MOST, MOST),
    (MOST - 1, MOST - 1, MOST),
    (MOST, MOST - 1, MOST),
    (MOST, 2**255, 2**255 + 1),
    (2**200, 2**200, 2**145),  # quotient 2^255, result 0
    (2**64, 2**64, 2**128),
    (3, 5, 97),
]


def table_of(number: int, cases: list[Operands], results: list[int]) -> Table:
    """What the chip makes of calls."""
    calls = {each: calls_of([], WORDS) for each in CALLS}
    blocks = [
        ([*split(a), *split(b), *split(m)], [*split(result), *split(b), *split(m)])
        for (a, b, m), result in zip(cases, results, strict=True)
    ]
    calls[number] = calls_of(blocks, WORDS)
    (table,) = tables(*calls.values())
    return table


def products(cases: list[Operands]) -> Table:
    return table_of(MULMOD, cases, [a * b % m for a, b, m in cases])


def row_of(a: int, b: int, m: int) -> dict[str, int]:
    """Of a product."""
    return named_rows(products([(a, b, m)]))[0]


def random_cases(count: int) -> list[Operands]:
    rng, found = random.Random(1), list[Operands]()
    while len(found) < count:
        a, b, m = (
            rng.choice([rng.choice(EDGES), rng.getrandbits(256), rng.getrandbits(70)]) for _ in range(3)
        )
        if m and a * b // m < 2**256:
            found.append((a, b, m))
    return found


def roots_of(cases: list[Operands]) -> list[int]:
    """Of a or −a, modulo primes."""
    return [pow(a, (m + 1) // 4, m) for a, b, m in cases]


P = 2**256 - 2**32 - 977
RNG = random.Random(2)
INVERSES: list[Operands] = [
    (1, 5, 2),
    (MOST - 1, 0, MOST),
    (3, MOST, 2**256 - 3**60 - 2),
    (MOST, 7, 97),  # not reduced
    *((RNG.getrandbits(256), RNG.getrandbits(256), P) for _ in range(10)),
]
ROOTS: list[Operands] = [
    (0, 5, P),
    (1, MOST, 3),
    (P - 1, 5, P),
    (P - 4, 5, P),
    *((RNG.getrandbits(255), RNG.getrandbits(256), P) for _ in range(10)),
]
KINDS = [
    (MULMOD, [*CASES, *random_cases(100)], lambda cases: [a * b % m for a, b, m in cases]),
    (INVERSE_MODULO, INVERSES, lambda cases: [pow(a, -1, m) for a, b, m in cases]),
    (ROOT_MODULO, ROOTS, roots_of),
    (
        ROOT_MODULO,
        ROOTS,
        lambda cases: [-root % m for root, (_, _, m) in zip(roots_of(cases), cases, strict=True)],
    ),
]


@pytest.mark.parametrize(("number", "cases", "function"), KINDS)
def test_results_are_accepted(
    number: int, cases: list[Operands], function: Callable[[list[Operands]], list[int]]
) -> None:
    results = function(cases)
    rows = named_rows(table_of(number, cases, results))[: len(cases)]
    for (a, b, m), result, row in zip(cases, results, rows, strict=True):
        assert wrong_with(MODULAR, row) == ([], [])
        said = audit.messages_of(MODULAR.messages(MODULAR.row(list(row.values()))))
        time = 4 * row["clock"] + 2
        for at, word in enumerate(w for n in (result, b, m) for w in split(n)):
            assert said[MEMORY, row["index"] + at, 1, word, time] == 1
        for at, word in enumerate(w for n in (a, b, m) for w in split(n)):
            assert said[MEMORY, row["index"] + at, 1, word, (time - 1 - row[f"gap{at}"]) % R] == -1
        assert said[CALL, number, row["clock"], row["index"]] == -1
        assert sum(times for (bus, *_), times in said.items() if bus == MEMORY) == 0


def test_no_cell_can_be_another() -> None:
    """But whether a root of 0 is one of −0."""
    assert free_cells([products(CASES[4:7])]) == set()
    assert (
        free_cells([table_of(INVERSE_MODULO, INVERSES[1:3], [pow(a, -1, m) for a, _, m in INVERSES[1:3]])])
        == set()
    )
    assert free_cells([table_of(ROOT_MODULO, ROOTS[2:4], roots_of(ROOTS[2:4]))]) == set()
    assert free_cells([table_of(ROOT_MODULO, ROOTS[:1], [0])]) == {("mulmod", "minus")}


@pytest.mark.parametrize(("number", "cases", "function"), KINDS[1:3])
def test_what_is_no_inverse_or_root(
    number: int, cases: list[Operands], function: Callable[[list[Operands]], list[int]]
) -> None:
    """Other results with the quotient that fits best, and what is asked of other chips' calls."""
    for (a, b, m), result in zip(cases, function(cases), strict=True):
        for other in (result + 1, result - 1, a, b, 0, result ^ 2**200, m - result):
            is_root = number == ROOT_MODULO and other * other % m in (a, m - a)
            if 0 < other < m and other != result and not is_root:
                row = named_rows(table_of(number, [(a, b, m)], [other]))[0]
                assert not is_accepted(MODULAR, row)
        row = named_rows(table_of(number, [(a, b, m)], [result]))[0]
        for name, value in (
            ("multiply", 1),
            ("invert", 1),
            ("root", 1),
            ("minus", 1),
            ("minus", R - 1),
            ("minus", 2),
        ):
            if row[name] != value and a:
                assert not is_accepted(MODULAR, row | {name: value})


def test_rows_of_zeros_say_nothing() -> None:
    assert MODULAR.shape.degree <= 3
    nothing = [0] * len(MODULAR.columns)
    assert MODULAR.broken([nothing]) == []
    assert audit.messages_of(MODULAR.messages(MODULAR.row(nothing))) == {}
    assert products([]).variables == 3


def with_number(row: dict[str, int], name: str, value: int) -> dict[str, int]:
    """Another quotient or result."""
    limbs = {f"{name}{at}": value >> 16 * at & 0xFFFF for at in range(16)}
    assert sum(limb << 16 * at for at, limb in enumerate(limbs.values())) == value
    return row | limbs


def mended(row: dict[str, int]) -> dict[str, int]:
    """With the carries that fit best, and what says that the result is less than m."""
    operands = [[row[f"{name}{at}"] for at in range(4)] for name in "abm"]
    made = [identities.words([row[f"{name}{at}"] for at in range(16)]) for name in ("quotient", "result")]
    left, m, row = _difference((1, 0, 0), 0, operands, *made), operands[2], dict(row)
    for name, carry in zip(("carry0_", "carry1_"), identities.carries(left), strict=True):
        for at in range(5):
            row[f"{name}{at}"] = (carry + identities.offset(5)) >> 16 * at & 0xFFFF
    word = next((at for at in (3, 2, 1, 0) if made[1][at] != m[at]), 0)
    room = (m[word] - made[1][word] - 1) % 2**64
    for at in range(4):
        row[f"result_at{at}"], row[f"result_room{at}"] = int(at == word), room >> 16 * at & 0xFFFF
    return row


@pytest.mark.parametrize(("a", "b", "m"), [*CASES, *random_cases(30)])
def test_no_other_result(a: int, b: int, m: int) -> None:
    """Results and quotients that fit modulo one of the moduli, that are not reduced, or that are simply others."""
    row, result, quotient = row_of(a, b, m), a * b % m, a * b // m
    assert is_accepted(MODULAR, mended(row))
    moduli = [R, *(modulus for modulus, _ in identities.MODULI)]
    for change in (1, m, *moduli, moduli[1] * moduli[2]):
        for other in (result + change, result - change):
            if 0 <= other < 2**256:
                forged = with_number(row, "result", other)
                assert not is_accepted(MODULAR, forged)
                assert not is_accepted(MODULAR, mended(forged))
                for q in (quotient - (change == m), quotient + (change == m)):
                    if 0 <= q < 2**256:
                        assert not is_accepted(MODULAR, mended(with_number(forged, "quotient", q)))
        for other in (quotient + change, quotient - change):
            if 0 <= other < 2**256:
                assert not is_accepted(MODULAR, mended(with_number(row, "quotient", other)))


def test_results_are_reduced() -> None:
    """The equation holds for result + m and quotient − 1; that it is not less than m is all that is wrong."""
    for m in (97, 2**70, 2**255):
        a, b = m - 1, m - 2
        row = with_number(row_of(a, b, m), "result", a * b % m + m)
        forged = mended(with_number(row, "quotient", a * b // m - 1))
        broken, large = wrong_with(MODULAR, forged)
        assert len(broken) + len(large) == 1


def test_limbs_and_carries_are_held() -> None:
    """A limb of 2^16 more with one less above, carries one off, and R added: in each place."""
    row = row_of(MOST - 5, MOST - 7, MOST - 1)
    groups = [(name, 16) for name in ("quotient", "result")]
    groups += [(name, 5) for name in ("carry0_", "carry1_")]
    for name, limbs in [*groups, ("result_room", 4)]:
        for at in range(limbs):
            for change in (1, -1, R - 2**16, 2**16):
                assert not is_accepted(MODULAR, row | {f"{name}{at}": row[f"{name}{at}"] + change})
            if at + 1 < limbs:
                moved = {
                    f"{name}{at}": row[f"{name}{at}"] + 2**16,
                    f"{name}{at + 1}": row[f"{name}{at + 1}"] - 1,
                }
                assert wrong_with(MODULAR, row | moved)[0] == [] or at % 4 == 3  # from one word to another
                assert not is_accepted(MODULAR, row | moved)


def test_what_is_not_taken() -> None:
    """No modulus, and quotients of more than 256 bits."""
    row = row_of(3, 5, 97)
    zero = mended(row | {f"m{at}": 0 for at in range(4)})
    assert not is_accepted(MODULAR, with_number(with_number(zero, "result", 15), "quotient", 0))
    assert not is_accepted(MODULAR, mended(with_number(zero, "result", 15)))
    with pytest.raises(OverflowError):
        row_of(MOST, MOST, MOST - 2)
