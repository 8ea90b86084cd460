"""``jovay node`` and ``jovay up``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from jovay.cli.options import settings_of, with_node_options
from jovay.config import NodeConfig, default_datadir
from jovay.monitoring import logs


@with_node_options
def node(flags: dict[str, Any], file: Path | None) -> None:
    """Run a node. It prints a line that begins with "ready" when it serves; SIGINT and SIGTERM stop it."""
    raise typer.Exit(serve_until_the_end(settings_of(flags, file).config))


def serve_until_the_end(config: NodeConfig) -> int:
    """Run a node and say when it is ready; the exit status."""
    from jovay.cli import running

    logs.setup(config.log_level, config.log_format)

    def serve(node: running.RunningNode, signals: running.StopSignal) -> None:
        print(running.ready_line(node), flush=True)
        running.wait(node, signals)

    return running.run(config, serve)


@with_node_options
def up(
    flags: dict[str, Any],
    file: Path | None,
    plain: Annotated[bool, typer.Option("--plain", help="lines of text even on a terminal")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="a new chain in a temporary folder that is removed at the end")
    ] = False,
    l2_only: Annotated[
        bool, typer.Option("--l2-only", help="a development chain by itself, as with --dev: nothing settles")
    ] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="walk through the stack once when it has started")
    ] = False,
    zk: Annotated[
        bool, typer.Option("--zk/--no-zk", help="prove batches; without that nothing becomes final")
    ] = True,
    l1_port: Annotated[int, typer.Option(help="port of L1's JSON-RPC")] = 9545,
    controller_port: Annotated[int, typer.Option(help="port of the prover controller")] = 8560,
    relayer_port: Annotated[int, typer.Option(help="port of the relayer's batches")] = 8561,
) -> None:
    """Run a chain with all that settles it on L1 (an own one, or --l1 URL), and watch it live."""
    settings = settings_of(flags, file, {"dev": l2_only, "log_level": "warning"})
    config = settings.config
    development = l2_only or config.dev
    if not development and settings.sources["datadir"] == "default":
        config = _in(config, default_datadir().with_name("stack"))
    if fresh and settings.sources["datadir"] != "default":
        typer.echo(f"error: --fresh does not go with {settings.sources['datadir']}", err=True)
        raise typer.Exit(2)
    if not development and config.genesis is not None:
        given = settings.sources["genesis"]
        typer.echo(f"error: {given}: a stack makes its own genesis; --l2-only goes with another", err=True)
        raise typer.Exit(2)
    folder = Path(tempfile.mkdtemp(prefix="jovay-")) if fresh else None
    config = _in(config, folder) if folder else config
    try:
        if development:
            status = _run_up(config, plain)
        else:
            status = _run_stack(config, (l1_port, controller_port, relayer_port), plain, demo, zk)
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


def _run_stack(config: NodeConfig, ports: tuple[int, int, int], plain: bool, demo: bool, zk: bool) -> int:
    from jovay.cli import full_stack, running
    from jovay.compiler.progress import is_animated
    from jovay.monitoring import dashboard

    live = not plain and is_animated(sys.stdout)
    recent = logs.RecentLines(3)
    logs.setup(config.log_level, config.log_format, handler=recent if live else None)
    places = full_stack.Places(config.datadir, *ports)

    def serve(stack: full_stack.FullStack, signals: running.StopSignal) -> None:
        for line in dashboard.welcome(config, stack.http_url, stack.ws_url, stack.stats(), stack.l1_url):
            print(line)
        print(running.ready_line(stack.node), flush=True)
        if demo:
            stack.demonstrate()
        if live:
            dashboard.show_live(stack, config, signals.event, recent.lines, parts=stack.parts)
        else:
            dashboard.print_lines(stack, signals.event, sys.stdout)
        if failure := stack.failure:
            raise running.StartError(failure)

    return full_stack.run(config, places, serve, zk)
