"""Kernel code keeps to the kernel's language (docs/kernel.md): checked on its sources and its signatures."""

import ast
import importlib
import inspect
import pkgutil
import textwrap
from functools import cache
from pathlib import Path

import pytest

import jovay.kernel
from jovay.compiler.errors import KernelCompileError
from jovay.compiler.frontend import references, signature_of
from jovay.kernel.lang import KERNEL_FUNCTIONS, U64, Switch, kernel

ROOT = Path(jovay.kernel.__file__).parent
#: Only for annotations and for the functions that make kernel functions; the language itself stands on more.
STANDARD = {"collections.abc", "typing"}
BELOW_THE_LANGUAGE = STANDARD | {"ctypes", "__future__"}

#: Recursive functions. All go down the binary trie, whose paths have 248 bits.
RECURSIVE = {
    "trie.multiproof._write",
    "trie.multiproof_writer.put_any",
    *(f"trie.zktrie.{name}" for name in ("_build", "_descend", "_diverge", "_merge", "_merge_own")),
}

_STATEMENTS = (
    ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.If, ast.For, ast.While, ast.Break, ast.Continue, ast.Pass,
)  # fmt: skip
_EXPRESSIONS = (
    ast.Name, ast.Constant, ast.Call, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Attribute,
    ast.Subscript, ast.Tuple,
)  # fmt: skip
_FORBIDDEN_OPERATORS = (ast.Div, ast.Pow, ast.MatMult, ast.Is, ast.IsNot, ast.In, ast.NotIn)

for _module in pkgutil.walk_packages(jovay.kernel.__path__, "jovay.kernel."):
    importlib.import_module(_module.name)
#: This project's own: other tests define kernel functions too.
FUNCTIONS = {s: f for s, f in KERNEL_FUNCTIONS.items() if f.__module__.startswith("jovay.kernel.")}


@cache
def _definition(function) -> ast.FunctionDef:
    return ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]


def _body(function) -> list[ast.stmt]:
    """Statements of a function without its docstring."""
    body = _definition(function).body
    first = body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if documented and isinstance(first.value.value, str) else body


def _nodes(function):
    return [node for statement in _body(function) for node in ast.walk(statement)]


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = node.level <= len(path.relative_to(ROOT).parts)
            found.add("jovay.kernel" if node.level and inside else node.module)
    return found


def _strangers(path: Path) -> set[str]:
    allowed = BELOW_THE_LANGUAGE if path.parent == ROOT / "lang" else STANDARD
    return {name for name in _imports(path) if not f"{name}.".startswith("jovay.kernel.")} - allowed


def test_the_kernel_imports_only_itself():
    assert {str(p): _strangers(p) for p in ROOT.rglob("*.py") if _strangers(p)} == {}


def test_every_function_has_a_compiled_signature():
    assert len(FUNCTIONS) > 1000
    for function in FUNCTIONS.values():
        signature_of(function)


def test_no_annotations_as_strings():
    """``from __future__ import annotations`` would turn signatures of closures into unbound names."""
    late = [p for p in ROOT.rglob("*.py") if p.parent != ROOT / "lang" and "__future__" in _imports(p)]
    assert late == []


def _names_a_part(node: ast.AST) -> bool:
    """Whether this is a statement about an arena (``lang.layout``), whose last argument is a name in quotes."""
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("part", "reserve")
    )


def _violations(function) -> list[str]:
    definition, found = _definition(function), []
    arguments = definition.args
    if arguments.defaults or arguments.kwonlyargs or arguments.vararg or arguments.kwarg:
        found.append("arguments must be plain")
    names = {id(call.args[-1]) for call in _nodes(function) if _names_a_part(call)}
    for node in _nodes(function):
        if id(node) in names:
            continue
        name = type(node).__name__
        if isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS):
            found.append(f"statement {name}")
        elif isinstance(node, ast.expr) and not isinstance(node, _EXPRESSIONS):
            found.append(f"expression {name}")
        elif isinstance(node, _FORBIDDEN_OPERATORS) or (isinstance(node, ast.Compare) and len(node.ops) > 1):
            found.append(f"operator {name}")
        elif isinstance(node, ast.Constant) and not isinstance(node.value, int):
            found.append(f"constant {node.value!r}")
        elif isinstance(node, ast.Call) and node.keywords:
            found.append("keyword argument")
    return found


