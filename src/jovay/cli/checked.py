"""``jovay evm checked``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def checked(
    names: Annotated[
        list[str] | None, typer.Argument(help="suites [default: all]", metavar="[SUITE]...")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="a spread of each, in seconds")] = False,
    fixtures: Annotated[
        Path | None, typer.Option(help="archive or folder of execution-spec-tests' state tests")
    ] = None,
) -> None:
    """Run the suites on the checked build of the kernel; the exit status is 1 if any finds something.

    Each runs in a process of its own; a violation ends that process and is printed with function, line and part.
    """
    from jovay.conformance.checked import SUITES, run_suite

    known = {suite.name: suite for suite in SUITES}
    if unknown := [name for name in names or () if name not in known]:
        typer.echo(f"error: no suite {unknown[0]}: there are {', '.join(known)}", err=True)
        raise typer.Exit(2)
    failed = 0
    for name in names or known:
        failed += not run_suite(known[name], quick, fixtures)
    raise typer.Exit(1 if failed else 0)
