"""Amounts and addresses as people write them, what is said of finality, and walks that do not reach their end."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from jovay.cli import bridging, demo
from jovay.cli.app import app


@pytest.mark.parametrize(
    ("text", "decimals", "value"),
    [("1", 18, 10**18), ("0.1", 18, 10**17), ("1e-18", 18, 1), ("12.5", 6, 12_500_000), ("7", 0, 7)],
)
def test_amounts_are_exact(text: str, decimals: int, value: int) -> None:
    assert bridging.units(text, decimals) == value


@pytest.mark.parametrize(
    ("text", "decimals"), [("0.0000001", 6), ("-1", 18), ("NaN", 18), ("1e999", 18), ("one", 18)]
)
def test_what_is_no_amount_is_refused(text: str, decimals: int) -> None:
    with pytest.raises(ValueError, match="no amount"):
        bridging.units(text, decimals)


def test_addresses_have_twenty_bytes() -> None:
    assert bridging.address("0x" + "0a" * 20) == b"\x0a" * 20
    for text in ("0x0a", "0a" * 21, "nobody"):
        with pytest.raises(ValueError, match=text):
            bridging.address(text)


def test_finality_says_what_has_not_come() -> None:
    step = {"transactionHash": "0x" + "01" * 32, "timestamp": hex(1_700_000_000)}
    lines = bridging.finality_lines(
        {
            "stage": 2,
            "status": "attested",
            "blockNumber": "0x9",
            "batchIndex": "0x2",
            "commit": step,
            "tee": step,
            "zk": None,
        }
    )
    assert lines[0] == "stage     2 attested"
    assert lines[2] == "batch     2"
    assert lines[4] == f"attested  2023-11-14 22:13:20 UTC  L1 transaction 0x{'01' * 32}"
    assert lines[5] == "proven    not yet"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["withdraw"], "give an AMOUNT, or --claim"),
        (["deposit", "1", "--node", "http://127.0.0.1:1"], "http://127.0.0.1:1 gives no answer"),
        (["deposit", "1", "--node", "nowhere"], "is no http or https URL"),
    ],
)
def test_what_a_person_can_act_on_is_one_line(words: list[str], message: str) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_a_walk_has_ended_well_only_if_no_step_failed() -> None:
    said: list[str] = []
    walk = demo.Walk(said.append)
    assert not walk.succeeded
    with walk.step("one") as step:
        step.facts["transaction"] = "0x01"
    with walk.step("two") as step:
        step.status = "waits"
    assert walk.succeeded
    with pytest.raises(RuntimeError, match="no"), walk.step("three"):
        raise RuntimeError("no")
    assert not walk.succeeded
    assert [step["status"] for step in walk.to_json()["steps"]] == ["done", "waits", "failed"]
    assert said[1] == "    transaction: 0x01"
    assert said[2].startswith("… two")
