"""The syntax of the kernel language: what Python Numba would accept beyond it is refused here, with file and line.

Numba compiles more than kernel code may hold: exceptions would be lost on the way (there is nobody to raise them
to), strings, lists and inner functions need a runtime, and divisions of plain, signed integers hide a test for zero.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Iterator

from jovay.kernel.lang import KernelFunction, layout

_ALLOWED = (
    ast.arg,
    ast.arguments,
    ast.boolop,
    ast.cmpop,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
    ast.Assign,
    ast.Attribute,
    ast.AugAssign,
    ast.BinOp,
    ast.BoolOp,
    ast.Break,
    ast.Call,
    ast.Compare,
    ast.Continue,
    ast.Constant,
    ast.Expr,
    ast.For,
    ast.FunctionDef,
    ast.If,
    ast.IfExp,
    ast.Name,
    ast.Pass,
    ast.Return,
    ast.Subscript,
    ast.Tuple,
    ast.UnaryOp,
    ast.While,
)
_BUILTINS = ("bool", "int", "range")
#: Operators without a meaning for words.
_FORBIDDEN_OPERATORS = (ast.Div, ast.Pow, ast.MatMult, ast.In, ast.NotIn, ast.Is, ast.IsNot, ast.UAdd)


def _problems(function: ast.FunctionDef, builtin: set[str]) -> Iterator[tuple[int, str]]:
    """Lines and what is wrong there. ``builtin``: names that mean Python's own functions in ``function``."""
    arguments = function.args
    if arguments.defaults or arguments.kwonlyargs or arguments.vararg or arguments.kwarg:
        yield function.lineno, "arguments are positional and have no defaults"
    if ast.get_docstring(function, clean=False) is not None:
        function.body = function.body[1:]
    named = {id(argument) for call in _naming_calls(function) for argument in call.args}
    for statement in function.body:
        for node in ast.walk(statement):
            why = "" if id(node) in named else _problem(node)
            if isinstance(node, ast.Name) and node.id in builtin:
                why = f"{node.id} is outside the language"
            if why:
                yield getattr(node, "lineno", statement.lineno), why  # operators have no place of their own


def _naming_calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    """Calls of layout operations, which name parts of arenas by a string."""
    names = (layout.part.__name__, layout.reserve.__name__)
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def _problem(node: ast.AST) -> str:
    """Why ``node`` is outside the language; empty if it is inside."""
    if isinstance(node, ast.FunctionDef) or not isinstance(node, _ALLOWED):
        return f"{type(node).__name__} is outside the language"
    if isinstance(node, _FORBIDDEN_OPERATORS):
        return f"operator {type(node).__name__} is outside the language"
    if isinstance(node, ast.Constant) and not (node.value is None or isinstance(node.value, int)):
        return f"a constant of type {type(node.value).__name__} is outside the language"
    if isinstance(node, ast.Call) and (node.keywords or any(isinstance(a, ast.Starred) for a in node.args)):
        return "calls are positional"
    if isinstance(node, (ast.For, ast.While)) and node.orelse:
        return "loops have no else"
    return ""


def check_syntax(function: KernelFunction) -> str:
    """What in the source of ``function`` is outside the language, a line each; empty if nothing is."""
    lines, first = inspect.getsourcelines(function)
    definition = ast.parse(textwrap.dedent("".join(lines))).body[0]
    assert isinstance(definition, ast.FunctionDef)
    file = inspect.getsourcefile(function)
    builtin = {name for name in function.__code__.co_names if hasattr(builtins, name)}
    builtin -= {*function.__globals__, *function.__code__.co_varnames, *_BUILTINS}
    return "\n".join(f"{file}:{first + line - 1}: {why}" for line, why in _problems(definition, builtin))
