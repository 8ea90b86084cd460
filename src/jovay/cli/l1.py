"""``jovay l1``: an L1 of one's own, and the contracts that a chain settles by."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jovay.cli.stack import L1_URL, L1Url, settlement_of, told_errors
from jovay.monitoring import logs

if TYPE_CHECKING:
    from jovay.bridge.l1.client import L1Client
    from jovay.bridge.l1.deploy import Deployed

l1 = typer.Typer(
    help="L1: a chain of one's own for development, and the contracts there.", no_args_is_help=True
)

PORT = 9_545
LogLevel = Annotated[str, typer.Option("--log-level", help="debug, info, warning or error")]


@l1.command()
def start(
    datadir: Annotated[
        Path, typer.Option("--datadir", metavar="DIR", help="folder of its chain and its log")
    ],
    port: Annotated[int, typer.Option("--port", help="HTTP and WebSocket, on 127.0.0.1")] = PORT,
    block_time: Annotated[
        float, typer.Option("--block-time", metavar="SECONDS", help="between two blocks")
    ] = 1.0,
    log_level: LogLevel = "info",
) -> None:
    """Run anvil, whose chain goes on where it was stopped or killed.

    Prints a line that begins with "ready"; SIGINT and SIGTERM end it.
    """
    from jovay.bridge.errors import AnvilError
    from jovay.bridge.l1.anvil import Anvil, Settings
    from jovay.cli.running import StopSignal

    logs.setup(log_level, "text")
    signals = StopSignal()
    with told_errors(), signals.installed(), Anvil(Settings(port, block_time), datadir) as node:
        signals.serve()
        print(f"ready l1={node.url}", flush=True)
        while not signals.event.wait(0.5):
            if (status := node.process.poll()) is not None:
                raise AnvilError(f"anvil ended with {status}; its log is in {datadir}")


@l1.command()
def deploy(
    url: L1Url = L1_URL,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="genesis to write; beside it lies what was sent")
    ] = Path("genesis.json"),
    settings: Annotated[
        Path | None,
        typer.Option("--settings", metavar="FILE", help="TOML with what is chosen (docs/deployment.md)"),
    ] = None,
    dev: Annotated[
        bool,
        typer.Option(
            "--dev", help="instead: roles' keys that everybody knows, the simulated TEE, funds on L2"
        ),
    ] = False,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="PLACE", help="who deploys: keystore:FILE, env:NAME or URL#0xADDRESS"),
    ] = None,
    max_fee: Annotated[int, typer.Option("--max-fee", metavar="GWEI", help="per gas on L1")] = 300,
    confirmations: Annotated[int, typer.Option("--confirmations", help="blocks of L1 to wait for")] = 3,
    log_level: LogLevel = "info",
) -> None:
    """Deploy the contracts and write the genesis of the chain that settles by them.

    Killed anywhere, the same command goes on; once all is done, it changes nothing. With --dev it sees each time that
    the enclave installed here is allowed, and collateral fresh.
    """
    from jovay.bridge.l1.client import L1Client
    from jovay.native.kernel import load_visibly

    if dev == (settings is not None) or (settings is not None and key is None):
        typer.echo("error: give either --dev, or --settings with --key", err=True)
        raise typer.Exit(2)
    logs.setup(log_level, "text")
    load_visibly()
    with told_errors():
        client = L1Client(url)
        if settings is None or key is None:
            from jovay.prover.development import deploy_development

            deployed = deploy_development(client, out)
        else:
            deployed = _deploy(client, out, settings, key, max_fee, confirmations)
    _tell(deployed, out)


@l1.command()
def collateral(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Intel's, in dcap-qvl's JSON")],
    genesis: Annotated[Path, typer.Option("--genesis", metavar="FILE", help="genesis of the settled chain")],
    key: Annotated[
        str,
        typer.Option("--key", metavar="PLACE", help="any account: keystore:FILE, env:NAME or URL#0xADDRESS"),
    ],
    url: L1Url = L1_URL,
    within: Annotated[int, typer.Option("--within", metavar="DAYS", help="renew what ends so soon")] = 10,
    log_level: LogLevel = "info",
) -> None:
    """Post collateral to L1 when what is there ends soon; else do nothing. To be run daily with fresh documents."""
    from jovay.bridge.l1.client import L1Client
    from jovay.bridge.l1.contracts import Contract
    from jovay.bridge.l1.deployment import DAY
    from jovay.bridge.l1.keys import open_signer
    from jovay.bridge.l1.series import send_once
    from jovay.prover.tee.collateral import Documents

    logs.setup(log_level, "text")
    with told_errors():
        settlement, documents = settlement_of(genesis), Documents.from_json(file.read_text())
        client, contract = L1Client(url), Contract("TEECollateral", settlement.tee_collateral)
        client.require_chain(settlement.l1_chain_id)
        if steps := documents.renewal(client, contract, within * DAY):
            send_once(client, open_signer(key), steps, settlement.l1_chain_id)
        until = datetime.fromtimestamp(documents.expiry(client, contract), UTC)
        typer.echo(f"{'renewed' if steps else 'unchanged'}: it holds until {until:%Y-%m-%d %H:%M:%S} UTC")


def _deploy(
    client: L1Client, out: Path, settings: Path, key: str, max_fee: int, confirmations: int
) -> Deployed:
    from jovay.bridge.l1 import deploy as contracts
    from jovay.bridge.l1.fees import GWEI, Ceilings
    from jovay.bridge.l1.keys import open_signer
    from jovay.prover.deployment_file import read

    chosen = read(settings)
    return contracts.deploy(
        client, open_signer(key), chosen.settings(client.chain_id()), out, chosen.postings,
        Ceilings(max_fee * GWEI), confirmations,
    )  # fmt: skip


def _tell(deployed: Deployed, out: Path) -> None:
    receipts = deployed.receipts
    for name, receipt in receipts:
        typer.echo(f"{receipt.gas_used:>12,} gas  block {receipt.block_number}  {name}")
    if receipts:
        gas, cost = (
            sum(amounts) for amounts in zip(*((one.gas_used, one.cost) for _, one in receipts), strict=True)
        )
        typer.echo(f"{gas:>12,} gas  {cost / 10**18:.6f} ether")
    settlement = deployed.genesis.settlement
    typer.echo(f"{out}: {'deployed' if receipts else 'was deployed before'}")
    for name, address in ({} if settlement is None else settlement.to_json()).items():
        if isinstance(address, str):
            typer.echo(f"{name:>16} {address}")
