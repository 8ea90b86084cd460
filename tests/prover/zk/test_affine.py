"""Affine forms in columns, against plain Python."""

from __future__ import annotations

import random

import pytest

from jovay.compiler.simd.sumcheck import MOST_TERMS
from jovay.prover.zk import affine, field
from jovay.prover.zk.affine import Affine, Forms
from jovay.prover.zk.field import R, Vector


@pytest.fixture(params=[False, True], ids=["simd", "portable"], autouse=True)
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param and field.portable():
        pytest.skip("this CPU has no fast kernels")
    monkeypatch.setattr(affine, "portable", lambda: request.param)
    affine._kernel.cache_clear()


def value(form: Affine, row: list[int]) -> int:
    return (form.constant + sum(factor * row[column] for column, factor in form.factors.items())) % R


def test_forms() -> None:
    rng = random.Random(1)
    columns = [[rng.choice([0, 1, R - 1, rng.randrange(R)]) for _ in range(32)] for _ in range(5)]
    forms = [Affine(-3, {}), Affine(0, {4: 1}), Affine(R - 1, {0: R - 1, 2: rng.randrange(R)})]
    forms.append(Affine(rng.randrange(R), {column: rng.randrange(R) for column in range(5)}))
    outs = [Vector.empty(32) for _ in forms]
    affine.evaluate(forms, [Vector.of(column) for column in columns], outs)
    rows = [list(row) for row in zip(*columns, strict=True)]
    assert [out.values() for out in outs] == [[value(form, row) for row in rows] for form in forms]


def test_parts_of_forms() -> None:
    column, out = [random.Random(2).randrange(R) for _ in range(32)], Vector.empty(16)
    Forms([Affine(5, {0: 7})], [Vector.of(column)]).write(8, [out])
    assert out.values() == [(5 + 7 * value) % R for value in column[8:24]]


def test_no_lane_overflows() -> None:
    largest, out = Vector.of([R - 1] * 8), Vector.empty(8)
    form = Affine(R - 1, dict.fromkeys(range(MOST_TERMS), R - 1))
    affine.evaluate([form], [largest] * MOST_TERMS, [out])
    assert out.values() == [(R - 1 + MOST_TERMS) % R] * 8
    with pytest.raises(ValueError, match="401 columns"):
        affine.evaluate([Affine(0, dict.fromkeys(range(MOST_TERMS + 1), 1))], [largest] * 401, [out])
