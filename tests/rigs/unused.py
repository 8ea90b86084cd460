"""What of the source nobody uses: by names, since types are not looked at.

What stands in a module is used where its name is mentioned in the module, or in one that imports it; a method where
any attribute has its name; either where a string is its name. What only unused definitions use is unused too.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from rigs.sources import imported_names

#: Decorators that leave a function to whoever calls it; any other one hands it to somebody.
PLAIN_DECORATORS = set(
    "abstractmethod asynccontextmanager cache cached_property classmethod contextmanager dataclass final kernel"
    " lru_cache overload override property runtime_checkable setter staticmethod".split()
)
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True)
class Definition:
    """A function, a class, a constant, or a method, whose name has its class before it."""

    module: str
    name: str
    decorators: tuple[ast.expr, ...] = ()

    @property
    def full(self) -> str:
        """The name with the module's."""
        return f"{self.module}.{self.name}"


class Sources:
    """Modules as syntax trees. ``planted`` is text that stands at the end of a module behind what it has."""

    def __init__(self, files: Mapping[str, Path], planted: Mapping[str, str] | None = None) -> None:
        texts = {name: path.read_text() + (planted or {}).get(name, "") for name, path in files.items()}
        self.trees = {name: ast.parse(text) for name, text in texts.items()}
        self.names = {name: imported_names(name, files[name], tree) for name, tree in self.trees.items()}

    def definitions(self) -> Iterator[Definition]:
        """Everything that may be unused."""
        for module, tree in self.trees.items():
            for node in tree.body:
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    yield Definition(module, node.name, tuple(node.decorator_list))
                elif isinstance(node, ast.Assign | ast.AnnAssign):
                    yield from (Definition(module, name) for name in _assigned(node))
                if isinstance(node, ast.ClassDef):
                    for part in node.body:
                        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                            yield Definition(module, f"{node.name}.{part.name}", tuple(part.decorator_list))

    @cached_property
    def uses(self) -> Uses:
        """What all modules refer to."""
        return Uses(self)

    def whole(self, name: str) -> str:
        """A full name, with re-exports followed to where it is defined."""
        while True:
            module, _, last = name.rpartition(".")
            leads = self.names.get(module, {}).get(last, {name})
            if name in leads:
                return name
            name = next(iter(leads))


def _assigned(node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        yield from (each.id for each in ast.walk(target) if isinstance(each, ast.Name))


class Uses(ast.NodeVisitor):
    """What modules refer to, each with the definitions (or modules) that do."""

    def __init__(self, sources: Sources) -> None:
        self.functions: dict[str, set[str]] = defaultdict(set)
        self.attributes: dict[str, set[str]] = defaultdict(set)
        self.words: set[str] = set()
        self._sources = sources
        for module, tree in sources.trees.items():
            self._module, self._place = module, module
            self.visit(tree)

    def visit(self, node: ast.AST) -> None:
        """Go into a node, and remember which definition it is in."""
        place = self._place
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._place = f"{place}.{node.name}"
        super().visit(node)
        self._place = place

    def visit_Name(self, node: ast.Name) -> None:
        """A name of the module or one that it imports."""
        if isinstance(node.ctx, ast.Load):
            for name in self._sources.names[self._module].get(node.id, {f"{self._module}.{node.id}"}):
                self.functions[self._sources.whole(name)].add(self._place)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """A method, or what an imported module has."""
        self.attributes[node.attr].add(self._place)
        parts, value = [node.attr], node.value
        while isinstance(value, ast.Attribute):
            parts.append(value.attr)
            value = value.value
        if isinstance(value, ast.Name):
            for first in self._sources.names[self._module].get(value.id, ()):
                self.functions[self._sources.whole(".".join([first, *reversed(parts)]))].add(self._place)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        """A statement, if it is no docstring."""
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """A string may name something."""
        if isinstance(node.value, str) and _DOTTED.fullmatch(node.value):
            self.words.add(node.value.rpartition(".")[2])


def unused(sources: Sources, kept: Iterable[str] = ()) -> list[str]:
    """Full names of definitions that nothing uses, but perhaps others of these. ``kept``: how names begin that count
    as used."""
    uses, dead = sources.uses, set[str]()
    waiting = [each for each in sources.definitions() if not each.full.startswith(tuple(kept))]
    while found := [each for each in waiting if not _is_used(each, uses, dead)]:
        dead |= {each.full for each in found}
        waiting = [each for each in waiting if each.full not in dead]
    return sorted(dead)


def _is_used(definition: Definition, uses: Uses, dead: set[str]) -> bool:
    owner, _, last = definition.name.rpartition(".")
    if last in uses.words or re.fullmatch(r"__\w+__|main", last):
        return True
    if {_spelled(each) for each in definition.decorators} - PLAIN_DECORATORS:
        return True
    # A class's own statements call its methods by their bare names.
    places = uses.functions[f"{definition.module}.{last}"] | (uses.attributes[last] if owner else set())
    if any(definition.full not in _holders(place) and _holders(place).isdisjoint(dead) for place in places):
        return True
    return bool(owner) and _is_called_from_outside(definition.module, owner, last)


@cache
def _holders(place: str) -> frozenset[str]:
    """A place and everything that it is in."""
    parts = place.split(".")
    return frozenset(".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _spelled(decorator: ast.expr) -> str:
    """The last name of a decorator."""
    if isinstance(decorator, ast.Call):
        return _spelled(decorator.func)
    return decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")


@cache
def _is_called_from_outside(module: str, owner: str, method: str) -> bool:
    """Whether a class of another package asks for the method."""
    found = getattr(importlib.import_module(module), owner, object)
    outside = [base for base in found.__mro__[1:] if not base.__module__.startswith("jovay")]
    visits = issubclass(found, ast.NodeVisitor) and method.startswith("visit_")
    return visits or any(hasattr(base, method) for base in outside)


def unreached(sources: Sources) -> list[str]:
    """Modules that no program leads to: the command line, benchmarks, what Python runs by a package's name."""
    waiting = [name for name, tree in sources.trees.items() if _is_program(tree) or name.endswith("__main__")]
    reached: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in reached or module not in sources.trees:
            continue
        reached.add(module)
        names = {module}.union(*sources.names[module].values())
        for node in ast.walk(sources.trees[module]):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
        # A name is a module's or that of something in one; with a module come the packages around it.
        waiting += [holder for name in names for holder in _holders(name)]
    return sorted(set(sources.trees) - reached)


def _is_program(tree: ast.Module) -> bool:
    mains = (isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)
    return any(mains) or any(
        "__main__" in ast.unparse(node.test) for node in tree.body if isinstance(node, ast.If)
    )
