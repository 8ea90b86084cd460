"""jovay evm: state tests in geth's form, single messages, the opcode table."""

from __future__ import annotations

import json
import random
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from jovay.cli.app import app
from jovay.cli.opcodes import markdown, table
from rigs import block_cases
from rigs.paths import ROOT


def invoke(*words: str | Path, stdin: str | None = None):
    return CliRunner().invoke(app, ["evm", *map(str, words)], input=stdin)


@pytest.fixture(scope="module")
def cases(eest_spread) -> dict[str, Any]:
    """A few tests by name, each of one fork."""
    return dict(eest_spread(12, seed=5, forks=("Prague", "Osaka")))


@pytest.fixture
def folder(cases, tmp_path: Path) -> Path:
    """The tests in two files, one a level deeper; and one test made wrong in a file of its own."""
    names = sorted(cases)
    (tmp_path / "good" / "deep").mkdir(parents=True)
    for name, part in (("good/a.json", names[:6]), ("good/deep/b.json", names[6:])):
        (tmp_path / name).write_bytes(msgspec.json.encode({n: cases[n] for n in part}))
    wrong = json.loads(json.dumps(cases[names[0]]))
    for posts in wrong["post"].values():
        posts[0]["hash"] = "0x" + "11" * 32
    (tmp_path / "wrong.json").write_text(json.dumps({names[0]: wrong}))
    return tmp_path


def test_geths_form(folder: Path, cases, library) -> None:
    result = invoke("statetest", "--json", folder / "good")
    assert result.exit_code == 0
    entries = json.loads(result.stdout)
    assert {entry["name"] for entry in entries} == set(cases)
    for entry in entries:
        assert set(entry) == {"name", "pass", "stateRoot", "fork"}
        assert entry["pass"] is True
        post = cases[entry["name"]]["post"][entry["fork"]]
        assert entry["stateRoot"] == post[0]["hash"]
    assert [entry["name"] for entry in entries] == sorted(cases)


def test_failures_are_told_and_end_with_1(folder: Path, cases, library) -> None:
    result = invoke("statetest", "--json", folder / "wrong.json")
    assert result.exit_code == 1
    (entry,) = json.loads(result.stdout)
    assert entry["pass"] is False
    assert "post state root mismatch" in entry["error"]
    assert entry["stateRoot"] != "0x" + "11" * 32
    text = invoke("statetest", folder)
    assert text.exit_code == 1
    assert f"FAIL {sorted(cases)[0]} " in text.stdout
    assert "13 tests, 12 passed, 1 failed" in text.stdout


def test_archives_jobs_and_selection(folder: Path, cases, library) -> None:
    archive = folder / "tests.tar.xz"
    with tarfile.open(archive, "w:xz") as tar:
        tar.add(folder / "good", "good")
    both = invoke("statetest", "--json", "--jobs", "2", archive)
    assert both.exit_code == 0
    assert [e["name"] for e in json.loads(both.stdout)] == sorted(cases)
    prague = invoke("statetest", "--json", "--fork", "Prague", archive)
    expected = [name for name in sorted(cases) if "Prague" in cases[name]["post"]]
    assert 0 < len(expected) < 12
    assert [e["name"] for e in json.loads(prague.stdout)] == expected
    third = invoke("statetest", "--json", "--every", "5", "--offset", "1", archive)
    assert [e["name"] for e in json.loads(third.stdout)] == sorted(cases)[1::5]


def test_riscv_engine(folder: Path, cases) -> None:
    result = invoke("statetest", "--json", "--engine", "riscv", "--every", "4", folder / "good")
    assert result.exit_code == 0
    entries = json.loads(result.stdout)
    assert len(entries) == 3
    assert all(entry["pass"] and entry["cycles"] > 10_000 for entry in entries)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["/nowhere"], 2, "error: /nowhere: "),
        (["--fork", "Moon", "/"], 2, "error: --fork Moon: must be one of Frontier"),
        (["{empty}"], 2, "no JSON files in there"),
        (["{bad}"], 1, "FAIL {bad} (): no state tests: "),
        (["{odd}"], 1, "FAIL odd (Prague): KeyError"),
    ],
)
def test_what_is_no_state_test(tmp_path: Path, words: list[str], status: int, message: str, library) -> None:
    paths = {name: str(tmp_path / f"{name}.json") for name in ("bad", "odd")} | {"empty": str(tmp_path / "e")}
    (tmp_path / "e").mkdir()
    Path(paths["bad"]).write_text("[1, 2]")
    Path(paths["odd"]).write_text('{"odd": {"post": {"Prague": [{}]}}}')
    result = invoke("statetest", *(word.format(**paths) for word in words))
    assert result.exit_code == status
    assert message.format(**paths) in result.stdout + result.stderr


