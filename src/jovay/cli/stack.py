"""The two chains that a command talks to, and the account that it acts for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from jovay.bridge.l1.client import L1Client
    from jovay.bridge.l1.keys import Signer
    from jovay.bridge.wallet import Wallet
    from jovay.chain.settlement import Settlement

NODE_URL, L1_URL = "http://127.0.0.1:8545", "http://127.0.0.1:9545"
#: For the URL of L1, which often holds a secret: arguments are there for all on the machine to see.
L1_VARIABLE = "JOVAY_L1"

NodeUrl = Annotated[str, typer.Option("--node", metavar="URL", envvar="JOVAY_NODE", help="JSON-RPC of L2")]
L1Url = Annotated[str, typer.Option("--l1", metavar="URL", envvar=L1_VARIABLE, help="JSON-RPC of L1")]
GenesisFile = Annotated[
    Path | None,
    typer.Option(
        "--genesis", metavar="FILE", help="genesis of the chain; without it the node says which it is"
    ),
]
Key = Annotated[
    str,
    typer.Option(
        "--key",
        metavar="PLACE",
        envvar="JOVAY_KEY",
        help="keystore:FILE, env:NAME, URL#0xADDRESS of a remote signer, or dev:N for a development account",
    ),
]


class StackError(Exception):
    """What a command cannot go on from; the message is for the person who gave it."""


@dataclass(frozen=True)
class Stack:
    """Both chains; ``settlement`` says where the one settles on the other."""

    l2: L1Client
    l1: L1Client
    settlement: Settlement

    def wallets(self, place: str) -> tuple[Wallet, Wallet]:
        """The account that ``place`` names, on L1 and on L2."""
        from jovay.bridge.wallet import Wallet

        signer = self.signer(place)
        return Wallet(self.l1, signer), Wallet(self.l2, signer)

    def signer(self, place: str) -> Signer:
        """What signs with the key that ``place`` names."""
        from jovay.bridge.l1.keys import RawKey, open_signer
        from jovay.chain.development import DEVELOPMENT_KEYS

        kind, _, number = place.partition(":")
        if kind != "dev":
            return open_signer(place)
        if not self.settlement.is_on_development_l1:
            raise StackError(f"--key {place}: everybody knows that key; name one by keystore: or env:")
        if not number.isdigit() or int(number) >= len(DEVELOPMENT_KEYS):
            raise StackError(f"--key {place}: there are dev:0 to dev:{len(DEVELOPMENT_KEYS) - 1}")
        return RawKey(bytes.fromhex(DEVELOPMENT_KEYS[int(number)]))

    @cached_property
    def has_zk_verifier(self) -> bool:
        """Whether the next batch can become final at all."""
        from jovay.bridge.l1.contracts import Contract

        return any(Contract("Rollup", self.settlement.rollup).read(self.l1, "zk_verifier"))


def open_stack(node: str, l1: str, genesis: Path | None = None) -> Stack:
    """Both chains, checked to be the ones that belong together."""
    from jovay.bridge.l1.client import L1Client
    from jovay.chain.settlement import settlement_from_json

    l2_client, l1_client = L1Client(node), L1Client(l1)
    if genesis is None:
        settlement = settlement_from_json(l2_client.call("jovay_getSettlement"))
    else:
        settlement = settlement_of(genesis)
    l2_client.require_chain(settlement.config.chain_id)
    l1_client.require_chain(settlement.l1_chain_id)
    return Stack(l2_client, l1_client, settlement)


def settlement_of(genesis: Path) -> Settlement:
    """Where the chain of a genesis file settles."""
    from jovay.chain.genesis import read

    found = read(genesis).settlement
    if found is None:
        raise StackError(f"{genesis} is the genesis of a chain that does not settle on L1")
    return found


def role_signer(role: str, place: str | None, settlement: Settlement) -> Signer:
    """What signs with a role's key; on a development L1 the ``place`` may be left out."""
    from jovay.bridge.development import role_key
    from jovay.bridge.l1.keys import RawKey, open_signer

    if place is not None:
        return open_signer(place)
    if not settlement.is_on_development_l1:
        raise StackError(f"--{role}-key must be given, for L1 is no development chain")
    return RawKey(role_key(role))


@contextmanager
def told_errors() -> Iterator[None]:
    """Errors that a person can act on as one line, and status 1."""
    from jovay.bridge.errors import BridgeError
    from jovay.chain.errors import ChainError
    from jovay.prover.errors import ProverError

    try:
        yield
    except (StackError, BridgeError, ChainError, ProverError, ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
