"""What must stay true of the repository itself."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

import jovay
from rigs.paths import CLIENTS, ROOT, SOLIDITY

ANVIL = ROOT / "requirements" / "anvil"

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_python_locks_hold_names_versions_and_hashes_only(lock: Path) -> None:
    text = lock.read_text()
    body = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    requirement = re.compile(r"[a-z0-9.-]+==[^ ]+( ; [a-z_]+ [<>=]+ \"[0-9.]+\")? \\")
    for line in body:
        assert requirement.fullmatch(line) or re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), (
            line
        )
    assert "--hash" in text


@pytest.mark.parametrize("folder", [ANVIL, CLIENTS, SOLIDITY], ids=lambda folder: folder.name)
def test_node_locks_hold_hashes_and_no_addresses(folder: Path) -> None:
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    del packages[""]
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for lock, wanted in (
        ("run", project["dependencies"]),
        ("dev", project["dependencies"] + project["optional-dependencies"]["dev"]),
    ):
        text = (ROOT / "requirements" / f"{lock}.txt").read_text()
        locked = set(re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE))
        assert {re.split(r"[<>=;\[ ]", one)[0] for one in wanted} <= locked


def test_the_node_imports_only_what_its_own_lock_installs() -> None:
    distributions = packages_distributions()
    locked = set(
        re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements" / "run.txt").read_text(), re.MULTILINE)
    )
    source = ROOT / "src" / "jovay"
    for path in source.rglob("*.py"):
        # The judges that conformance compares with are there for developers only; it says so where one is missing.
        if (source / "conformance") in path.parents:
            continue
        for package in _imported(path) - sys.stdlib_module_names - {"jovay"}:
            names = {re.sub(r"[-_.]+", "-", name).lower() for name in distributions.get(package, [package])}
            assert names & locked, (
                f"{path.relative_to(ROOT)} imports {package}, which `make up` does not install"
            )


def _imported(path: Path) -> set[str]:
    """Top-level names of the packages that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def test_one_version() -> None:
    assert version("jovay") == jovay.__version__