@pytest.fixture(scope="module")
def block_case() -> tuple[str, dict[str, Any]]:
    """A blockchain test with a block to refuse."""
    name = "test_consolidation_requests_negative[fork_Prague"
    return next((n, case) for n, case in block_cases.cases() if name in n)


def test_blocks_in_geths_form(block_case, tmp_path: Path, library) -> None:
    name, case = block_case
    wrong = case | {"blocks": [case["blocks"][0] | {"expectException": "BlockException.INVALID_GASLIMIT"}]}
    path = tmp_path / "tests.json"
    path.write_text(json.dumps({name: case, "wrong": wrong, "odd": case | {"blocks": [{}]}}))
    for words in ([], ["--parallel"]):
        result = invoke("blocktest", "--json", *words, path)
        assert result.exit_code == 1
        good, bad, odd = json.loads(result.stdout)
        state_root = case["genesisBlockHeader"]["stateRoot"]
        assert good == {"name": name, "pass": True, "stateRoot": state_root, "fork": "Prague"}
        assert bad | {"error": ""} == good | {"name": "wrong", "pass": False, "error": ""}
        assert "expected BlockException.INVALID_GASLIMIT, got requests hash" in bad["error"]
        assert odd["error"] == "KeyError: 'rlp'"
    text = invoke("blocktest", path)
    assert text.exit_code == 1
    assert f"FAIL wrong (Prague): {bad['error']}" in text.stdout
    assert "3 tests, 1 passed, 2 failed in" in text.stdout
    assert ", 2 refused" in text.stdout


def test_selection_of_blocktests(block_case, tmp_path: Path, library) -> None:
    (tmp_path / "a.json").write_text(json.dumps({f"{i}": block_case[1] for i in range(5)}))
    chosen = invoke("blocktest", "--json", "--every", "2", "--offset", "1", "--jobs", "2", tmp_path)
    assert (chosen.exit_code, [e["name"] for e in json.loads(chosen.stdout)]) == (0, ["1", "3"])
    assert json.loads(invoke("blocktest", "--json", "--fork", "Osaka", tmp_path).stdout) == []
    for name in ("London", "Moon", "OsakaToMoonAtTime15k"):
        refused = invoke("blocktest", "--fork", name, tmp_path)
        assert refused.exit_code == 2
        assert "error: --fork: blocks of" in refused.stderr
    older = tmp_path / "older.json"
    older.write_text(json.dumps({"x": block_case[1] | {"network": "London"}}))
    assert "UnsupportedNetworkError: blocks of London are not supported" in invoke("blocktest", older).stdout


def test_the_opcode_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "opcodes.md").read_text() == markdown()
    assert invoke("opcodes", "--markdown").stdout == markdown()


def test_the_opcode_table_against_the_execution_specs() -> None:
    specs = pytest.importorskip("ethereum.forks.osaka.vm.instructions")
    ours = {row.code: row.name for row in table()}
    # The specification has no entry for the designated invalid instruction (EIP-141).
    theirs = {op.value: op.name for op in specs.Ops} | {0xFE: "INVALID"}
    renamed = {"KECCAK": "KECCAK256"}
    assert ours == {code: renamed.get(name, name) for code, name in theirs.items()}
    lines = invoke("opcodes").stdout.splitlines()
    assert len(lines) == len(ours) + 1
    assert lines[2].split() == ["01", "ADD", "3", "2", "1", "Frontier"]


SUM = "60016002015f5261abcd60205fa160205ff3"
"""Stores 1 + 2, logs it with the topic 0xabcd and returns it."""


def test_run_prints_output_logs_and_gas(library) -> None:
    result = invoke("run", SUM)
    assert result.exit_code == 0
    assert result.stdout == f"0x{3:064x}\n"
    log = f"log 0x{b'receiver'.hex():0>40} [0x{0xABCD:064x}] 0x{3:064x}"
    assert log in result.stderr
    assert "gas used 1036" in result.stderr


def test_run_creations_reverts_and_environment(library, tmp_path: Path) -> None:
    created = invoke("run", "--create", "--code", "0x602a5f5360015ff3")
    assert created.stdout == "0x2a\n"
    assert "created 0x" in created.stderr
    reverted = invoke("run", "--code", "602a5f5360015ffd")
    assert (reverted.exit_code, reverted.stdout) == (1, "0x2a\n")
    assert "error: execution reverted" in reverted.stderr
    short = invoke("run", "--gas", "5", "--code", SUM)
    assert short.exit_code == 1
    assert "error: out of gas" in short.stderr
    code_file = tmp_path / "code"
    code_file.write_text("335f52 34602052\n5f35604052 30606052\n60805ff3\n")
    words = "--input", f"{77:064x}", "--value", "5", "--sender", "0xaa", "--receiver", "0xbb"
    result = invoke("run", "--codefile", code_file, *words)
    fields = [int(result.stdout.strip()[2 + 64 * k : 66 + 64 * k], 16) for k in range(4)]
    assert fields == [0xAA, 5, 77, 0xBB]


