"""Running a node in this process: start, signals, the end, and errors a person can act on."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol, TypeVar

from jovay.config import ConfigError, NodeConfig
from jovay.monitoring.metrics import Metrics
from jovay.monitoring.stats import NodeStats

STARTED_WELL, FAILED, BAD_SETTINGS = 0, 1, 2
_POLL = 0.5
#: Seconds between tries to begin.
_PATIENCE = 2.0
Part = TypeVar("Part")
log = logging.getLogger("jovay.cli")


class RunningNode(Protocol):
    """What the command line needs of a node."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def stats(self) -> NodeStats: ...
    @property
    def failure(self) -> str: ...
    @property
    def http_url(self) -> str: ...
    @property
    def ws_url(self) -> str: ...


class StartError(Exception):
    """The node cannot start; the message is for the person who started it."""


def new_node(config: NodeConfig, metrics: Metrics) -> RunningNode:
    """A node, with its kernel compiled and loaded; shows how far that is."""
    from jovay.native.kernel import load_visibly

    load_visibly()
    from jovay.node import Node

    return Node(config, metrics)


class StopSignal:
    """SIGINT and SIGTERM: the first asks to stop, the second ends the process at once."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._serving = False
        self._process = os.getpid()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            os._exit(128 + number)
        if self.event.is_set():
            os._exit(128 + number)
        self.event.set()
        if not self._serving:
            # Starting may take long, and nothing that it does is lost when it is left half done.
            raise KeyboardInterrupt

    def serve(self) -> None:
        """The start is over: from now on what runs is ended in order."""
        self._serving = True

    @contextmanager
    def installed(self) -> Iterator[StopSignal]:
        """Handle both signals within the block."""
        before = {number: signal.signal(number, self) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def patiently(build: Callable[[], Part], signals: StopSignal) -> Part:
    """What ``build`` makes, once L1 is there: parts start in any order."""
    from jovay.bridge.errors import L1UnreachableError

    told = False
    while True:
        try:
            return build()
        except L1UnreachableError as error:
            if not told:
                log.warning("waiting for L1", extra={"reason": str(error)})
            told = True
            signals.event.wait(_PATIENCE)


def check_ports(config: NodeConfig) -> None:
    """Raise ``StartError`` early when a port cannot be listened on."""
    for name in ("http_port", "ws_port", "metrics_port"):
        port, flag = getattr(config, name), "--" + name.replace("_", "-")
        if port is None or (name == "ws_port" and port and port == config.http_port):
            continue  # WebSockets are served on the HTTP port too
        if name == "metrics_port" and port and port in (config.http_port, config.ws_port):
            raise StartError(
                f"{flag} {port} is the port of JSON-RPC, which serves /metrics without that flag"
            )
        check_port(config.http_host, port, flag)


def check_port(host: str, port: int, flag: str) -> None:
    """Raise ``StartError`` when a port cannot be listened on; ``flag`` says where it stands."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise StartError(_port_problem(host, port, flag, error)) from error


def _port_problem(host: str, port: int, flag: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken by another program; choose another with {flag}"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"--http-host {host} is no address of this machine ({error.strerror})"
    return f"cannot listen on port {port} of {host} ({error.strerror}); {flag} and --http-host say where"


def explain(error: Exception) -> str | None:
    """What to tell the person about an error of a start, or None if it is a mistake of the program."""
    from jovay.bridge.errors import BridgeError
    from jovay.chain.errors import ChainError
    from jovay.cli.supervisor import PartError
    from jovay.compiler.errors import CompilerError
    from jovay.sequencer.errors import SequencerError
    from jovay.state.errors import ExecutionError
    from jovay.storage.errors import StorageError

    ours = (StartError, PartError, BridgeError, ChainError)
    if isinstance(error, (*ours, StorageError, SequencerError, ExecutionError, CompilerError)):
        return str(error)
    if isinstance(error, OSError):
        if error.errno == errno.ENOMEM:
            return "not enough memory; --accounts, --slots, --code-mib and --history-versions take less"
        if error.errno == errno.EADDRINUSE:
            return "a port is taken by another program; --http-port and --ws-port choose others"
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return None


@contextmanager
def started(config: NodeConfig, signals: StopSignal) -> Iterator[RunningNode]:
    """A started node for the length of the block, stopped whatever happens."""
    check_ports(config)
    metrics = Metrics()
    node = new_node(config, metrics)
    try:
        node.start()
        signals.serve()
        yield node
    finally:
        node.stop()


def wait(node: RunningNode, signals: StopSignal) -> None:
    """Return when a signal asks for the end; ``StartError`` when the node cannot go on by itself."""
    while not signals.event.wait(_POLL):
        if failure := node.failure:
            raise StartError(failure)


def run(config: NodeConfig, serve: Callable[[RunningNode, StopSignal], None]) -> int:
    """Start a node, ``serve`` until the end, stop it; the exit status."""

    def work(signals: StopSignal) -> None:
        with started(config, signals) as node:
            serve(node, signals)

    return guarded(work)


def guarded(work: Callable[[StopSignal], None]) -> int:
    """Do ``work``, which a signal ends; the exit status. What a person can act on is one line on the error stream."""
    signals = StopSignal()
    try:
        with signals.installed():
            work(signals)
    except KeyboardInterrupt:
        return STARTED_WELL
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return BAD_SETTINGS
    except Exception as error:
        if (text := explain(error)) is None:
            raise
        print(f"error: {text}", file=sys.stderr, flush=True)
        return FAILED
    return STARTED_WELL


def ready_line(node: RunningNode) -> str:
    """What scripts wait for."""
    return f"ready http={node.http_url} ws={node.ws_url} chain={node.stats().chain_id}"
