"""A function's IR is taken from the cache only while everything that shaped it is as it was."""

from __future__ import annotations

import ctypes
import itertools

import pytest

from jovay.compiler.generate import function_key, generate
from jovay.kernel.lang import KERNEL_FUNCTIONS, kernel
from jovay.native.library import build
from rigs.programs import import_source

BASE = """
from jovay.kernel.lang import *
FACTOR, UNUSED = 3, 5
WIDE = U256(1 << 100)
TABLE = Table(U64, [1, 2, 3])
Pair = tuple[U64, U64]
class Inner(Record):
    value: U64
    other: U64
class Outer(Record):
    first: U64
    inner: Inner
    last: U64
    part: Nested(Inner)
@kernel
def leaf(x: U64) -> U64:
    return x * FACTOR
@kernel
def other_leaf(x: U64) -> U64:
    return x
CHOICE = Switch("choice", {1: leaf}, other_leaf)
@kernel
def make(x: U64) -> Inner:
    return Inner(x)
@kernel
def pair(x: U64) -> Pair:
    return x, x
def factory(n):
    @kernel(name="closure")
    def closure(x: U64) -> U64:
        return x + n
    return closure
closure = factory(7)
@kernel
def f(x: U64, outer: Outer) -> U64:
    return BODY
"""
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    """Leave the registry as it was: variants of a module are different functions of the same names."""
    monkeypatch.setattr("jovay.kernel.lang.function.KERNEL_FUNCTIONS", KERNEL_FUNCTIONS)
    before = dict(KERNEL_FUNCTIONS)
    yield
    KERNEL_FUNCTIONS.clear()
    KERNEL_FUNCTIONS.update(before)


def key_of(folder, body, *changes):
    """Key of ``f`` with this body in a module with these replacements."""
    for symbol in [s for s in KERNEL_FUNCTIONS if s.startswith("keys_module.")]:
        del KERNEL_FUNCTIONS[symbol]
    source = BASE.replace("BODY", body)
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    place = folder / str(next(_numbers))
    place.mkdir()
    return function_key(import_source(source, "keys_module", place).f)


CHANGES = {
    "its own source": ("x", ("return x\n", "return x + 0\n")),
    "a constant": ("x * FACTOR", ("FACTOR, UNUSED = 3", "FACTOR, UNUSED = 4")),
    "the width of a constant": ("x + U64(WIDE)", ("U256(1 << 100)", "U128(1 << 100)")),
    "a table": ("TABLE[x]", ("[1, 2, 3]", "[1, 2, 4]")),
    "the width of a table": ("TABLE[x]", ("Table(U64", "Table(U32")),
    "a callee's signature": ("leaf(x)", ("def leaf(x: U64)", "def leaf(x: U32)")),
    "a tuple type behind a name": ("pair(x)[0]", ("tuple[U64, U64]", "tuple[U64, U64, U64]")),
    "a switch's cases": ("CHOICE(x, x)", ("{1: leaf}", "{2: leaf}")),
    "a switch's default": ("CHOICE(x, x)", ("{1: leaf}, other_leaf", "{1: leaf}, leaf")),
    "a field's place": ("outer.last", ("    first: U64\n", "    zeroth: U64\n    first: U64\n")),
    "a field's type": ("outer.first", ("    first: U64\n", "    first: U32\n    gap: U32\n")),
    "the layout of a nested record": ("outer.inner.value", ("    value: U64\n", "    gap: U64\n    value: U64\n")),
    "the layout of a record inside": ("outer.part.value", ("    value: U64\n", "    gap: U64\n    value: U64\n")),
    "the layout of a callee's record": ("make(x).value", ("    value: U64\n", "    gap: U64\n    value: U64\n")),
    "a decorator's argument": ("x", ("@kernel\ndef f", "@kernel(inline=True)\ndef f")),
}  # fmt: skip


@pytest.mark.parametrize("what", list(CHANGES), ids=lambda what: what.replace(" ", "-"))
def test_the_key_changes_with(tmp_path, what):
    body, change = CHANGES[what]
    assert key_of(tmp_path, body) != key_of(tmp_path, body, change)


@pytest.mark.parametrize(
    ("body", "change"),
    [
        ("leaf(x)", ("return x * FACTOR", "return x + FACTOR")),
        ("x * FACTOR", ("UNUSED = 3, 5", "UNUSED = 3, 6")),
        ("outer.first", ("    last: U64\n", "    last: U32\n    more: U64\n")),
        ("outer.first", ("    other: U64\n", "    other: U32\n")),
    ],
    ids=["body of a callee", "constant not mentioned", "field not mentioned", "record not entered"],
)
def test_the_key_stays(tmp_path, body, change):
    """Callees are linked, not copied: what a function does not see of them costs it nothing."""
    assert key_of(tmp_path, body) == key_of(tmp_path, body, change)


def test_closures_have_keys_of_their_own(tmp_path):
    def key_with(n):
        KERNEL_FUNCTIONS.pop("keys_closure.closure", None)
        place = tmp_path / str(n)
        place.mkdir()
        source = BASE.replace("factory(7)", f"factory({n})").replace("BODY", "x")
        return function_key(import_source(source, "keys_closure", place).closure)

    KERNEL_FUNCTIONS.clear()
    first = key_with(7)
    KERNEL_FUNCTIONS.clear()
    assert key_with(8) != first


def test_a_new_layout_gives_new_code(tmp_path, monkeypatch):
    """The whole way, with one cache: the second build must not see the first one's offsets."""
    monkeypatch.setenv("JOVAY_CACHE", str(tmp_path / "cache"))
    memory, values = ctypes.create_string_buffer(64), []
    address = ctypes.addressof(memory)
    for change in (("", ""), ("    value: U64\n", "    gap: U64\n    value: U64\n")):
        for symbol in [s for s in KERNEL_FUNCTIONS if s.startswith("keys_layout.")]:
            del KERNEL_FUNCTIONS[symbol]
        source = BASE.replace("BODY", "outer.inner.value").replace(*change)
        place = tmp_path / str(next(_numbers))
        place.mkdir()
        module = import_source(source, "keys_layout", place)
        module.Outer(address).inner = module.Inner(address + 32)
        module.Inner(address + 32).value = module.U64(41)
        values.append(build([module.f])[module.f](0, address))
        module.Inner(address + 32).value = module.U64(0)
    assert values == [41, 41]


def test_what_is_cached_is_not_lowered_again(tmp_path, monkeypatch):
    monkeypatch.setenv("JOVAY_CACHE", str(tmp_path))

    @kernel(name="cached_once")
    def once(x):
        return x

    once.__annotations__.update({"x": int, "return": int})
    told = []
    for _ in range(2):
        generate([once], lambda done, total, what: told.append(what))
    assert told == [once.symbol]
