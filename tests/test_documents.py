"""Documents say what is: paths that exist, every command, every setting, every metric."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import typer

from jovay.cli.app import app
from jovay.config import HELP, NodeConfig, flag_of
from jovay.monitoring.metrics import Metrics
from rigs.paths import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Where a path in a document may begin, beside the document's own folder.
ROOTS = (ROOT, ROOT / "src", ROOT / "src" / "jovay")
FOLDERS = {path.name for root in ROOTS for path in root.iterdir() if path.is_dir()}


def expanded(path: str) -> Iterator[str]:
    """The paths that one with {braces} stands for."""
    parts = re.split(r"\{([^}]*)\}", path)
    choices = [part.split(",") if index % 2 else [part] for index, part in enumerate(parts)]
    yield from ("".join(chosen) for chosen in product(*choices))


def paths(text: str) -> Iterator[str]:
    """Paths of this repository that a page names: targets of links, and what looks like a path in code."""
    yield from re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text)
    for code in re.findall(r"(?<!`)`([^`\s]+)`(?!`)", text):
        first, slash, _ = code.partition("/")
        if re.fullmatch(r"[\w.{},/-]+", code) and ((slash and first in FOLDERS) or code.endswith(".py")):
            yield from expanded(code)


def missing(page: Path, text: str) -> list[str]:
    return [path for path in paths(text) if not any((base / path).exists() for base in (*ROOTS, page.parent))]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_paths_exist(page: Path) -> None:
    assert missing(page, page.read_text()) == []


def test_a_path_that_is_not_there_is_seen() -> None:
    text = "[a](no.md), `kernel/no.py`, `src/jovay/{node,no}.py`, `docs/cli.md`, `--rpc body=1/2`, `and/or`"
    assert missing(ROOT / "README.md", text) == ["no.md", "kernel/no.py", "src/jovay/no.py"]


def commands(command: Any, name: str) -> Iterator[str]:
    """Names of a command, or of those below it."""
    if not hasattr(command, "commands"):
        yield name
        return
    for part, below in command.commands.items():
        yield from commands(below, f"{name} {part}")


def test_every_command_is_in_its_page() -> None:
    text = (ROOT / "docs" / "cli.md").read_text()
    found = list(commands(typer.main.get_command(app), "jovay"))
    assert len(found) > 10
    assert [name for name in found if f"| `{name}`" not in text] == []


def test_every_setting_is_in_its_page() -> None:
    text = (ROOT / "docs" / "cli.md").read_text()
    assert [row for row in map(setting_row, HELP) if row not in text] == []


def setting_row(name: str) -> str:
    """The line of the table of settings."""
    value = getattr(NodeConfig(), name)
    default = "" if name in ("datadir", "rpc") or value in (None, ()) else f"{value}"
    return f"| `{flag_of(name)}` | {default} | {HELP[name].replace('*', chr(92) + '*')} |"


def test_every_metric_is_in_its_page() -> None:
    text = (ROOT / "docs" / "cli.md").read_text()
    families = Metrics(process=False).registry.collect()
    names = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    assert len(names) > 10
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_every_room_is_in_readme() -> None:
    text = (ROOT / "README.md").read_text()
    rooms = [path.name for path in (ROOT / "src" / "jovay").iterdir() if (path / "__init__.py").exists()]
    assert [name for name in rooms if f"`src/jovay/{name}`" not in text] == []
