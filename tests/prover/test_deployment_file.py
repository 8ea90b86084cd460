"""The file of a deployment's settings, with the genuine form of everything, and what is refused of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jovay.bridge.errors import DeploymentError
from jovay.bridge.genesis import Oracle, Roles, settled_config
from jovay.bridge.l1.deployment import Attestation, Clocks, Messages, Settings
from jovay.kernel.protocol.forks import OSAKA, PRAGUE
from jovay.prover.deployment_file import read
from jovay.prover.development import simulated_documents
from rigs.paths import ROOT

DOCUMENTS = simulated_documents(1_800_000_000)
PAGE = (ROOT / "docs" / "deployment.md").read_text()
EXAMPLE, ZK = PAGE.split("```toml\n")[1].split("```")[0].split("[zk]")
SMALL = ROOT / "tests" / "prover" / "zk" / "vectors" / "snarkjs_4.ptau"
ROLE = [bytes.fromhex(f"c0{n:038x}") for n in range(5)]


def written(folder: Path, text: str) -> Path:
    (folder / "collateral.json").write_text(DOCUMENTS.found.to_json())
    path = folder / "deployment.toml"
    path.write_text(text)
    return path


def test_the_example_of_the_page_is_read(tmp_path: Path) -> None:
    settings = read(written(tmp_path, EXAMPLE)).settings(11_155_111)
    assert settings == Settings(
        config=settled_config(20258, 100_000_000, 10_000_000),
        council=ROLE[1],
        relayers=(ROLE[2],),
        proposers=(ROLE[4],),
        attestation=Attestation(DOCUMENTS.root_key, (b"\x3e" * 32,)),
        roles=Roles(feeders=(ROLE[3],)),
    )


def test_a_set_up_that_will_not_do_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, f"{EXAMPLE}[zk]{ZK}")
    with pytest.raises(DeploymentError, match=r"zk\.setup: .*No such file"):
        read(path).settings(11_155_111)
    (tmp_path / "powers.ptau").write_bytes(SMALL.read_bytes())
    with pytest.raises(DeploymentError, match=r"zk\.setup: .*31 powers of τ, and 131072 are needed"):
        read(path).settings(11_155_111)


def test_everything_can_be_chosen(tmp_path: Path) -> None:
    text = EXAMPLE.replace("[timelock]", "[l2.forks]\nPrague = 0\nOsaka = 9\n[timelock]\ndelay = 5")
    text += 'worst_status = "OutOfDate"\n[clocks]\npause = 3\n[messages]\nforced = 2\n[oracle]\nprofit = 1\n'
    settings = read(written(tmp_path, text)).settings(11_155_111)
    assert settings.config.forks == ((0, PRAGUE), (9, OSAKA))
    assert (settings.timelock_delay, settings.attestation.worst_status) == (5, 4)
    assert (settings.clocks, settings.messages) == (replace(Clocks(), pause=3), replace(Messages(), forced=2))
    assert settings.oracle == replace(Oracle(), profit=1)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("chain_id = 20258", "", "chain_id"),
        ("chain_id = 20258", 'chain_id = "x"', "int"),
        ("[timelock]", "[timelock]\nsurprise = 1", "surprise"),
        ("[tee]", "[clocks]\nnoon = 1\n[tee]", "clocks: 'noon' is none of"),
        ("[tee]", "[clocks]\npause = -1\n[tee]", "clocks.pause: -1 must not be negative"),
        ("[tee]", '[tee]\nworst_status = "Fine"', "worst_status: 'Fine' is none of"),
        ("[timelock]", "[l2.forks]\nNewest = 1\n[timelock]", "l2.forks: 'Newest' is no fork"),
        ("0xc000000000000000000000000000000000000001", "0xc0", "l1.council: '0xc0' must be 20 bytes"),
        ("0xc000000000000000000000000000000000000002", "me", "l1.relayers: 'me' must be 20 bytes"),
        ("c000000000000000000000000000000000000004", "0" * 40, "timelock.proposers: .* not all 0"),
        ("0x3e3e", "0x3e", "tee.measurements: .* must be 32 bytes"),
        ("11155111", "1", "is for L1 1, and the server serves 11155111"),
        ("collateral.json", "no.json", "tee.collateral: .*No such file"),
        ("collateral.json", "deployment.toml", "tee.collateral: no collateral in dcap-qvl's form"),
        ("[l1]", "[l1", "deployment.toml: "),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in EXAMPLE
    with pytest.raises(DeploymentError, match=words):
        read(written(tmp_path, EXAMPLE.replace(old, new))).settings(11_155_111)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"nothing\.toml"):
        read(tmp_path / "nothing.toml")