def test_functions_use_only_the_language():
    assert {s: v for s, f in FUNCTIONS.items() if (v := _violations(f))} == {}


def _plain(node: ast.expr, counters: set[str], outside: dict) -> tuple[bool, bool]:
    """(whether an expression is surely a plain int, whether it varies)."""
    if isinstance(node, ast.Constant):
        return type(node.value) is int, False
    if isinstance(node, ast.Name):
        return node.id in counters or type(outside.get(node.id)) is int, node.id in counters
    if isinstance(node, ast.BinOp):
        left, right = _plain(node.left, counters, outside), _plain(node.right, counters, outside)
        return left[0] and right[0], left[1] or right[1]
    return False, False


def _plain_divisions(function) -> list[str]:
    """``//``, ``%`` and ``>>`` between plain ints that vary: signed there, unsigned on words."""
    nodes, outside = _nodes(function), dict(references(function))
    counters = {n.target.id for n in nodes if isinstance(n, ast.For) and isinstance(n.target, ast.Name)}
    operations = [n for n in nodes if isinstance(n, ast.BinOp)]
    suspect = [n for n in operations if isinstance(n.op, ast.FloorDiv | ast.Mod | ast.RShift)]
    return [ast.unparse(n) for n in suspect if _plain(n, counters, outside) == (True, True)]


def test_plain_ints_are_not_divided():
    assert {s: v for s, f in FUNCTIONS.items() if (v := _plain_divisions(f))} == {}


def _callees(function) -> set[str]:
    """Symbols of the kernel functions whose names a function calls, also through switches."""
    outside, found = dict(references(function)), set()
    for node in _nodes(function):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                value = getattr(function.__globals__.get(ast.unparse(node.func.value)), node.func.attr, None)
            else:
                value = outside.get(node.func.id)
            targets = [*value.cases.values(), value.default] if isinstance(value, Switch) else [value]
            found |= {t.symbol for t in targets if getattr(t, "symbol", None) in FUNCTIONS}
    return found


def test_functions_that_recurse_are_known():
    """Recursion needs a bound that its author has thought of; RV64 guests have a stack of fixed size."""
    reach = {symbol: _callees(function) for symbol, function in FUNCTIONS.items()}
    growing = True
    while growing:
        growing = False
        for callees in reach.values():
            more = set().union(*(reach[c] for c in callees)) - callees
            growing = growing or bool(more)
            callees |= more
    assert {symbol for symbol, callees in reach.items() if symbol in callees} == RECURSIVE


# ---- the checks themselves -----------------------------------------------------------------------------


def test_the_checks_find_violations():
    @kernel(name="tests_bad")
    def bad(x: U64, y: U64 = 1) -> U64:
        z = [x, y]
        if x in z:
            raise ValueError
        for i in range(3):
            x += i % 2
        return x / 2.0

    try:
        assert set(_violations(bad)) == {
            "arguments must be plain", "expression List", "operator In", "statement Raise", "operator Div",
            "constant 2.0",
        }  # fmt: skip
        assert _plain_divisions(bad) == ["i % 2"]
    finally:
        del KERNEL_FUNCTIONS[bad.symbol]


def test_a_missing_annotation_is_an_error():
    @kernel(name="tests_unannotated")
    def unannotated(x):
        return x

    try:
        with pytest.raises(KernelCompileError, match="tests_unannotated"):
            signature_of(unannotated)
    finally:
        del KERNEL_FUNCTIONS[unannotated.symbol]
