"""``jovay evm opcodes``: the opcode table as people read it."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import typer

from jovay.kernel.protocol.forks import FORKS, NEWEST
from jovay.kernel.protocol.opcodes import ALLOWED, FORBIDDEN, OPCODES, Opcode, Range

HEADER = """# Opcodes

The table that interpreter, tracers and compilers read. `jovay evm opcodes --markdown` prints this page. Gas is
what every execution costs; what depends on operands, memory and cold keys comes on top. Operands are a, b, c, …
from the top of the stack.

"""
#: Each fork's first name.
NAMES = {number: name for name, number in reversed(FORKS.items())}


def table() -> list[Opcode]:
    """The rows by opcode."""
    return [row for _, row in sorted(OPCODES.items())]


def price(row: Opcode) -> str:
    """Gas from the opcode's first fork on, with the forks that have changed it."""
    parts = [str(row.base(row.since))]
    for before, fork in pairwise(range(row.since, NEWEST + 1)):
        if row.base(fork) != row.base(before):
            parts.append(f"{NAMES[fork]} {row.base(fork)}")
    return ", ".join(parts)


def facts(row: Opcode) -> str:
    """What else the table says of an opcode."""
    found = []
    if row.ends:
        found.append("ends the frame")
    if row.jumps:
        found.append("jumps")
    if row.static != ALLOWED:
        found.append("not in static calls" if row.static == FORBIDDEN else "without value in static calls")
    operands = {"account": row.account, "slot": row.slot, "transient slot": row.transient}
    found += [f"{name} {_letter(operand)}" for name, operand in operands.items() if operand is not None]
    ranges = {"reads": row.reads, "writes": row.writes}
    found += [f"{name} {_range(memory)}" for name, memory in ranges.items() if memory is not None]
    return "; ".join(found)


def _letter(operand: int) -> str:
    return "abcdefg"[operand]


def _range(memory: Range) -> str:
    size = str(memory.fixed) if memory.size is None else _letter(memory.size)
    return f"{size} bytes of memory at {_letter(memory.offset)}"


def markdown() -> str:
    """The page ``docs/opcodes.md``."""
    lines = [
        "| opcode | name | since | gas | pops | pushes | immediate | what it does | facts |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in table():
        cells = f"{row.code:02x}`", row.name, NAMES[row.since], price(row), row.pops, row.pushes
        rest = row.immediate or "", row.text, facts(row)
        lines.append("| `" + " | ".join(map(str, cells + rest)) + " |")
    return HEADER + "\n".join(lines) + "\n"


def opcodes(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="as the page docs/opcodes.md")] = False,
) -> None:
    """Print the opcode table."""
    if as_markdown:
        typer.echo(markdown(), nl=False)
        return
    typer.echo(f"{'op':<4}{'name':<16}{'gas':>6} {'pops':>5} {'pushes':>6}  since")
    for row in table():
        stack = f"{row.base(NEWEST):>6} {row.pops:>5} {row.pushes:>6}"
        typer.echo(f"{row.code:02x}  {row.name:<16}{stack}  {NAMES[row.since]}")
