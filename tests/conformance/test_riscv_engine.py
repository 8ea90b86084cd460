"""The kernel as a RISC-V program passes the state tests of execution-spec-tests, as it does natively."""

import pytest

from jovay.conformance.native_engine import NativeEngine
from jovay.conformance.riscv_engine import RiscvEngine, RiscvError
from jovay.conformance.state_tests import encode, run_case
from jovay.kernel.accelerated import ACCELERATORS
from jovay.native import kernel

FORKS = ("Cancun", "Prague", "Osaka")


@pytest.fixture(scope="module")
def engine():
    return RiscvEngine()


def test_state_tests_pass(engine, eest_spread):
    results = [
        r for name, case in eest_spread(1200, forks=FORKS) for r in run_case(engine, name, case, scale=0)
    ]
    assert len(results) >= 1200
    assert [(r.name, r.error) for r in results if not r.passed] == []
    assert all(r.cycles > 0 for r in results)


def test_outcomes_equal_the_native_ones(engine, eest_spread):
    native = NativeEngine(kernel.load())
    for _, case in eest_spread(20, seed=1, forks=FORKS):
        for fork, posts in case["post"].items():
            data = encode(case, fork, posts[0], scale=0)
            assert engine.run(data)[0] == native.run(data)[0]


def test_accelerators_change_no_outcome(engine, eest_spread):
    """Nor does any test take longer."""
    accelerated = RiscvEngine(accelerators=ACCELERATORS)
    for name, case in eest_spread(150, seed=2, forks=FORKS):
        for fork, posts in case["post"].items():
            data = encode(case, fork, posts[0], scale=0)
            (expected, cycles), (found, fewer) = engine.run(data), accelerated.run(data)
            assert (found, fewer < cycles) == (expected, True), name


def test_a_guest_that_does_not_finish_is_an_error(engine, eest_spread, monkeypatch):
    monkeypatch.setattr("jovay.conformance.riscv_engine.MAX_CYCLES", 1000)
    (_, case), *_ = eest_spread(1, forks=FORKS)
    fork, posts = next(iter(case["post"].items()))
    with pytest.raises(RiscvError, match="cycle limit at pc 0x1"):
        engine.run(encode(case, fork, posts[0], scale=0))
