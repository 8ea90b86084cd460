"""The compiled contracts of `contracts/`, as they ship: no compiler is needed to deploy or to call them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable in a contract's storage; ``offset`` in bytes from the low end of the slot."""

    name: str
    slot: int
    offset: int
    type: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """One contract. ``bytecode`` (creation, before constructor arguments) and ``runtime`` (before immutables)."""

    name: str
    source: str
    solc: str
    metadata_hash: bytes
    abi: list[dict[str, Any]]
    bytecode: bytes
    runtime: bytes
    storage: list[Variable]

    def slot(self, name: str) -> int:
        """Slot of the variable ``name``; raises KeyError."""
        for variable in self.storage:
            if variable.name == name:
                return variable.slot
        raise KeyError(f"{self.name} has no variable {name}")


@cache
def load(name: str) -> Artifact:
    """The artefact of the contract ``name``; raises FileNotFoundError."""
    fields = json.loads((resources.files(__name__) / f"{name}.json").read_text())
    for key in ("metadata_hash", "bytecode", "runtime"):
        fields[key] = bytes.fromhex(fields[key][2:])
    fields["storage"] = [Variable(**variable) for variable in fields["storage"]]
    return Artifact(**fields)


def names() -> list[str]:
    """All contracts that ship."""
    found = (path.name for path in resources.files(__name__).iterdir())
    return sorted(name.removesuffix(".json") for name in found if name.endswith(".json"))
