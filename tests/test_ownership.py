"""Nobody sets another object's fields: what happens to an object has a name, and is a method of it.

Records of plain data (dataclasses, structs, the kernel's records) are for whoever holds them, and an object that a
function has just made is still its own. All else is looked at by name: an attribute that some class sets on itself is
set by nobody else.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from rigs.paths import ROOT

SOURCE = ROOT / "src" / "jovay"
#: The kernel's records are memory; the compiler works on the objects of ast, numba and llvmlite.
OTHERS = ("kernel", "compiler")
#: What makes a class a record of plain data.
DATA_BASES = {"Struct", "Record", "NamedTuple", "TypedDict"}
#: Names of what is no object of ours: kernel records in place, and what threading and RocksDB give.
FOREIGN = {"view", "_view", "record", "_record", "_mine", "_synced"}


@cache
def trees() -> dict[Path, ast.Module]:
    """Every file of the package."""
    return {path: ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}


def is_data(node: ast.ClassDef) -> bool:
    """Whether a class is a record of plain data."""
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    decorated = any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)
    return decorated or not bases.isdisjoint(DATA_BASES)


def is_own(node: ast.AST) -> bool:
    """Whether an expression is the object whose method this is."""
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def stores(tree: ast.AST) -> Iterator[ast.Attribute]:
    """Attributes that are set."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node


@cache
def names() -> tuple[frozenset[str], frozenset[str]]:
    """Attributes that objects with behaviour set on themselves, and fields of plain data."""
    owned, fields = set(), set()
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and is_data(node):
                annotated = (line for line in node.body if isinstance(line, ast.AnnAssign))
                fields |= {line.target.id for line in annotated if isinstance(line.target, ast.Name)}
            elif isinstance(node, ast.ClassDef):
                owned |= {store.attr for store in stores(node) if is_own(store.value)}
    return frozenset(owned), frozenset(fields)


def made_here(function: ast.AST) -> set[str]:
    """Names that a function gives to what it makes."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = ast.unparse(node.value.func).rpartition(".")[2]
            if called == "cls" or called.lstrip("_")[:1].isupper():
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def stores_in_own(function: ast.AST) -> Iterator[ast.Attribute]:
    """Fields of what a function has made itself."""
    made = made_here(function)
    for store in stores(function):
        if isinstance(store.value, ast.Name) and store.value.id in made:
            yield store


def reaches_through(node: ast.expr) -> bool:
    """Whether an expression is a part of another object that is ours; parts of what is foreign are not."""
    return isinstance(node, ast.Attribute) and FOREIGN.isdisjoint(ast.unparse(node).split("."))


def set_from_outside(tree: ast.AST) -> Iterator[ast.Attribute]:
    """Fields of others that a file sets. Where a name is also one of plain data, only ``a.b.name`` is told."""
    owned, fields = names()
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    own = {id(store) for function in functions for store in stores_in_own(function)}
    for store in stores(tree):
        if is_own(store.value) or id(store) in own or store.attr not in owned:
            continue
        if store.attr not in fields or reaches_through(store.value):
            yield store


def test_nobody_sets_anothers_fields() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{store.lineno}: {ast.unparse(store)}"
        for path, tree in trees().items()
        if path.relative_to(SOURCE).parts[0] not in OTHERS
        for store in set_from_outside(tree)
    ]
    assert not found, "\n".join(found)


def test_such_an_assignment_is_seen() -> None:
    wrong = "def f(sequencer):\n    sequencer.visible = 1\n    sequencer.clock.offset = 2\n    tx.nonce = 3\n"
    assert [store.attr for store in set_from_outside(ast.parse(wrong))] == ["visible", "offset"]
    right = "def f(self):\n    made = B()\n    made.visible = self.visible = self.view.a.height = 1\n"
    assert not list(set_from_outside(ast.parse(right)))
