"""``jovay follow``, ``jovay verify-batch`` and ``jovay exit``: the chain from L1 alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jovay.cli.node import serve_until_the_end
from jovay.cli.options import settings_of, with_node_options
from jovay.cli.stack import L1_URL, L1Url, StackError, settlement_of, told_errors
from jovay.cli.values import address
from jovay.monitoring import logs

if TYPE_CHECKING:
    from jovay.backend.l1 import L1Settings
    from jovay.prover.verification import BatchVerification, Finding

Genesis = Annotated[Path, typer.Option("--genesis", metavar="FILE", help="genesis of the chain")]
Beacon = Annotated[str | None, typer.Option("--beacon", metavar="URL", help="beacon API of L1")]
Archive = Annotated[
    str | None, typer.Option("--archive", metavar="URL", help="archive of blobs (Blobscan's interface)")
]
Raw = Annotated[
    str | None, typer.Option("--raw-data", metavar="URL", help="a relayer's or another node's raw data")
]
DataDir = Annotated[
    Path | None,
    typer.Option("--datadir", metavar="DIR", help="a follower's or node's data, which nobody has open"),
]
#: What a follower needs to answer by itself, without making anything.
_QUIET: dict[str, Any] = {"http_port": 0, "follow": True, "metrics": False, "log_level": "warning"}


@with_node_options
def follow(flags: dict[str, Any], file: Path | None) -> None:
    """Derive the chain from L1 alone, and serve what can be read of it.

    Ends with status 1 when L1 was told something else of a batch than what its blocks lead to.
    """
    config = settings_of(flags, file, {"follow": True}).config
    if config.l1 is None or config.genesis is None:
        typer.echo("error: --l1 and --genesis say what to follow", err=True)
        raise typer.Exit(2)
    raise typer.Exit(serve_until_the_end(config))


def verify_batch(
    number: Annotated[int, typer.Argument(min=1, help="the batch")],
    genesis: Genesis,
    l1: L1Url = L1_URL,
    beacon: Beacon = None,
    archive: Archive = None,
    raw_data: Raw = None,
    datadir: DataDir = None,
    node: Annotated[
        str | None, typer.Option("--node", metavar="URL", help="a node that has the blocks")
    ] = None,
) -> None:
    """Fetch a batch, execute it again, and compare it with the claims on L1; a line for each check.

    State and code come from a data directory or a node, and nothing of that is believed. The status is 0 if all is
    right.
    """
    from jovay.backend.l1 import L1Settings

    logs.setup("error", "text")
    settings = L1Settings(l1, beacon, archive, raw_data)
    right = True
    with told_errors(), _node_url(node, datadir, genesis) as url:
        for finding in _findings(settings, genesis, url, number):
            sign = {True: "pass", False: "FAIL", None: "  - "}[finding.right]
            typer.echo(f"{sign}  {finding.what}" + (f": {finding.detail}" if finding.detail else ""))
            right = right and finding.right is not False
    raise typer.Exit(0 if right else 1)


@contextmanager
def _node_url(url: str | None, datadir: Path | None, genesis: Path) -> Iterator[str]:
    """JSON-RPC of a node, or of one that is started over a data directory for the while."""
    if url is not None:
        yield url
        return
    if datadir is None or not datadir.is_dir():
        raise StackError("--node or --datadir says who has the blocks")
    from jovay.config import NodeConfig
    from jovay.native.kernel import load_visibly
    from jovay.node import Node

    load_visibly()
    running = Node(NodeConfig(datadir=datadir, genesis=genesis, **_QUIET))
    try:
        running.start()
        yield running.http_url
    finally:
        running.stop()


def batch_verification(settings: L1Settings, genesis: Path, node: str) -> BatchVerification:
    """Of the L1 that these settings name, read to its end."""
    from jovay.bridge.l1.client import L1Client
    from jovay.bridge.l1.record import L1Record
    from jovay.native import kernel
    from jovay.prover.batch import BatchExecutor
    from jovay.prover.verification import BatchVerification, witnesses_of

    settlement = settlement_of(genesis)
    reader = settings.reader(settlement, L1Record(None), None)
    while reader.step():
        pass
    return BatchVerification(
        reader, settings.sources(settlement), witnesses_of(L1Client(node)), BatchExecutor(kernel.load())
    )


def _findings(settings: L1Settings, genesis: Path, node: str, number: int) -> Iterator[Finding]:
    from jovay.bridge.errors import BridgeError, L1Error
    from jovay.bridge.l1.following_errors import DataUnavailableError
    from jovay.prover.errors import ProverError
    from jovay.prover.verification import Finding

    try:
        yield from batch_verification(settings, genesis, node).findings(number)
    except (L1Error, DataUnavailableError):
        raise
    except (BridgeError, ProverError) as error:
        yield Finding("what comes next", False, str(error))


def leave(
    account: Annotated[str, typer.Argument(metavar="ADDRESS", help="who leaves; anyone may send it")],
    datadir: Annotated[
        Path, typer.Option("--datadir", metavar="DIR", help="a follower's data, which nobody has open")
    ],
    genesis: Genesis,
    l1: L1Url = L1_URL,
    token: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="an ERC-20 on L1 instead of ether")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="PLACE", help="who pays for the transaction; without it, it is printed"
        ),
    ] = None,
) -> None:
    """After exodus: take an account's ether or tokens out of the last final state, by a proof of it."""
    from jovay.backend.l1 import RECORD
    from jovay.bridge.follower.exits import Exits
    from jovay.bridge.l1.client import L1Client
    from jovay.bridge.l1.record import L1Record
    from jovay.bridge.wallet import Wallet
    from jovay.chain.genesis import read
    from jovay.cli.stack import Stack
    from jovay.config import NodeConfig
    from jovay.native.kernel import load_visibly
    from jovay.node import trie_leaves
    from jovay.storage.datadir import DataDirectory

    logs.setup("error", "text")
    with told_errors():
        found = read(genesis)
        if found.settlement is None:
            raise StackError(f"{genesis} is the genesis of a chain that does not settle on L1")
        if not (datadir / RECORD).is_file():
            raise StackError(f"{datadir} is no follower's data directory")
        client, who = L1Client(l1), address(account)
        with DataDirectory(datadir) as data:
            exits = Exits(
                load_visibly(), data, found, L1Record(datadir / RECORD), client, trie_leaves(NodeConfig())
            )
            way = exits.ether(who) if token is None else exits.token(who, address(token))
        typer.echo(f"amount {way.amount}")
        typer.echo(f"to     0x{way.hatch.hex()}")
        if key is None:
            typer.echo(f"data   0x{way.data.hex()}")
            return
        wallet = Wallet(client, Stack(client, client, found.settlement).signer(key))
        typer.echo(f"sent   0x{wallet.transact(way.hatch, way.data).transaction_hash.hex()}")
