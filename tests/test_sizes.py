"""The sizes of the guide (CONTRIBUTING.md): a file can be read, a function seen at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from rigs.paths import ROOT

MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION = 500, 60
#: Functions that are longer, and why.
LONGER = {
    "src/jovay/kernel/curves/dodecic.py: _cyclotomic": "a class of formulas that close over one field",
    "src/jovay/kernel/evm/instructions/system.py: call": "the frame of a call is made in one sequence of checks, in the"
    " order that gas prescribes",
    "src/jovay/kernel/hashes/keccak.py: keccak_round": "twenty-five lanes, written out",
}


def sources() -> Iterator[Path]:
    for folder in ("src", "bench", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            if "node_modules" not in path.parts:
                yield path


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Names of functions and how many lines each takes."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


def test_files_can_be_read() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}
    assert {path: count for path, count in lines.items() if count > MOST_LINES_OF_A_FILE} == {}


def test_functions_are_seen_at_once() -> None:
    longer = {
        f"{path.relative_to(ROOT)}: {name}": lines
        for path in sources()
        for name, lines in functions(path)
        if lines > MOST_LINES_OF_A_FUNCTION
    }
    assert longer.keys() == LONGER.keys()


def test_a_long_function_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("def long():\n" + "    pass\n" * MOST_LINES_OF_A_FUNCTION)
    assert list(functions(path)) == [("long", MOST_LINES_OF_A_FUNCTION + 1)]
