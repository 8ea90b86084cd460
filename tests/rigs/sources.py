"""The modules of the package as syntax trees, and what their names stand for."""

from __future__ import annotations

import ast
import importlib.util
from collections import defaultdict
from pathlib import Path

from rigs.paths import ROOT

SOURCE = ROOT / "src"


def modules(under: Path = SOURCE) -> dict[str, Path]:
    """Every module below a folder by its name."""
    found = {}
    for path in sorted(under.rglob("*.py")):
        parts = path.relative_to(under if under == SOURCE else under.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported_names(module: str, path: Path, tree: ast.AST) -> dict[str, set[str]]:
    """Names that a module imports, wherever in its text, and the full names that they stand for here or there."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: dict[str, set[str]] = defaultdict(set)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                found[alias.asname or first].add(alias.name if alias.asname else first)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                found[alias.asname or alias.name].add(f"{base}.{alias.name}")
    return dict(found)
