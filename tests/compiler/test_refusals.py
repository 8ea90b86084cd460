"""What is outside the language does not compile, and the message says where and why."""

import pytest

from jovay.compiler.errors import KernelCompileError
from jovay.compiler.frontend import lower_function
from rigs.programs import import_source

HEAD = """
import numpy
from jovay.kernel.lang import *
BIG, TEXT = 2**70, "text"
class Pair(Record):
    first: U64
    raw: Bytes(8)
@kernel
def callee(a: U64, b: U64) -> U64:
    return a + b
@kernel
"""

#: Source of a function, and what the message must say.
CASES = {
    "mixed widths": ("def f(a: U64, b: U256) -> U256:\n    return a + b", r"add\(U64, U256\)"),
    "mixed widths in a comparison": (
        "def f(a: U64, b: U256) -> bool:\n"
        "    return a == b", r"eq\(U64, U256\)"
    ),
    "wrong width of an argument": ("def f(a: U64, b: U256) -> U64:\n    return callee(a, b)", "U256 to U64"),
    "wrong width of the result": ("def f(a: U64) -> U256:\n    return a", "U64 to U256"),
    "wrong width of a field": ("def f(p: Pair, a: U256) -> None:\n    p.first = a", "U256 to U64"),
    "no annotation": ("def f(a, b: U64) -> U64:\n    return b", "argument a has no annotation"),
    "annotation outside the language": (
        "def f(a: float) -> U64:\n"
        "    return U64(0)", "not a type of the kernel"
    ),
    "result without annotation": ("def f(a: U64):\n    return a", "U64 to none"),
    "literal above 64 bits": ("def f(a: U256) -> U256:\n    return a + 1180591620717411303424", "too large"),
    "constant above 64 bits": ("def f(a: U256) -> U256:\n    return a + BIG", "too large"),
    "words as conditions": ("def f(a: U64) -> U64:\n    return a if a else U64(1)", r"bool\(U64\)"),
    "not of a word": ("def f(a: U64) -> bool:\n    return not a", r"not_\(U64\)"),
    "and of words": ("def f(a: U64) -> U64:\n    return a and a", r"bool\(U64\)"),
    "true division": ("def f(a: U64) -> U64:\n    return a / 2", r":13: operator Div"),
    "power": ("def f(a: U64) -> U64:\n    return a ** 2", "operator Pow"),
    "wide division": ("def f(a: U256) -> U256:\n    return a // U256(3)", "division of U256"),
    "plain division": (
        "def f(a: U64) -> U64:\n"
        "    n = 0\n    for i in range(a):\n        n = i // 2\n    return U64(n)", "//"
    ),
    "plain shift": (
        "def f(a: U64) -> U64:\n"
        "    for i in range(a):\n        if i >> 3 == 1:\n            return a\n    return U64(0)", ">>"
    ),
    "plain integers above 63 bits": (
        "def f(a: U64) -> U64:\n    n = 0xFFFFFFFFFFFFFFFF\n    for i in range(a):\n"
        "        if n + i == 5:\n            return a\n    return U64(0)", "below 2"
    ),
    "shift of a literal by a word": ("def f(a: U64) -> U64:\n    return U64(1 << a)", "lshift"),
    "two types of a variable": (
        "def f(a: U64) -> U64:\n"
        "    x = a\n    if a == 0:\n        x = U256(3)\n    return U64(x)", "Cannot unify"
    ),
    "strings": ('def f(a: U64) -> U64:\n    s = "abc"\n    return a', "type str"),
    "lists": ("def f(a: U64) -> U64:\n    s = [a]\n    return s[0]", "List is outside"),
    "exceptions": ("def f(a: U64) -> U64:\n    raise ValueError", "Raise is outside"),
    "assertions": ("def f(a: U64) -> U64:\n    assert a != 0\n    return a", ":13: Assert is outside"),
    "try": (
        "def f(a: U64) -> U64:\n"
        "    try:\n        return a\n    finally:\n        pass", "Try is outside"
    ),
    "inner functions": (
        "def f(a: U64) -> U64:\n"
        "    def g(x):\n        return x\n    return g(a)", "FunctionDef is outside"
    ),
    "lambdas": ("def f(a: U64) -> U64:\n    g = lambda x: x\n    return g(a)", "Lambda is outside"),
    "slices": ("def f(a: U64) -> U64:\n    t = (a, a)[:1]\n    return a", "Slice is outside"),
    "defaults": ("def f(a: U64 = 3) -> U64:\n    return a", "no defaults"),
    "keywords at calls": ("def f(a: U64) -> U64:\n    return callee(a, b=a)", "calls are positional"),
    "wrong number of arguments": ("def f(a: U64) -> U64:\n    return callee(a)", r"callee\(U64\)"),
    "unknown fields": ("def f(p: Pair) -> U64:\n    return p.third", "third"),
    "assignment to a byte range": ("def f(p: Pair) -> None:\n    p.raw = 5", "lies in the record"),
    "printing": ("def f(a: U64) -> U64:\n    print(a)\n    return a", "print is outside"),
    "modules of others": ("def f(a: U64) -> U64:\n    return U64(numpy.int64(5))", "numpy is module"),
    "text from outside": ("def f(a: U64) -> U64:\n    return U64(TEXT)", "TEXT is str"),
    "unknown names": ("def f(a: U64) -> U64:\n    return nothing_there(a)", "nothing_there"),
    "else of a loop": (
        "def f(a: U64) -> U64:\n"
        "    for _ in range(3):\n        pass\n    else:\n        a += 1\n    return a", "no else"
    ),
    "membership": ("def f(a: U64) -> bool:\n    return a in (U64(1), U64(2))", "operator In"),
}  # fmt: skip


@pytest.mark.parametrize("what", list(CASES), ids=lambda what: what.replace(" ", "-"))
def test_refused(tmp_path, what):
    source, why = CASES[what]
    name = "refused_" + what.replace(" ", "_")
    module = import_source(HEAD + source + "\n", name, tmp_path)
    with pytest.raises(KernelCompileError, match=why) as refusal:
        lower_function(module.f)
    assert str(refusal.value).startswith(f"{name}.f")
