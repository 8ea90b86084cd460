"""``jovay prover``: the controller, and the TEE and ZK provers that work for it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from jovay.cli.proofs import SetupFile
from jovay.cli.stack import L1_VARIABLE, StackError, role_signer, settlement_of, told_errors
from jovay.cli.values import host_and_port
from jovay.monitoring import logs

if TYPE_CHECKING:
    from jovay.chain.settlement import Settlement
    from jovay.cli.running import StopSignal
    from jovay.prover.tee.registration import Registrar
    from jovay.prover.worker import Worker

prover = typer.Typer(help="Provers of batches, and the controller that they work for.", no_args_is_help=True)

LISTEN, CONTROLLER = "127.0.0.1:8560", "http://127.0.0.1:8560"
_END_SECONDS = 10.0
_TRANSACTIONS = "registrar.sqlite3"

DataDir = Annotated[
    Path, typer.Option("--datadir", metavar="DIR", help="folder of what must outlive the process")
]
RegistrarKey = Annotated[
    str | None,
    typer.Option(
        "--registrar-key",
        metavar="PLACE",
        help="pays for registration: keystore:FILE, env:NAME, or URL#0xADDRESS of a remote signer; on a"
        " development L1 (chain id 31337) it may be left out",
    ),
]
Platform = Annotated[
    str, typer.Option("--platform", help="tsm (Intel TDX), or simulated: for development chains only")
]
ArenaMib = Annotated[
    int, typer.Option("--arena-mib", min=256, help="address space that the execution of a chunk may use")
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="chunks that are executed at a time")]
LogLevel = Annotated[str, typer.Option("--log-level", help="debug, info, warning or error")]
LogFormat = Annotated[Literal["text", "json"], typer.Option("--log-format", help="text or json")]


@prover.command()
def controller(
    node: Annotated[
        str, typer.Option("--node", metavar="URL", help="JSON-RPC of L2, which has the witnesses")
    ],
    datadir: DataDir,
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
    with told_errors():
        host, port = host_and_port(listen, "--listen")
        service = Controller(datadir, L1Client(node))
        server = ControllerServer(service, host, port)
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
def tee(
    genesis: Annotated[Path, typer.Option("--genesis", metavar="FILE", help="genesis of the settled chain")],
    datadir: DataDir,
    l1: Annotated[str, typer.Option("--l1", metavar="URL", envvar=L1_VARIABLE, help="JSON-RPC of L1")],
    registrar_key: RegistrarKey = None,
    controller: Annotated[str, typer.Option("--controller", metavar="URL", help="for whom")] = CONTROLLER,
    platform: Platform = "tsm",
    arena_mib: ArenaMib = 32 << 10,
    workers: Workers = 1,
    log_level: LogLevel = "info",
    log_format: LogFormat = "text",
) -> None:
    """Attest batches in an enclave. Prints a line that begins with "ready"; SIGINT and SIGTERM end it."""
    from jovay.bridge.controller_client import ControllerClient
    from jovay.cli.running import StopSignal, patiently
    from jovay.native.kernel import load_visibly
    from jovay.prover.tee.enclave import PLATFORMS
    from jovay.prover.tee.worker import TeeWorker

    logs.setup(log_level, log_format)
    signals = StopSignal()
    with told_errors(), signals.installed():
        if platform not in PLATFORMS:
            raise StackError(f"--platform {platform}: must be {' or '.join(PLATFORMS)}")
        try:
            settlement = settlement_of(genesis)
            load_visibly()
            registrar = patiently(lambda: _registrar(settlement, l1, registrar_key, datadir), signals)
            worker = TeeWorker(
                ControllerClient(controller),
                registrar,
                settlement,
                platform,
                arena_mib=arena_mib,
                workers=workers,
            )
            identity = worker.start().identity
        except KeyboardInterrupt:
            raise typer.Exit(0) from None
        signals.serve()
        print(
            f"ready tee platform={identity.platform} enclave=0x{identity.enclave.hex()}"
            f" measurement=0x{identity.measurement.hex()}",
            flush=True,
        )
        _work(worker, signals)
        registrar.close()


@prover.command()
def zk(
    controller: Annotated[str, typer.Option("--controller", metavar="URL", help="for whom")] = CONTROLLER,
    setup: SetupFile = None,
    log_level: LogLevel = "info",
    log_format: LogFormat = "text",
) -> None:
    """Prove batches in the zkVM. Prints a line that begins with "ready"; SIGINT and SIGTERM end it."""
    from functools import partial

    from jovay.bridge.controller_client import ControllerClient
    from jovay.cli.running import StopSignal
    from jovay.native.kernel import load_visibly
    from jovay.prover.zk.batch import batch_program, make_prover, setup_of
    from jovay.prover.zk.process import ProvingProcess
    from jovay.prover.zk.worker import ZkWorker

    logs.setup(log_level, log_format)
    signals = StopSignal()
    with told_errors(), signals.installed():
        load_visibly()
        digest = f"0x{batch_program(setup_of(setup)).digest.hex()}"
        worker = ZkWorker(
            ControllerClient(controller), ProvingProcess(partial(make_prover, setup)), {"program": digest}
        )
        signals.serve()
        print(f"ready zk program={digest}", flush=True)
        _work(worker, signals)


def _registrar(settlement: Settlement, l1: str, key: str | None, datadir: Path) -> Registrar:
    from jovay.bridge.l1.client import L1Client
    from jovay.bridge.l1.transactions import TxManager
    from jovay.prover.tee.registration import Registrar

    client = L1Client(l1)
    client.require_chain(settlement.l1_chain_id)
    datadir.mkdir(parents=True, exist_ok=True)
    signer = role_signer("registrar", key, settlement)
    return Registrar(client, settlement, TxManager(client, signer, datadir / _TRANSACTIONS))


def _work(worker: Worker, signals: StopSignal) -> None:
    """Until a signal comes; then a batch at hand has some time to end."""
    thread = threading.Thread(target=worker.run, name="worker")
    thread.start()
    signals.event.wait()
    worker.stop()
    thread.join(_END_SECONDS)
    if thread.is_alive():
        worker.kill()
        thread.join()


@prover.command()
def measure(platform: Platform = "tsm") -> None:
    """Print the measurement of the enclave on this machine: what TEEVerifier must allow."""
    from jovay.native.kernel import load_visibly
    from jovay.prover.tee.launch import measurement_of

    load_visibly()
    with told_errors():
        print(f"0x{measurement_of(platform).hex()}")
