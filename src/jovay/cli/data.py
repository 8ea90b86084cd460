"""``jovay snapshot``, ``jovay genesis`` and ``jovay config``: what a node starts from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from jovay.cli.options import settings_of, with_node_options
from jovay.config import default_datadir, variable_of

snapshot = typer.Typer(help="A whole chain in one file.", no_args_is_help=True)
genesis = typer.Typer(help="Genesis files.", no_args_is_help=True)

_DEFAULT = default_datadir()
DataDir = Annotated[
    Path, typer.Option(help="folder of the chain's data", metavar="DIR", envvar=variable_of("datadir"))
]


@contextmanager
def _errors() -> Iterator[None]:
    """Errors of storage as one line and status 1."""
    from jovay.chain.errors import ChainError
    from jovay.storage.errors import StorageError

    try:
        yield
    except (ChainError, StorageError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


@snapshot.command()
def save(
    file: Annotated[Path, typer.Argument(help="the file to write")],
    datadir: DataDir = _DEFAULT,
    recent: Annotated[int, typer.Option(min=1, help="blocks before the newest state that go with it")] = 256,
    level: Annotated[int, typer.Option(min=1, max=22, help="zstd level")] = 3,
) -> None:
    """Write the chain of a data directory that no node has open into one file."""
    with _errors():
        if not datadir.is_dir():
            raise FileNotFoundError(f"{datadir} is no data directory")
        from jovay.storage import snapshot as snapshots
        from jovay.storage.datadir import DataDirectory

        with DataDirectory(datadir) as directory:
            summary = snapshots.save(directory, file, recent=recent, level=level)
            height = directory.blocks.latest
    pairs = sum(summary["pairs"].values())
    typer.echo(
        f"saved block {height}: {summary['blocks']} blocks, {pairs} pairs, {file.stat().st_size} bytes"
    )


@snapshot.command()
def load(
    file: Annotated[Path, typer.Argument(help="a snapshot")],
    datadir: DataDir = _DEFAULT,
) -> None:
    """Make a data directory, absent or empty before, from a snapshot."""
    with _errors():
        from jovay.storage import snapshot as snapshots

        manifest = snapshots.load(file, datadir)
    typer.echo(f"loaded block {manifest['latest']} into {datadir}")


@snapshot.command()
def check(file: Annotated[Path, typer.Argument(help="a snapshot")]) -> None:
    """Check a snapshot's every digest, and print what it says of itself."""
    with _errors():
        from jovay.storage import snapshot as snapshots

        manifest = snapshots.verify(file)
    typer.echo(json.dumps(manifest, indent=2))


@genesis.command()
def show(
    file: Annotated[Path | None, typer.Argument(help="a genesis file; else the development genesis")] = None,
    chain_id: Annotated[int | None, typer.Option(min=1, help="another chain id")] = None,
) -> None:
    """Print a genesis as a node reads it, in geth's form."""
    with _errors():
        from dataclasses import replace

        from jovay.chain.development import development_genesis
        from jovay.chain.genesis import read, to_json

        chosen = development_genesis() if file is None else read(file)
        if chain_id is not None:
            chosen = replace(chosen, config=replace(chosen.config, chain_id=chain_id))
        typer.echo(json.dumps(to_json(chosen), indent=2))


@genesis.command("check")
def check_genesis(file: Annotated[Path, typer.Argument(help="a genesis file")]) -> None:
    """Check a genesis file; the status is 1 and the problem named if a node would not begin a chain from it."""
    with _errors():
        from jovay.chain.genesis import read
        from jovay.sequencer.opening import check_supported

        found = read(file)
        check_supported(found)
    fork = found.config.fork(found.number, found.timestamp)
    typer.echo(
        f"valid: chain id {found.config.chain_id}, {len(found.alloc)} accounts, "
        f"gas limit {found.gas_limit}, begins with {fork}"
    )


@with_node_options
def config(flags: dict[str, Any], file: Path | None) -> None:
    """Print the effective settings as TOML, each with the place it comes from."""
    from jovay.config import to_toml

    typer.echo(to_toml(settings_of(flags, file)), nl=False)
