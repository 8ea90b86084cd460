"""The house: which room may import which, inside the kernel too, and no circles between files."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from rigs.sources import modules

Floors = tuple[frozenset[str], ...]
#: The rooms from the ground up: each may import those before it, a set may not import each other.
FLOORS: Floors = tuple(
    map(
        frozenset,
        (
            {"kernel"},
            {"compiler"},
            {"native", "turns"},
            {"chain"},
            {"storage"},
            {"state"},
            {"simulation", "sequencer"},
            {"tracer"},
            {"bridge"},
            {"prover"},
            {"rpc"},
            {"backend", "conformance"},
            {"config"},
            {"monitoring"},
            {"node"},
            {"cli"},
        ),
    )
)
#: The rooms of the kernel, likewise.
KERNEL_FLOORS: Floors = tuple(
    map(
        frozenset,
        (
            {"lang"},
            {"arenas", "hashes", "protocol", "rlp", "words"},
            {"curves", "trie"},
            {"riscv", "state", "transaction"},
            {"machine"},
            {"accelerated", "precompiles"},
            {"evm"},
            {"block"},
            {"pool", "programs"},
        ),
    )
)
#: A house: the package that it is, and its floors.
HOUSES = {"jovay": FLOORS, "jovay.kernel": KERNEL_FLOORS}
#: The kernel is also compiled: nothing but the standard library, and little of that.
KERNEL_IMPORTS = {"__future__", "collections", "ctypes", "typing"}


def imported(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Modules of the package that a module imports, wherever in its text."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                if whole in known or base in known:
                    yield whole if whole in known else base


@cache
def _arrows() -> dict[str, frozenset[str]]:
    known = modules()
    return {name: frozenset(imported(name, path, known)) - {name} for name, path in known.items()}


def arrows() -> dict[str, set[str]]:
    """Module → the modules that it imports."""
    return {name: set(targets) for name, targets in _arrows().items()}


def room(name: str, house: str = "jovay") -> str:
    """The room of a module; "" for the house itself and for what does not lie in it."""
    return name.removeprefix(f"{house}.").partition(".")[0] if name.startswith(f"{house}.") else ""


def wrong(graph: dict[str, set[str]]) -> list[str]:
    """Arrows that lead up, or across a floor, in either house."""
    found = set()
    for house, floors in HOUSES.items():
        floor = {name: number for number, names in enumerate(floors) for name in names}
        for module, targets in graph.items():
            if not f"{module}.".startswith(f"{house}."):
                continue
            for target in targets:
                above, below = room(module, house), room(target, house)
                if above != below and below and (not above or floor[above] <= floor[below]):
                    found.add(f"{module} → {target}")
    return sorted(found)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Sets of modules that import each other, directly or by way of others (Tarjan's components)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for target in graph[module]:
            if target not in number:
                visit(target)
            if target in stack:
                lowest[module] = min(lowest[module], lowest[target])
        if lowest[module] == number[module]:
            circle = stack[stack.index(module) :]
            del stack[-len(circle) :]
            if len(circle) > 1:
                found.append(sorted(circle))

    for module in graph:
        if module not in number:
            visit(module)
    return found


@pytest.mark.parametrize("house", HOUSES)
def test_every_room_has_its_floor(house: str) -> None:
    rooms = {room(name, house) for name in modules()} - {""}
    assert rooms == set().union(*HOUSES[house])


def test_arrows_go_down() -> None:
    assert not wrong(arrows())


def test_no_file_imports_itself_by_way_of_others() -> None:
    assert not circles(arrows())


def test_the_kernel_imports_nothing_but_itself() -> None:
    for name, path in modules().items():
        if room(name) != "kernel":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            others = [full for full in names if not full.startswith("jovay.kernel")]
            outside = {full.partition(".")[0] for full in others} - KERNEL_IMPORTS
            assert not outside, f"{name} imports {outside}"


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("jovay.storage.blocks", "jovay.rpc.errors"),
        ("jovay.simulation.calls", "jovay.sequencer.errors"),
        ("jovay.kernel.state.history", "jovay.kernel.machine.account"),
        ("jovay.kernel.hashes.keccak", "jovay.kernel.words.arith"),
    ],
)
def test_a_turned_arrow_is_seen(module: str, target: str) -> None:
    graph = arrows()
    graph[module].add(target)
    assert wrong(graph) == [f"{module} → {target}"]


def test_a_circle_is_seen() -> None:
    graph = arrows()
    graph["jovay.storage.kv"].add("jovay.storage.rocks")
    assert any({"jovay.storage.kv", "jovay.storage.rocks"} <= set(circle) for circle in circles(graph))


#: Who calls compiled code, or is compiled: the only rooms that know addresses of the process.
NATIVE_ROOMS = {"kernel", "compiler", "native"}


def addresses_taken(source: str) -> list[str]:
    """Where a module goes around ``native``: ``ctypes`` imported or used, addresses taken, memory cast."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Attribute):
            names = [node.attr]
        elif isinstance(node, ast.Name):
            names = [node.id]
        wrong_names = {name.partition(".")[0] for name in names} & {
            "ctypes",
            "addressof",
            "__array_interface__",
        }
        found += [f"line {getattr(node, 'lineno', 0)}: {name}" for name in sorted(wrong_names)]
    return found


def test_addresses_are_taken_in_native_alone() -> None:
    for name, path in modules().items():
        if room(name) not in NATIVE_ROOMS:
            assert not addresses_taken(path.read_text()), name


@pytest.mark.parametrize(
    "source",
    [
        "import ctypes",
        "from ctypes import addressof",
        "p = array.ctypes.data",
        "a.__array_interface__['data']",
    ],
)
def test_an_address_that_is_taken_is_seen(source: str) -> None:
    assert addresses_taken(f"def f():\n    {source}\n")