def test_run_on_a_genesis_file(library, tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["genesis", "show", "--chain-id", "77"])
    genesis = json.loads(shown.stdout)
    genesis["alloc"]["0x" + "00" * 18 + "0cc0"] = {
        "balance": "0x5",
        "code": "0x5f545f52 46602052 60405ff3".replace(" ", ""),
        "storage": {"0x00": "0x2a"},
    }
    path = tmp_path / "genesis.json"
    path.write_text(json.dumps(genesis))
    result = invoke("run", "--prestate", path, "--receiver", "0x0cc0")
    assert result.stdout == f"0x{42:064x}{77:064x}\n"


def test_forks_change_the_rules(library) -> None:
    assert invoke("run", "--fork", "paris", "5f5ff3").exit_code == 1
    assert invoke("run", "--fork", "Shanghai", "5f5ff3").exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["zz"], "code: no hex"),
        (["00", "--code", "00"], "code was given more than once"),
        (["00", "--fork", "Moon"], "--fork: Moon is none of Frontier"),
        (["00", "--value", "x"], "--value: 'x' is no number"),
        (["00", "--value", hex(1 << 256)], "does not fit into 256 bits"),
        (["00", "--sender", "00" * 21], "--sender: 21 bytes"),
        (["--codefile", "/nowhere"], "/nowhere"),
        (["--prestate", "/nowhere"], "/nowhere"),
    ],
)
def test_bad_arguments(words: list[str], message: str) -> None:
    result = invoke("run", *words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_outcomes_and_gas_against_revm(library) -> None:
    """Random straight-line programs: the same output, and gas up to what a transaction costs on top."""
    pyrevm = pytest.importorskip("pyrevm")
    random_one = random.Random(7)
    for _ in range(40):
        body = b"".join(_random_step(random_one) for _ in range(random_one.randrange(4, 30)))
        code = body + bytes.fromhex("5f5260205ff3")
        evm = pyrevm.EVM(spec_id="PRAGUE")
        receiver = "0x" + b"receiver".rjust(20, b"\0").hex()
        evm.insert_account_info(receiver, pyrevm.AccountInfo(code=code))
        result = invoke("run", "--fork", "Prague", "--gas", "1000000", "--code", code.hex())
        theirs = evm.message_call("0x" + b"sender".rjust(20, b"\0").hex(), receiver, gas=1_000_000 + 21_000)
        assert result.stdout.strip() == "0x" + bytes(theirs).hex()
        used = int(result.stderr.split("gas used ")[1].split(",")[0])
        assert used == evm.result.gas_used + evm.result.gas_refunded - 21_000


def _random_step(random_one: random.Random) -> bytes:
    """Pushes two words and applies an operation that leaves one."""
    a, b = (random_one.randbytes(random_one.randrange(1, 33)) for _ in range(2))
    pushes = b"".join(bytes([0x5F + len(word)]) + word for word in (a, b))
    return pushes + bytes([random_one.choice([0x01, 0x02, 0x03, 0x04, 0x06, 0x10, 0x16, 0x18, 0x1B])])


#: Memory, storage with a refund, keccak, a log, a call of the identity contract and of itself with little gas.
BUSY = (
    "60016002015f52 5f545060015f555f5f55 60205f20 5f5260ff60405360205fa0"
    "5f5f60205f6004612710fa50 5f5f5f5f5f306103e8f150 60405160805ff3"
)


def test_traces_against_revm(library, capfd: pytest.CaptureFixture[str]) -> None:
    """Every instruction: position, gas, price, depth, stack, memory size."""
    pyrevm = pytest.importorskip("pyrevm")
    code = BUSY.replace(" ", "")
    ours = [
        json.loads(line) for line in invoke("run", "--json", "--fork", "Prague", code).stdout.splitlines()
    ]
    assert ours[-1].keys() == {"output", "gasUsed"}
    evm = pyrevm.EVM(spec_id="PRAGUE", tracing=True)
    receiver = "0x" + b"receiver".rjust(20, b"\0").hex()
    evm.insert_account_info(receiver, pyrevm.AccountInfo(code=bytes.fromhex(code)))
    output = evm.message_call("0x" + b"sender".rjust(20, b"\0").hex(), receiver, gas=10**10 + 21_000)
    theirs = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    steps = [line for line in theirs if "pc" in line]
    assert ours[-1]["output"] == bytes(output).hex()
    assert len(steps) == len(ours) - 1 > 50
    for our, their in zip(ours, steps, strict=False):
        for name in ("pc", "op", "gas", "depth", "stack"):
            assert our[name] == their[name], (name, our, their)
        assert our["memSize"] == int(their["memSize"])
        # revm prices a call without the gas that it hands on.
        if our["op"] not in (0xF1, 0xFA):
            assert our["gasCost"] == their["gasCost"], (our, their)
