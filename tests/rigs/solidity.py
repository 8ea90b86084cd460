"""Solidity through solc-js standard JSON, with an on-disk cache keyed by the whole input and the compiler."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rigs.node_scripts import run_node
from rigs.paths import CONTRACTS, NODE_MODULES, MissingToolError, cache_dir

EVM_VERSION = "cancun"
OPTIMIZER_RUNS = 200
BUILD = CONTRACTS / "build"


class CompileError(Exception):
    """What the compiler complained about."""


@dataclass(frozen=True)
class Artifact:
    """One compiled contract. `bytecode` (creation) and `runtime` are 0x-prefixed hex."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: str
    runtime: str
    solc: str

    def to_json(self) -> str:
        """The form in which artefacts are committed: stable, a line per field."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def compile_sources(paths: Iterable[Path]) -> dict[str, Artifact]:
    """Compiles the files as one unit, named by where they lie below their common folder, so that they may import
    each other; contract name → artefact, without abstract ones.

    Without metadata in the bytecode, so that the bytes depend on the code alone. Raises CompileError.
    """
    sources = sorted(paths)
    folder = Path(os.path.commonpath([path.parent for path in sources]))
    standard = {
        "language": "Solidity",
        "sources": {path.relative_to(folder).as_posix(): {"content": path.read_text()} for path in sources},
        "settings": {
            "evmVersion": EVM_VERSION,
            "optimizer": {"enabled": True, "runs": OPTIMIZER_RUNS},
            "metadata": {"bytecodeHash": "none", "appendCBOR": False},
            "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}},
        },
    }
    output = _standard_json(standard)
    problems = [e["formattedMessage"] for e in output.get("errors", []) if e["severity"] == "error"]
    if problems:
        raise CompileError("\n".join(problems))
    artifacts: dict[str, Artifact] = {}
    for contracts in output["contracts"].values():
        for name, contract in contracts.items():
            code = contract["evm"]["bytecode"]["object"]
            runtime = contract["evm"]["deployedBytecode"]["object"]
            if code:
                artifacts[name] = Artifact(name, contract["abi"], "0x" + code, "0x" + runtime, solc_version())
    return artifacts


def load(name: str) -> Artifact:
    """A committed artefact of tests/contracts; needs no compiler."""
    return Artifact(**json.loads((BUILD / f"{name}.json").read_text()))


@cache
def solc_version() -> str:
    """The version of the installed compiler package, such as 0.8.37."""
    manifest = NODE_MODULES / "solc" / "package.json"
    if not manifest.is_file():
        raise MissingToolError("solc is not installed: run `npm ci --ignore-scripts` in tests/clients")
    return str(json.loads(manifest.read_text())["version"])


def _standard_json(standard: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps([solc_version(), standard], sort_keys=True)
    kept = cache_dir("jovay-solc") / (hashlib.sha256(text.encode()).hexdigest() + ".json")
    if kept.is_file():
        output: dict[str, Any] = json.loads(kept.read_text())
        return output
    output = run_node("solc.mjs", standard)
    part = kept.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(output))
    part.replace(kept)
    return output
