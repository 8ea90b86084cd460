"""``jovay bench``: the programs of ``bench/``, which stand beside the package in a checkout."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import typer

import jovay

FOLDER = Path(jovay.__file__).parents[2] / "bench"
PLAIN_ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def programs(folder: Path) -> dict[str, str]:
    """Name and first line of the description of every program in ``folder``."""
    found = {}
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text())
        runs = any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)
        if runs and not path.name.startswith("__"):
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def bench(context: typer.Context) -> None:
    """Run benchmarks: jovay bench [NAME] [ARGUMENTS]. Without a name, the main ones; "list" names all of them.

    jovay bench NAME --help says what a benchmark measures, and its options.
    """
    if not FOLDER.is_dir():
        typer.echo("error: the benchmarks come with the sources; run this in a checkout", err=True)
        raise typer.Exit(2)
    known = programs(FOLDER)
    words = list(context.args)
    if words == ["--help"]:
        typer.echo(context.get_help())
    if words in (["list"], ["--help"]):
        for name, text in known.items():
            typer.echo(f"{name:<20} {text}")
        return
    module = "bench"
    if words and not words[0].startswith("-"):
        name = words.pop(0).replace("-", "_")
        if name not in known:
            typer.echo(f"error: no benchmark {name}; there are {', '.join(known)}", err=True)
            raise typer.Exit(2)
        module = f"bench.{name}"
    elif not (FOLDER / "__main__.py").exists():
        typer.echo(f"which one? {', '.join(known)}", err=True)
        raise typer.Exit(2)
    # A process of its own, so that nothing of the command line is in the figures.
    raise typer.Exit(subprocess.call([sys.executable, "-m", module, *words], cwd=FOLDER.parent))
