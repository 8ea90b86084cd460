"""``jovay node`` and ``jovay up``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from jovay.cli.options import settings_of, with_node_options
from jovay.config import NodeConfig
from jovay.monitoring import logs


@with_node_options
def node(flags: dict[str, Any], file: Path | None) -> None:
    """Run a node. It prints a line that begins with "ready" when it serves; SIGINT and SIGTERM stop it."""
    from jovay.cli import running

    config = settings_of(flags, file).config
    logs.setup(config.log_level, config.log_format)

    def serve(node: running.RunningNode, signals: running.StopSignal) -> None:
        print(running.ready_line(node), flush=True)
        running.wait(node, signals)

    raise typer.Exit(running.run(config, serve))


@with_node_options
def up(
    flags: dict[str, Any],
    file: Path | None,
    plain: Annotated[bool, typer.Option("--plain", help="lines of text even on a terminal")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="a new chain in a temporary folder that is removed at the end")
    ] = False,
) -> None:
    """Run a development chain with funded accounts, and watch it live."""
    settings = settings_of(flags, file, {"dev": True, "log_level": "warning"})
    config = settings.config
    if fresh and settings.sources["datadir"] != "default":
        typer.echo(f"error: --fresh does not go with {settings.sources['datadir']}", err=True)
        raise typer.Exit(2)
    folder = Path(tempfile.mkdtemp(prefix="jovay-")) if fresh else None
    try:
        status = _run_up(_in(config, folder) if folder else config, plain)
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    raise typer.Exit(status)


def _in(config: NodeConfig, datadir: Path) -> NodeConfig:
    from msgspec.structs import replace

    return replace(config, datadir=datadir)


def _run_up(config: NodeConfig, plain: bool) -> int:
    from jovay.cli import running
    from jovay.compiler.progress import is_animated
    from jovay.monitoring import dashboard

    live = not plain and is_animated(sys.stdout)
    recent = logs.RecentLines(3)
    logs.setup(config.log_level, config.log_format, handler=recent if live else None)

    def serve(node: running.RunningNode, signals: running.StopSignal) -> None:
        for line in dashboard.welcome(config, node.http_url, node.ws_url, node.stats()):
            print(line)
        print(running.ready_line(node), flush=True)
        if live:
            dashboard.show_live(node, config, signals.event, recent.lines)
        else:
            dashboard.print_lines(node, signals.event, sys.stdout)
        if failure := node.stats().failure:
            raise running.StartError(failure)

    return running.run(config, serve)
