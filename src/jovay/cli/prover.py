"""``jovay prover``: the controller, and what is to be known of the TEE prover that works for it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from jovay.monitoring import logs

prover = typer.Typer(help="Provers of batches, and the controller that they work for.", no_args_is_help=True)

LISTEN = "127.0.0.1:8560"

LogLevel = Annotated[str, typer.Option("--log-level", help="debug, info, warning or error")]
LogFormat = Annotated[Literal["text", "json"], typer.Option("--log-format", help="text or json")]


@prover.command()
def controller(
    node: Annotated[
        str, typer.Option("--node", metavar="URL", help="JSON-RPC of L2, which has the witnesses")
    ],
    datadir: Annotated[Path, typer.Option("--datadir", metavar="DIR", help="folder of the queue")],
    listen: Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="where to serve")] = LISTEN,
    log_level: LogLevel = "info",
    log_format: LogFormat = "text",
) -> None:
    """Keep the queue of batches to be proven. Prints a line that begins with "ready"; SIGINT and SIGTERM end it."""
    from jovay.bridge.l1.client import L1Client
    from jovay.cli.running import StopSignal
    from jovay.prover.controller.server import ControllerServer
    from jovay.prover.controller.service import Controller

    logs.setup(log_level, log_format)
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        _fail(f"--listen {listen}: must be HOST:PORT")
    try:
        service = Controller(datadir, L1Client(node))
        server = ControllerServer(service, host, int(port))
    except (OSError, ValueError) as error:
        _fail(f"{listen}: {error}")
    signals = StopSignal()
    with signals.installed():
        signals.serve()
        service.start()
        server.start()
        print(f"ready controller={server.url}", flush=True)
        signals.event.wait()
        server.stop()
        service.close()


@prover.command()
def measure(
    platform: Annotated[str, typer.Option("--platform", help="tsm or simulated")] = "tsm",
) -> None:
    """Print the measurement of the enclave on this machine: what TEEVerifier must allow."""
    from jovay.native.kernel import load_visibly
    from jovay.prover.errors import ProverError
    from jovay.prover.tee.launch import measurement_of

    load_visibly()
    try:
        print(f"0x{measurement_of(platform).hex()}")
    except ProverError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr, flush=True)
    raise typer.Exit(1)
