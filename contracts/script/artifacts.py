"""Compiles the contracts into the package: `python contracts/script/artifacts.py`, by the settings of foundry.toml.

One file for each contract in `src/l1` and `src/l2`, for OpenZeppelin's timelock, and for each contract of the ZK
chips' formulas, whose sources are printed (`python contracts/script/artifacts.py FOLDER` leaves these there).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from jovay.prover.zk.machine.accelerators import ACCELERATORS
from jovay.prover.zk.machine.program import chips_with
from jovay.prover.zk.solidity.evaluators import Arguments, evaluators
from jovay.prover.zk.solidity.key import EVALUATORS

CONTRACTS = Path(__file__).resolve().parents[1]
PACKAGED = CONTRACTS.parent / "src" / "jovay" / "bridge" / "artifacts"
FOREIGN = ("@openzeppelin/contracts/governance/TimelockController.sol",)
_IMPORT = re.compile(r'^\s*import\s[^;]*?"([^"]+)"\s*;', re.MULTILINE)
_OUTPUT = ("abi", "metadata", "storageLayout", "evm.bytecode.object", "evm.deployedBytecode.object")


class CompileError(Exception):
    """What the compiler complained about."""


def artifacts() -> dict[str, str]:
    """File name → contents, for every contract that ships. Raises CompileError."""
    roots = [*_own("l1"), *_own("l2"), *FOREIGN]
    output = _compile(_sources(roots))
    found = {}
    for source in roots:
        name = Path(source).stem
        contract = output["contracts"][source].get(name)
        if contract and contract["evm"]["bytecode"]["object"]:
            found[f"{name}.json"] = _artifact(name, source, contract)
    return found | _evaluators()


def formulas() -> dict[str, str]:
    """Source name → text of the contracts for the chips of batches' proofs."""
    chips = chips_with(tuple(ACCELERATORS.values()))
    width = max(chip.shape.width for chip in chips)
    return {f"{name}.sol": text for name, text in evaluators(Arguments(chips, width), EVALUATORS).items()}


def _evaluators() -> dict[str, str]:
    sources = formulas()
    compiled = _compile({source: {"content": text} for source, text in sources.items()}, yul=False)
    names = [(Path(source).stem, source) for source in sources]
    return {
        f"{name}.json": _artifact(name, source, compiled["contracts"][source][name]) for name, source in names
    }


def _own(folder: str) -> list[str]:
    return sorted(
        path.relative_to(CONTRACTS).as_posix() for path in (CONTRACTS / "src" / folder).glob("*.sol")
    )


def _sources(roots: Iterable[str]) -> dict[str, dict[str, str]]:
    """The files and all that they import, by the names under which the compiler knows them."""
    found: dict[str, dict[str, str]] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        base = CONTRACTS / "node_modules" if name.startswith("@") else CONTRACTS
        found[name] = {"content": (base / name).read_text()}
        for imported in _IMPORT.findall(found[name]["content"]):
            relative = imported.startswith(".")
            waiting.append(_resolved(Path(name).parent / imported) if relative else imported)
    return dict(sorted(found.items()))


def _resolved(path: Path) -> str:
    return (CONTRACTS / path).resolve().relative_to(CONTRACTS).as_posix()


def _compile(sources: dict[str, dict[str, str]], yul: bool = True) -> dict[str, Any]:
    """``yul``: by the optimiser of Yul too, which makes the chips' formulas longer."""
    profile = tomllib.loads((CONTRACTS / "foundry.toml").read_text())["profile"]["default"]
    standard = {
        "language": "Solidity",
        "sources": sources,
        "settings": {
            "evmVersion": profile["evm_version"],
            "optimizer": {
                "enabled": profile["optimizer"],
                "runs": profile["optimizer_runs"],
                "details": {"yul": yul},
            },
            "metadata": {"bytecodeHash": profile["bytecode_hash"], "appendCBOR": profile["cbor_metadata"]},
            "outputSelection": {"*": {"*": list(_OUTPUT)}},
        },
    }
    node = shutil.which("node") or shutil.which("node", path=str(CONTRACTS.parent / ".venv" / "bin"))
    if node is None:
        raise FileNotFoundError("node is not installed: run `make setup-dev`")
    command = [node, CONTRACTS / "solc", "--standard-json"]
    done = subprocess.run(command, input=json.dumps(standard).encode(), capture_output=True, check=True)
    output: dict[str, Any] = json.loads(done.stdout.decode().strip().splitlines()[-1])
    problems = [
        error["formattedMessage"] for error in output.get("errors", []) if error["severity"] == "error"
    ]
    if problems:
        raise CompileError("\n".join(problems))
    return output


def _artifact(name: str, source: str, contract: dict[str, Any]) -> str:
    layout = contract["storageLayout"]
    types = layout["types"] or {}
    artifact = {
        "name": name,
        "source": source,
        "solc": json.loads(contract["metadata"])["compiler"]["version"],
        "metadata_hash": "0x" + keccak(contract["metadata"].encode()).hex(),
        "abi": contract["abi"],
        "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
        "runtime": "0x" + contract["evm"]["deployedBytecode"]["object"],
        "storage": [
            {
                "name": item["label"],
                "slot": int(item["slot"]),
                "offset": item["offset"],
                "type": types[item["type"]]["label"],
            }
            for item in layout["storage"]
        ],
    }
    lines = [f" {json.dumps(key)}: {_value(value)}" for key, value in artifact.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _value(value: object) -> str:
    """Lists have a line for each member."""
    if not isinstance(value, list):
        return json.dumps(value)
    return "[" + ",".join("\n  " + json.dumps(member, sort_keys=True) for member in value) + "]"


def main() -> None:
    """Writes all artefacts, and removes those of contracts that are gone."""
    for folder in sys.argv[1:]:
        for name, text in formulas().items():
            (Path(folder) / name).write_text(text)
    found = artifacts()
    for path in PACKAGED.glob("*.json"):
        if path.name not in found:
            path.unlink()
    for name, text in found.items():
        (PACKAGED / name).write_text(text)
        print(f"{name}: {len(json.loads(text)['runtime']) // 2 - 1} bytes")


if __name__ == "__main__":
    main()
