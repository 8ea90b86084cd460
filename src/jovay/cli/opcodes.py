"""``jovay evm opcodes``: the opcode table as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from jovay.kernel.evm.opcodes import Opcode

HEADER = """# Opcodes

The table that interpreter, tracer and prover read. `jovay evm opcodes --markdown` prints this page. Gas is
the constant part; what depends on operands, memory and warm or cold keys comes on top.

"""


def table() -> list[Opcode]:
    """The rows of the one opcode table, by opcode."""
    import jovay.kernel.evm.instructions  # noqa: F401  (fills the table)
    from jovay.kernel.evm.opcodes import OPCODES

    return [row for _, row in sorted(OPCODES.items())]


def fork_names() -> dict[int, str]:
    """Each fork's first name."""
    from jovay.kernel.protocol.forks import FORKS

    names: dict[int, str] = {}
    for name, number in FORKS.items():
        names.setdefault(number, name)
    return names


def markdown() -> str:
    """The page ``docs/opcodes.md``."""
    names = fork_names()
    lines = [
        "| opcode | name | gas | pops | pushes | since | what it does |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in table():
        text = _sentence(row)
        lines.append(
            f"| `{row.code:02x}` | {row.name} | {row.gas} | {row.pops} | {row.pushes} "
            f"| {names[row.since]} | {text} |"
        )
    return HEADER + "\n".join(lines) + "\n"


def _sentence(row: Opcode) -> str:
    """The first paragraph of an instruction's description, on one line and safe in a table."""
    first = " ".join(row.text.split("\n\n")[0].split()).removeprefix(f"{row.name}: ")
    return first.replace("|", "\\|").replace("*", "\\*").replace("``", "`")


def opcodes(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="as the page docs/opcodes.md")] = False,
) -> None:
    """Print the opcode table."""
    if as_markdown:
        typer.echo(markdown(), nl=False)
        return
    names = fork_names()
    typer.echo(f"{'op':<4}{'name':<16}{'gas':>6} {'pops':>5} {'pushes':>6}  since")
    for row in table():
        typer.echo(
            f"{row.code:02x}  {row.name:<16}{row.gas:>6} {row.pops:>5} {row.pushes:>6}  {names[row.since]}"
        )
