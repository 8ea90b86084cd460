"""The two variants of a kernel function's source: with what it says of its arenas' layout, and without.

Where ``lang.layout`` occurs, the function is compiled anew from its source: the plain variant has none of its
statements, so that its code is the same as if they had never been written; the checked one has them all.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from typing import Any

from jovay.kernel.lang import KernelFunction, layout

from .errors import KernelCompileError

_OPERATIONS = {id(operation) for operation in layout.LAYOUT}


def definition_of(function: KernelFunction, source: str | None = None) -> ast.FunctionDef:
    """Syntax tree of a function, with the lines of its file; from another ``source`` if one is given."""
    lines, first = inspect.getsourcelines(function)
    tree = ast.parse(textwrap.dedent(source or "".join(lines)))
    ast.increment_lineno(tree, first - 1)
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    return definition


def variant(function: KernelFunction, checked: bool, source: str | None = None) -> Any:
    """The function as it is to be compiled, which need not be a kernel function itself.

    ``source`` takes the place of its own: a fault to be found. Raises ``KernelCompileError`` where a layout statement
    is part of something else.
    """
    names = _Names(function)
    if source is None and not names:
        return function
    definition = definition_of(function, source)
    definition.decorator_list = []
    if source is None and _compiled(definition, function).co_code != function.__code__.co_code:
        raise KernelCompileError(f"{function.symbol}: its source has changed since it was loaded")
    definition = _Layout(names, checked).visit(definition)
    definition.body = definition.body or [ast.Pass()]
    code = _compiled(definition, function)
    meant = names.switches if checked else names.switches | names.operations
    if left := meant & {*code.co_names}:
        raise KernelCompileError(f"{function.symbol}: {', '.join(sorted(left))} is not a statement by itself")
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    made = types.FunctionType(
        code, function.__globals__, function.__name__, None, tuple(cells[name] for name in code.co_freevars)
    )
    made.__qualname__, made.__module__ = function.__qualname__, function.__module__  # type: ignore[attr-defined]
    made.__annotations__ = function.__annotations__
    return made


class _Names:
    """What a function calls the operations of ``lang.layout``."""

    def __init__(self, function: KernelFunction) -> None:
        mentioned = function.__code__.co_names
        known = {name: function.__globals__.get(name) for name in mentioned}
        self.operations = {name for name, value in known.items() if id(value) in _OPERATIONS}
        self.switches = {name for name in mentioned if name == "CHECKED" and name in function.__globals__}

    def __bool__(self) -> bool:
        return bool(self.operations or self.switches)


class _Layout(ast.NodeTransformer):
    def __init__(self, names: _Names, checked: bool) -> None:
        self.names, self.checked = names, checked

    def visit_Expr(self, node: ast.Expr) -> Any:
        call = node.value
        known = isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        if known and call.func.id in self.names.operations and not self.checked:  # type: ignore[attr-defined]
            return None
        return node

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        if isinstance(node.test, ast.Name) and node.test.id in self.names.switches:
            return node.body if self.checked else node.orelse
        return node


def _compiled(definition: ast.FunctionDef, function: KernelFunction) -> types.CodeType:
    """Code of a definition that sees the same free variables as ``function``."""
    free = function.__code__.co_freevars
    file = function.__code__.co_filename
    place = {
        "lineno": definition.lineno,
        "col_offset": 0,
        "end_lineno": definition.lineno,
        "end_col_offset": 0,
    }
    body: list[ast.stmt] = [definition]
    if free:
        bound = [ast.Name(name, ast.Store()) for name in free]
        outer = ast.parse("def __outer(): pass").body[0]
        assert isinstance(outer, ast.FunctionDef)
        outer.body = [ast.Assign([name], ast.Constant(None)) for name in bound] + [definition]
        body = [outer]
    module = ast.Module(body, [])
    for node in ast.walk(module):
        if "lineno" in node._attributes and not hasattr(node, "lineno"):
            for name, value in place.items():
                setattr(node, name, value)
    code = compile(module, file, "exec", dont_inherit=True)
    while code.co_name != definition.name:
        code = next(c for c in code.co_consts if isinstance(c, types.CodeType))
    return code
