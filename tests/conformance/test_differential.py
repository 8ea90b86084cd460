"""Generated transactions end on the kernel as they do on revm and on execution-specs."""

import copy
import dataclasses

import pytest
from typer.testing import CliRunner

from jovay.cli.app import app
from jovay.conformance.differential.cases import Case, Outcome
from jovay.conformance.differential.compare import Summary, compare, load_oracle
from jovay.conformance.differential.generate import make_case
from jovay.conformance.differential.minimise import minimise
from jovay.conformance.differential.native import NativeRunner, encode
from jovay.conformance.differential.report import as_state_test
from jovay.conformance.native_engine import NativeEngine
from jovay.conformance.state_tests import run_case
from jovay.kernel.protocol.opcodes import OPCODES, SSTORE


@pytest.fixture(scope="module")
def kernel(library):
    from jovay.kernel.programs.transition import replay_transactions

    return NativeRunner(library[replay_transactions])


def _agree(kernel: NativeRunner, oracle: str, fork: str, seeds: range) -> Summary:
    try:
        load_oracle(oracle)
    except ImportError as missing:
        pytest.skip(f"{oracle} is not installed: {missing}")
    summary = compare(kernel, oracle, fork, seeds, most=1)
    assert [(d.seed, d.what) for d in summary.differences] == []
    assert summary.cases == len(seeds)
    return summary


def test_cancun_agrees_with_revm(kernel):
    summary = _agree(kernel, "revm", "Cancun", range(1500))
    assert summary.endings["success"] > summary.transactions / 3
    assert len(summary.endings) > 8  # invalid ones, and many ways to fail
    assert summary.logs > 20


@pytest.mark.parametrize(("fork", "first"), [("Cancun", 1000), ("Prague", 2000), ("Osaka", 3000)])
def test_forks_agree_with_execution_specs(kernel, fork, first):
    pytest.importorskip("ethereum")
    _agree(kernel, "specs", fork, range(first, first + 80))


def _programs(cases: list[Case]) -> list[bytes]:
    codes = [account.code for case in cases for account in case.accounts.values()]
    return codes + [tx.data for case in cases for tx in case.transactions if tx.to is None]


def _instructions(code: bytes) -> set[int]:
    found, at = set(), 0
    while at < len(code):
        found.add(code[at])
        at += 1 + (code[at] - 0x5F if 0x60 <= code[at] <= 0x7F else 0)
    return found


def test_cases_are_made_of_everything():
    cases = [make_case("Osaka", seed) for seed in range(150)]
    seen = set().union(*map(_instructions, _programs(cases)))
    assert {o.name for code, o in OPCODES.items() if code not in seen} == set()
    transactions = [tx for case in cases for tx in case.transactions]
    assert {tx.kind for tx in transactions} == {0, 1, 2, 3, 4}
    assert any(tx.access_list for tx in transactions)
    assert any(tx.to is None for tx in transactions)
    assert any(a.tamper for tx in transactions for a in tx.authorizations)


def test_a_seed_makes_the_same_case_always():
    assert encode(make_case("Prague", 7)) == encode(make_case("Prague", 7))
    assert encode(make_case("Prague", 7)) != encode(make_case("Prague", 8))
    assert encode(make_case("Prague", 7)) != encode(make_case("Osaka", 7))


class _WrongAboutLogs:
    """The kernel itself, but with a gas too many where there were logs."""

    def __init__(self, kernel: NativeRunner) -> None:
        self.kernel = kernel

    def prepare(self, case: Case) -> Case:
        return case

    def run(self, case: Case, expected: Outcome) -> Outcome:
        outcome = copy.deepcopy(self.kernel.run(case))
        outcome.ran = [dataclasses.replace(r, gas_used=r.gas_used + bool(r.logs)) for r in outcome.ran]
        return outcome


def test_a_difference_is_found_and_minimised(kernel, monkeypatch):
    monkeypatch.setattr(
        "jovay.conformance.differential.compare.load_oracle", lambda _: _WrongAboutLogs(kernel)
    )
    summary = compare(kernel, "wrong", "Cancun", range(400), most=1, attempts=500)
    (difference,) = summary.differences
    assert len(difference.case.transactions) == 1
    assert "gas_used" in difference.what[0]
    bytes_left = sum(len(code.replace(b"\x5b", b"")) for code in _programs([difference.case]))
    assert bytes_left < 300


def test_minimising_keeps_what_matters():
    case = make_case("Cancun", 11)
    smallest = minimise(case, lambda c: any(SSTORE in code for code in _programs([c])))
    assert [code.strip(b"\x5b") for code in _programs([smallest]) if code] == [bytes([SSTORE])]
    assert len(smallest.transactions) == 1


def test_a_case_prints_as_a_state_test(kernel, library):
    """What is printed for others to run gives the kernel's own result when it is read back."""
    case = next(c for c in (make_case("Prague", seed) for seed in range(20)) if len(c.transactions) == 1)
    ((name, test),) = as_state_test(case, ["gas"]).items()
    test["config"]["blobSchedule"] = None
    (result,) = run_case(NativeEngine(library), name, test)
    ran = kernel.run(case).ran[0]
    assert result.gas_used == ran.gas_used
    assert ("expected" in result.error) is not ran.valid


def test_the_command(kernel):
    pytest.importorskip("pyrevm")
    done = CliRunner().invoke(app, ["evm", "fuzz", "--oracle", "revm", "--cases", "30", "--first-seed", "77"])
    assert done.exit_code == 0, done.output
    assert "Cancun against revm: 30 cases" in done.stdout
    assert "0 differences" in done.stdout
    assert CliRunner().invoke(app, ["evm", "fuzz", "--oracle", "revm", "--fork", "Osaka"]).exit_code == 2
