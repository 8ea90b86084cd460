"""``jovay key``: keys of the roles that sign for a settled chain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jovay.cli import values
from jovay.cli.stack import L1_URL, L1Url, settlement_of, told_errors
from jovay.monitoring import logs

key = typer.Typer(help="Keys of a settled chain's roles.", no_args_is_help=True)

Place = Annotated[
    str, typer.Argument(metavar="PLACE", help="keystore:FILE, env:NAME or URL#0xADDRESS of a remote signer")
]


@key.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="keystore to write")],
    password_file: Annotated[
        Path | None,
        typer.Option("--password-file", metavar="FILE", help="its first line; else you are asked"),
    ] = None,
) -> None:
    """Make a key and write it, encrypted, where nothing is yet; print its address."""
    import secrets

    from jovay.bridge.l1.keys import RawKey, write_keystore

    with told_errors():
        if password_file is None:
            password: str = typer.prompt("password", hide_input=True, confirmation_prompt=True)
        else:
            password = password_file.read_text().split("\n")[0]
        secret = secrets.token_bytes(32)
        made = RawKey(secret)
        write_keystore(file, secret, password)
        typer.echo(f"0x{made.address.hex()}")


@key.command()
def address(place: Place) -> None:
    """Print the address of a key: whether it opens, and whose it is."""
    from jovay.bridge.l1.keys import open_signer

    with told_errors():
        signer = open_signer(place)
        signer.sign(b"jovay")
        typer.echo(f"0x{signer.address.hex()}")


@key.command("hand-over")
def hand_over(
    place: Place,
    successor: Annotated[str, typer.Argument(metavar="ADDRESS", help="who commits batches from then on")],
    genesis: Annotated[Path, typer.Option("--genesis", metavar="FILE", help="genesis of the settled chain")],
    datadir: Annotated[Path, typer.Option("--datadir", metavar="DIR", help="folder of the relayer, stopped")],
    url: L1Url = L1_URL,
    confirmations: Annotated[
        int, typer.Option("--confirmations", help="blocks of L1 to wait for", min=1)
    ] = 64,
    log_level: Annotated[str, typer.Option("--log-level", help="debug, info, warning or error")] = "info",
) -> None:
    """Hand a relayer's role to another key, behind all commits that are under way.

    Killed anywhere, the same command goes on.
    """
    from jovay.bridge.l1.client import L1Client
    from jovay.bridge.l1.keys import open_signer
    from jovay.bridge.l1.transactions import Policy
    from jovay.bridge.relayer import rotation

    logs.setup(log_level, "text")
    with told_errors():
        account, settlement = values.address(successor), settlement_of(genesis)
        policy = Policy(confirmations=confirmations)
        done = rotation.hand_over(settlement, L1Client(url), datadir, open_signer(place), account, policy)
    where = "before" if done is None else f"since block {done.block_number}: 0x{done.hash.hex()}"
    typer.echo(f"0x{account.hex()} is a relayer {where}")
