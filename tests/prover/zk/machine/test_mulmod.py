"""The chip for products modulo a number of 256 bits."""

from __future__ import annotations

import random

import pytest

from jovay.prover.zk import audit
from jovay.prover.zk.field import R
from jovay.prover.zk.machine import identities
from jovay.prover.zk.machine.buses import CALL, MEMORY
from jovay.prover.zk.machine.identities import split
from jovay.prover.zk.machine.mulmod import MULMOD, NUMBER, WORDS, tables
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


def row_of(a: int, b: int, m: int) -> dict[str, int]:
    """What the table has for a call."""
    return rows_of([(a, b, m)])[0]


def rows_of(cases: list[Operands]) -> list[dict[str, int]]:
    blocks = [
        ([w for n in (a, b, m) for w in split(n)], [w for n in (a * b % m, b, m) for w in split(n)])
        for a, b, m in cases
    ]
    (table,) = tables(calls_of(blocks, WORDS))
    return named_rows(table)[: len(cases)]


def random_cases(count: int) -> list[Operands]:
    rng, found = random.Random(1), list[Operands]()
    while len(found) < count:
        a, b, m = (
            rng.choice([rng.choice(EDGES), rng.getrandbits(256), rng.getrandbits(70)]) for _ in range(3)
        )
        if m and a * b // m < 2**256:
            found.append((a, b, m))
    return found


def test_products_are_accepted() -> None:
    cases = [*CASES, *random_cases(200)]
    for (a, b, m), row in zip(cases, rows_of(cases), strict=True):
        assert wrong_with(MULMOD, row) == ([], [])
        said = audit.messages_of(MULMOD.messages(MULMOD.row(list(row.values()))))
        time = 4 * row["clock"] + 2
        for at, word in enumerate(w for n in (a * b % m, b, m) for w in split(n)):
            assert said[MEMORY, row["index"] + at, 1, word, time] == 1
        for at, word in enumerate(w for n in (a, b, m) for w in split(n)):
            gap = row[f"gap{at}_low"] + (row[f"gap{at}_high"] << 16)
            assert said[MEMORY, row["index"] + at, 1, word, (time - 1 - gap) % R] == -1
        assert said[CALL, NUMBER, row["clock"], row["index"]] == -1
        assert sum(times for (bus, *_), times in said.items() if bus == MEMORY) == 0


def test_no_cell_can_be_another() -> None:
    blocks = [
        ([*split(a), *split(b), *split(m)], [*split(a * b % m), *split(b), *split(m)]) for a, b, m in CASES
    ]
    assert free_cells(tables(calls_of(blocks, WORDS))) == set()


def test_rows_of_zeros_say_nothing() -> None:
    assert MULMOD.shape.degree <= 3
    nothing = [0] * len(MULMOD.columns)
    assert MULMOD.broken([nothing]) == []
    assert audit.messages_of(MULMOD.messages(MULMOD.row(nothing))) == {}
    assert tables(calls_of([], WORDS))[0].variables == 3


def with_number(row: dict[str, int], name: str, value: int) -> dict[str, int]:
    """Another quotient or result."""
    limbs = {f"{name}{at}": value >> 16 * at & 0xFFFF for at in range(16)}
    assert sum(limb << 16 * at for at, limb in enumerate(limbs.values())) == value
    return row | limbs


def mended(row: dict[str, int]) -> dict[str, int]:
    """With the carries that fit best, and what says that the result is less than m."""
    operands = [[row[f"{name}{at}"] for at in range(4)] for name in "abm"]
    made = [identities.words([row[f"{name}{at}"] for at in range(16)]) for name in ("quotient", "result")]
    a, b, m = operands
    ahead, behind = identities.product(a, b), identities.product(made[0], m)
    left = identities.less([x - y for x, y in zip(ahead, behind, strict=True)], made[1])
    row = dict(row)
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
    assert is_accepted(MULMOD, mended(row))
    moduli = [R, *(modulus for modulus, _ in identities.MODULI)]
    for change in (1, m, *moduli, moduli[1] * moduli[2]):
        for other in (result + change, result - change):
            if 0 <= other < 2**256:
                forged = with_number(row, "result", other)
                assert not is_accepted(MULMOD, forged)
                assert not is_accepted(MULMOD, mended(forged))
                for q in (quotient - (change == m), quotient + (change == m)):
                    if 0 <= q < 2**256:
                        assert not is_accepted(MULMOD, mended(with_number(forged, "quotient", q)))
        for other in (quotient + change, quotient - change):
            if 0 <= other < 2**256:
                assert not is_accepted(MULMOD, mended(with_number(row, "quotient", other)))


def test_results_are_reduced() -> None:
    """The equation holds for result + m and quotient − 1; that it is not less than m is all that is wrong."""
    for m in (97, 2**70, 2**255):
        a, b = m - 1, m - 2
        row = with_number(row_of(a, b, m), "result", a * b % m + m)
        forged = mended(with_number(row, "quotient", a * b // m - 1))
        broken, large = wrong_with(MULMOD, forged)
        assert len(broken) + len(large) == 1


def test_limbs_and_carries_are_held() -> None:
    """A limb of 2^16 more with one less above, carries one off, and R added: in each place."""
    row = row_of(MOST - 5, MOST - 7, MOST - 1)
    groups = [(name, 16) for name in ("quotient", "result")]
    groups += [(name, 5) for name in ("carry0_", "carry1_")]
    for name, limbs in [*groups, ("result_room", 4)]:
        for at in range(limbs):
            for change in (1, -1, R - 2**16, 2**16):
                assert not is_accepted(MULMOD, row | {f"{name}{at}": row[f"{name}{at}"] + change})
            if at + 1 < limbs:
                moved = {
                    f"{name}{at}": row[f"{name}{at}"] + 2**16,
                    f"{name}{at + 1}": row[f"{name}{at + 1}"] - 1,
                }
                assert wrong_with(MULMOD, row | moved)[0] == [] or at % 4 == 3  # from one word to another
                assert not is_accepted(MULMOD, row | moved)


def test_what_is_not_taken() -> None:
    """No modulus, and quotients of more than 256 bits."""
    row = row_of(3, 5, 97)
    zero = mended(row | {f"m{at}": 0 for at in range(4)})
    assert not is_accepted(MULMOD, with_number(with_number(zero, "result", 15), "quotient", 0))
    assert not is_accepted(MULMOD, mended(with_number(zero, "result", 15)))
    with pytest.raises(OverflowError):
        row_of(MOST, MOST, MOST - 2)
