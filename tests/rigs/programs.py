"""Random functions in the kernel's language, as source text that CPython can run and the compiler can compile."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType

WIDTHS = (8, 16, 32, 64, 128, 256, 384, 512, 768, 1024)
#: Bytes of memory that a program may read and write; its last argument is their address.
MEMORY = 256
HEAD = """from jovay.kernel.lang import *

TABLE = Table(U64, [{table}])
BYTES = Table(U8, range(200, 216))
"""
_SHIFTS = ("<<", ">>")
_BITWISE = ("+", "-", "*", "&", "|", "^")
_COMPARE = ("==", "!=", "<", "<=", ">", ">=")


class Writer:
    """Writes one function ``name``: words in, words out, ``depth`` bounding its expressions."""

    def __init__(self, dice: Random, name: str, depth: int = 3) -> None:
        self.dice, self.name, self.depth = dice, name, depth
        self.arguments = [dice.choice(WIDTHS) for _ in range(dice.randrange(1, 4))]
        self.results = [dice.choice(WIDTHS) for _ in range(dice.randrange(1, 3))]
        #: Variables by width, and plain counters.
        self.words: dict[int, list[str]] = {}
        self.counters: list[str] = []
        for k, width in enumerate(self.arguments):
            self.words.setdefault(width, []).append(f"a{k}")

    def source(self) -> str:
        arguments = ", ".join(f"a{k}: U{width}" for k, width in enumerate(self.arguments))
        results = ", ".join(f"U{width}" for width in self.results)
        returned = results if len(self.results) == 1 else f"tuple[{results}]"
        lines = [f"def {self.name}({arguments}, p: Ptr) -> {returned}:"]
        for k, width in enumerate(self.dice.sample(WIDTHS, 3)):
            lines.append(f"    v{k} = {self.word(width, 1)}")
            self.words.setdefault(width, []).append(f"v{k}")
        lines += [f"    {line}" for _ in range(self.dice.randrange(2, 6)) for line in self.statement(2)]
        values = ", ".join(self.word(width, self.depth) for width in self.results)
        return "\n".join(["@kernel", *lines, f"    return {values}", "", ""])

    # ---- expressions -----------------------------------------------------------------------------------------

    def literal(self, width: int) -> str:
        bits = self.dice.choice((1, 4, min(width, 64)))
        return f"U{width}({hex(self.dice.getrandbits(bits))})"

    def leaf(self, width: int) -> str:
        known = self.words.get(width, [])
        return self.dice.choice(known) if known and self.dice.random() < 0.8 else self.literal(width)

    def word(self, width: int, depth: int) -> str:
        """An expression of type ``U{width}``."""
        if depth <= 0:
            return self.leaf(width)
        write = self.dice.choice(
            (
                self.leaf_at,
                self.binary,
                self.binary,
                self.shift,
                self.unary,
                self.convert,
                self.choose,
                self.special,
            )
        )
        return write(width, depth - 1)

    def leaf_at(self, width: int, depth: int) -> str:
        return self.leaf(width)

    def binary(self, width: int, depth: int) -> str:
        operators = (*_BITWISE, "//", "%") if width <= 64 else _BITWISE
        other = self.plain() if self.dice.random() < 0.3 else self.word(width, depth)
        pair = [self.word(width, depth), other]
        sign = self.dice.choice(operators)
        if sign in ("//", "%") or self.dice.random() < 0.5:
            return f"({pair[0]} {sign} {pair[1]})"
        return f"({pair[1]} {sign} {pair[0]})"

    def shift(self, width: int, depth: int) -> str:
        return f"({self.word(width, depth)} {self.dice.choice(_SHIFTS)} {self.count(width, depth)})"

    def count(self, width: int, depth: int) -> str:
        if self.dice.random() < 0.5:
            return str(self.dice.choice((0, 1, 7, width - 1, width, width + 1, 200)))
        return f"({self.word(64, depth)} % {width + 9})"

    def unary(self, width: int, depth: int) -> str:
        return f"({self.dice.choice(('~', '-'))}{self.word(width, depth)})"

    def convert(self, width: int, depth: int) -> str:
        if self.dice.random() < 0.2:
            return f"U{width}({self.condition(depth)})"
        return f"U{width}({self.word(self.dice.choice(WIDTHS), depth)})"

    def choose(self, width: int, depth: int) -> str:
        return f"({self.word(width, depth)} if {self.condition(depth)} else {self.word(width, depth)})"

    def special(self, width: int, depth: int) -> str:
        inner = self.word(width, depth)
        if width == 64 and self.dice.random() < 0.5:
            other = self.word(self.dice.choice(WIDTHS), depth)
            index = f"({inner} & 7)"
            return self.dice.choice(
                (f"clz({other})", f"ctz({other})", f"popcount({other})", f"load64be({self.place(depth)})",
                 f"load16({self.place(depth)})", f"TABLE[{index}]", f"BYTES[{index}]")
            )  # fmt: skip
        if width == 256 and self.dice.random() < 0.3:
            return f"load256be({self.place(depth)})"
        choices = [f"{name}({inner}, {self.count(width, depth)})" for name in ("rotl", "rotr", "sar")]
        return self.dice.choice([*choices, f"bswap({inner})"] if width > 8 else choices)

    def place(self, depth: int) -> str:
        return f"p + ({self.word(64, depth)} & 127)"

    def plain(self) -> str:
        """A plain integer that may stand beside any word."""
        return self.dice.choice([*self.counters, str(self.dice.getrandbits(6)), "-3"])

    def condition(self, depth: int) -> str:
        kind = self.dice.randrange(6)
        if kind == 0 and depth > 0:
            pair = (
                f"{self.condition(depth - 1)} {self.dice.choice(('and', 'or'))} {self.condition(depth - 1)}"
            )
            return f"({pair})"
        if kind == 1 and depth > 0:
            return f"(not {self.condition(depth - 1)})"
        width = self.dice.choice(WIDTHS)
        left, right = self.word(width, depth - 1), self.word(width, depth - 1)
        if kind == 2:
            return f"signed_lt({left}, {right})"
        return f"({left} {self.dice.choice(_COMPARE)} {right})"

    # ---- statements ------------------------------------------------------------------------------------------

    def statement(self, depth: int) -> Iterator[str]:
        """Lines of one statement; assignments keep a variable's width."""
        kind = self.dice.randrange(7) if depth > 0 else self.dice.randrange(3)
        if kind == 0:
            yield f"store{self.dice.choice((8, 16, 32, 64, 128, 256))}({self.place(1)}, {self.word(64, 2)})"
        elif kind in (1, 2, 3):
            width = self.dice.choice(sorted(self.words))
            name = self.dice.choice(self.words[width])
            sign = self.dice.choice(("=", "+=", "^=", "-=", "*="))
            yield f"{name} {sign} {self.word(width, self.depth)}"
        elif kind == 4:
            yield f"if {self.condition(2)}:"
            yield from self._indented(depth)
            if self.dice.random() < 0.6:
                yield "else:"
                yield from self._indented(depth)
        elif kind == 5:
            counter = f"i{len(self.counters)}"
            yield f"for {counter} in range({self.dice.randrange(1, 5)}):"
            self.counters.append(counter)
            yield from self._indented(depth)
            if self.dice.random() < 0.3:
                yield f"    if {self.condition(1)}:"
                yield f"        {self.dice.choice(('break', 'continue'))}"
            self.counters.pop()
        else:
            # Counted by a word of its own, which nothing else writes.
            counter = f"w{self.dice.getrandbits(32)}"
            yield f"{counter} = U64(0)"
            yield f"while {counter} < {self.dice.randrange(1, 4)}:"
            yield f"    {counter} += 1"
            yield from self._indented(depth)

    def _indented(self, depth: int) -> Iterator[str]:
        for _ in range(self.dice.randrange(1, 3)):
            for line in self.statement(depth - 1):
                yield f"    {line}"


def write_module(dice: Random, functions: int) -> str:
    """Source of a module with functions ``f0``, ``f1``, …"""
    table = ", ".join(hex(dice.getrandbits(64)) for _ in range(8))
    return (
        HEAD.format(table=table)
        + "\n\n"
        + "\n".join(Writer(dice, f"f{k}").source() for k in range(functions))
    )


def import_source(source: str, name: str, folder: Path) -> ModuleType:
    """Import ``source`` as module ``name`` from a file in ``folder``, where the compiler finds it."""
    path = folder / f"{name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
