"""``jovay relayer``."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jovay.cli.stack import L1_VARIABLE, role_signer, settlement_of, told_errors
from jovay.cli.values import host_and_port
from jovay.monitoring import logs

if TYPE_CHECKING:
    from jovay.bridge.relayer.committer import Timing
    from jovay.bridge.relayer.relayer import Options, Relayer
    from jovay.bridge.relayer.sealing import Limits


LISTEN = "127.0.0.1:8561"
_CHAIN, _BATCHES, _L1 = "Chain and neighbours", "Batches", "L1"


def _option(text: str, panel: str, metavar: str | None = None, **more: Any) -> Any:
    return typer.Option(help=text, rich_help_panel=panel, metavar=metavar, **more)


def relayer(
    genesis: Annotated[Path, _option("genesis file of the settled chain", _CHAIN, "FILE")],
    node: Annotated[str, _option("JSON-RPC of the L2 node", _CHAIN, "URL")],
    l1: Annotated[str, _option("JSON-RPC of L1", _CHAIN, "URL", envvar=L1_VARIABLE)],
    datadir: Annotated[Path, _option("folder of batches and of transactions for L1", _CHAIN, "DIR")],
    controller: Annotated[
        str | None, _option("prover controller; without it no claims are made", _CHAIN, "URL")
    ] = None,
    listen: Annotated[str, _option("where raw data and figures are served", _CHAIN, "HOST:PORT")] = LISTEN,
    beacon: Annotated[
        list[str] | None, _option("beacon API of L1, for blobs of others", _CHAIN, "URL")
    ] = None,
    raw_data: Annotated[
        list[str] | None, _option("another relayer's raw data, likewise", _CHAIN, "URL")
    ] = None,
    committer_key: Annotated[str | None, _option("key that commits batches", _L1, "PLACE")] = None,
    claims_key: Annotated[str | None, _option("key that makes claims", _L1, "PLACE")] = None,
    feeder_key: Annotated[str | None, _option("key that tells L2 what batches cost", _CHAIN, "PLACE")] = None,
    lease: Annotated[
        Path | None, _option("file by which several relayers agree on one that works", _CHAIN, "FILE")
    ] = None,
    max_fee: Annotated[float, _option("most gwei per gas, and per blob gas", _L1, min=0)] = 300.0,
    confirmations: Annotated[int, _option("blocks of L1 after which nothing changes", _L1, min=1)] = 64,
    pace: Annotated[float, _option("seconds between two looks at L1 and L2", _L1, min=0.05)] = 1.0,
    batch_age: Annotated[
        float, _option("seconds after which a batch is sent, full or not", _BATCHES, min=0)
    ] = 60.0,
    unproven_age: Annotated[float, _option("for each that waits for its ZK proof", _BATCHES, min=0)] = 30.0,
    idle_age: Annotated[float, _option("the same where it carries nothing", _BATCHES, min=0)] = 3_600.0,
    blobs: Annotated[int, _option("blobs that a batch fills at most", _BATCHES, min=1, max=6)] = 4,
    chunk_blocks: Annotated[int, _option("blocks of a chunk at most", _BATCHES, min=1)] = 1_000,
    chunk_gas: Annotated[int, _option("gas of a chunk at most", _BATCHES, min=1)] = 500_000_000,
    batch_gas: Annotated[int, _option("gas of a batch at most", _BATCHES, min=1)] = 4_000_000_000,
    batch_cycles: Annotated[int, _option("instructions of its ZK proof", _BATCHES, min=1)] = 4_000_000_000,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error")] = "info",
    log_format: Annotated[str, typer.Option(help="text or json")] = "text",
) -> None:
    """Bring batches of L2 blocks, and the proofs of them, to L1. Prints a line that begins with "ready".

    The PLACE of a key is keystore:FILE, env:NAME, or the URL of a remote signer with #0xADDRESS; on a development L1
    (chain id 31337) keys may be left out.
    """
    from jovay.bridge.l1.fees import GWEI
    from jovay.bridge.relayer.committer import Timing
    from jovay.bridge.relayer.sealing import Limits

    logs.setup(log_level, log_format)  # type: ignore[arg-type]
    keys = {"committer": committer_key, "claims": claims_key, "feeder": feeder_key}
    with told_errors():
        limits = Limits(chunk_blocks, chunk_gas, batch_gas=batch_gas, batch_cycles=batch_cycles, blobs=blobs)
        options = _options(
            limits,
            Timing(batch_age, unproven_age, idle_age),
            int(max_fee * GWEI),
            confirmations,
            pace,
            beacon,
            raw_data,
        )
        _serve(lambda: _relayer(genesis, (l1, node, controller), keys, datadir, lease, options), listen)


def _options(
    limits: Limits,
    timing: Timing,
    fee: int,
    confirmations: int,
    pace: float,
    beacon: list[str] | None,
    raw_data: list[str] | None,
) -> Options:
    from jovay.bridge.l1.data import BeaconNode, BlobSource, RawDataSource
    from jovay.bridge.l1.fees import Ceilings
    from jovay.bridge.l1.transactions import Policy
    from jovay.bridge.relayer.relayer import Options

    policy = Policy(Ceilings(fee=fee, blob_fee=fee), confirmations=confirmations)
    sources: list[BlobSource] = [*map(BeaconNode, beacon or ()), *map(RawDataSource, raw_data or ())]
    return Options(limits, timing, policy, pace=pace, sources=sources)


def _relayer(
    genesis: Path,
    urls: tuple[str, str, str | None],
    keys: dict[str, str | None],
    datadir: Path,
    lease: Path | None,
    options: Options,
) -> Relayer:
    """``urls`` of L1, node and controller; ``keys``: places by role."""
    from jovay.bridge.l1.client import L1Client
    from jovay.bridge.relayer.controller import Controller
    from jovay.bridge.relayer.lease import Lease
    from jovay.bridge.relayer.relayer import Relayer

    settlement = settlement_of(genesis)
    committer, claimer = (role_signer(role, keys[role], settlement) for role in ("committer", "claims"))
    l1, node, controller = urls
    prover = None if controller is None else Controller(controller, settlement)
    l2 = L1Client(node)
    found = Relayer(settlement, L1Client(l1), l2, prover, datadir, committer, claimer, options)
    try:
        if keys["feeder"] is not None or settlement.is_on_development_l1:
            found.feed_fees(l2, role_signer("feeder", keys["feeder"], settlement))
        if lease is not None:
            found.share(Lease(lease, f"{socket.gethostname()}:{datadir.resolve()}"))
    except BaseException:
        found.close()
        raise
    return found


def _serve(build: Callable[[], Relayer], listen: str) -> None:
    """Work until a signal comes."""
    from jovay.bridge.relayer.raw_data import RawDataServer
    from jovay.bridge.wire import blobs
    from jovay.cli.running import StopSignal, patiently

    host, port = host_and_port(listen, "--listen")
    signals = StopSignal()
    with signals.installed():
        try:
            blobs.prepare()
            relayer = patiently(build, signals)
        except KeyboardInterrupt:
            return
        signals.serve()
        try:
            server = RawDataServer(relayer.store, relayer.progress, relayer.queries, host, port)
            service = relayer.service()
            service.start()
            print(f"ready relayer={server.url}", flush=True)
            signals.event.wait()
            service.stop()
            server.close()
        finally:
            relayer.close()
