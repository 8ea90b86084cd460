"""``jovay evm blocktest``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .test_reports import run_and_exit

if TYPE_CHECKING:
    from jovay.conformance.blocks.engine import BlockEngine


def blocktest(
    paths: Annotated[list[Path], typer.Argument(help="JSON files, folders of them, or tar archives")],
    as_json: Annotated[bool, typer.Option("--json", help="a list as geth's evm blocktest --json")] = False,
    parallel: Annotated[
        bool, typer.Option("--parallel", help="execute the transactions as the node makes blocks")
    ] = False,
    fork: Annotated[
        list[str] | None, typer.Option(help="only tests of this network; may be given several times")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="processes")] = 1,
    every: Annotated[int, typer.Option(min=1, metavar="N", help="only every N-th test")] = 1,
    offset: Annotated[int, typer.Option(min=0, metavar="K", help="begin with test K, with --every")] = 0,
) -> None:
    """Run blockchain tests of execution-spec-tests; the exit status is 1 if any fails.

    A block is judged as a node of Ethereum's main chain would, from Paris on.
    """
    from jovay.conformance.blocks.block_tests import BlockTests
    from jovay.conformance.blocks.network import UnsupportedNetworkError, network_of
    from jovay.conformance.runner import Selection
    from jovay.native.kernel import load_visibly

    try:
        for name in fork or []:
            network_of(name, {})
    except UnsupportedNetworkError as error:
        typer.echo(f"error: --fork: {error}", err=True)
        raise typer.Exit(2) from error
    load_visibly()
    selection = Selection(frozenset(fork or []), every, offset % every)
    run_and_exit(BlockTests(), lambda: _engine(parallel), paths, selection, jobs, as_json)


def _engine(parallel: bool) -> BlockEngine:
    from jovay.conformance.blocks.engine import BlockEngine
    from jovay.native import kernel

    return BlockEngine(kernel.load(), parallel)
