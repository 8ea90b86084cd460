"""The native kernel passes the state tests of execution-spec-tests, at every fork they are for."""

from collections import Counter

import pytest

from jovay.conformance.native_engine import NativeEngine
from jovay.conformance.state_tests import encode, judge, run_case
from jovay.kernel.programs.state_test import Outcome
from jovay.native.records import read_record, values_of
from rigs import fixtures

#: Forks that the archive has tests for; the chain itself runs the last three.
FORKS = {
    "Frontier", "Homestead", "Byzantium", "ConstantinopleFix", "Istanbul", "Berlin", "London", "Paris", "Shanghai",
    "Cancun", "Prague", "Osaka",
}  # fmt: skip


@pytest.fixture(scope="module")
def engine(library):
    return NativeEngine(library)


def _failures(results):
    return [f"{r.name} ({r.fork}): {r.error}" for r in results if not r.passed]


def test_every_state_test_passes(engine, eest_spread):
    """All of the archive, and nothing passed over."""
    results = [r for name, case in fixtures.cases() for r in run_case(engine, name, case)]
    passed = Counter(r.fork for r in results if r.passed)
    assert _failures(results) == []
    assert sum(passed.values()) == len(results) == 32_939
    assert set(passed) == FORKS


def test_a_wrong_expectation_fails(engine, eest_spread):
    """The comparison itself can fail: another root, other logs, another verdict on the transaction."""
    name, case = eest_spread(1, seed=3, forks=("Osaka",))[0]
    ((fork, (post, *_)),) = case["post"].items()
    outcome = values_of(read_record(Outcome, engine.run(encode(case, fork, post, scale=1))[0]))
    assert judge(name, fork, post, outcome, 0).passed
    for wrong in ({"hash": "0x" + "00" * 32}, {"logs": "0x" + "00" * 32}, {"expectException": "x"}):
        assert not judge(name, fork, post | wrong, outcome, 0).passed
