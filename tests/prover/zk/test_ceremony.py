"""Set-ups from files: one that snarkjs made is read, and nothing else passes for one."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from jovay.prover.zk import ceremony
from jovay.prover.zk.ceremony import CeremonyError
from jovay.prover.zk.curve import P, Points
from jovay.prover.zk.setup import Setup, add_g2, development_setup, is_on_twist

#: `snarkjs powersoftau new bn128 4`, then a contribution and a beacon.
FILE = Path(__file__).parent / "vectors" / "snarkjs_4.ptau"
FIRST_AT = 12 + 12 + 44 + 12


@pytest.fixture(scope="module")
def setup() -> Setup:
    return ceremony.read(FILE, 16)


def test_snarkjs_powers_are_read(setup: Setup) -> None:
    assert (len(setup.first), len(setup.second), setup.development) == (16, 4, False)
    assert setup.first.point(0) == (1, 2)
    assert setup.first.point(1) != development_setup(8, 1).first.point(1)


def test_what_we_make_is_a_set_up_too() -> None:
    ceremony.check(development_setup(16, 0xABCDEF))


def points(setup: Setup) -> list[tuple[int, int]]:
    return [setup.first.point(i) for i in range(len(setup.first))]


def test_points_that_are_no_powers_are_refused(setup: Setup) -> None:
    known, other = points(setup), development_setup(16, 99)
    swapped = [*known[:3], known[4], known[3], *known[5:]]
    opposite = [*known[:15], (known[15][0], P - known[15][1])]
    bad = [
        *(replace(setup, first=Points.of(each)) for each in (swapped, opposite, points(other), known[1:])),
        replace(setup, second=(*setup.second[:3], other.second[3])),
        replace(setup, second=(setup.second[0], *other.second[1:])),
        replace(setup, second=(add_g2(setup.second[0], setup.second[1]), *setup.second[1:])),
        development_setup(16, 1),
    ]
    for each in bad:
        with pytest.raises(CeremonyError):
            ceremony.check(each)


def test_points_off_the_curve_and_out_of_the_group_are_refused(setup: Setup) -> None:
    x, y = setup.first.point(5)
    with pytest.raises(CeremonyError, match="no curve"):
        ceremony.check(replace(setup, first=Points.of([*points(setup)[:5], (x, y + 1), *points(setup)[6:]])))
    a, b, c, d = setup.second[1]
    assert is_on_twist((a, b, c, d))
    assert not is_on_twist((a, b, c, (d + 1) % P))
    assert not is_on_twist((a + P, b, c, d))


def changed(path: Path, at: int, data: bytes) -> Path:
    whole = bytearray(FILE.read_bytes())
    whole[at : at + len(data)] = data
    path.write_bytes(whole)
    return path


@pytest.mark.parametrize(
    ("at", "data", "why"),
    [
        (0, b"ptaw", "begins with"),
        (4, struct.pack("<I", 2), "version 2"),
        (24, struct.pack("<I", 48), "another curve"),
        (28, b"\1", "another curve"),
        (60, struct.pack("<I", 3), "not 15 points"),
        (60, struct.pack("<I", 99), "power 99"),
        (68, struct.pack("<I", 9), "not 31 points"),
        (72, struct.pack("<Q", 1 << 63), "beyond the end"),
        (FIRST_AT + 64, b"\xff" * 32, "beyond the field"),
        (FIRST_AT + 70, b"\1\2\3", "no curve"),
    ],
)
def test_files_that_are_something_else_are_refused(tmp_path: Path, at: int, data: bytes, why: str) -> None:
    with pytest.raises(CeremonyError, match=why):
        ceremony.read(changed(tmp_path / "f", at, data), 8)


def test_files_that_are_cut_off_or_too_small_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CeremonyError, match="31 powers"):
        ceremony.read(FILE, 32)
    whole = FILE.read_bytes()
    for size in (0, 3, 11, 20, 40, 100, 2000, 3000):
        (tmp_path / "cut").write_bytes(whole[:size])
        with pytest.raises(CeremonyError):
            ceremony.read(tmp_path / "cut", 8)
