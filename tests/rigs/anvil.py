"""Anvil, the development chain of Foundry, as a peer in tests and benchmarks, and as their L1."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jovay.bridge.errors import AnvilError
from jovay.bridge.l1 import anvil as program
from jovay.chain.settlement import DEVELOPMENT_L1
from rigs import process
from rigs.paths import MissingToolError
from rigs.rpc import Rpc

CHAIN_ID = DEVELOPMENT_L1


class Anvil(program.Anvil):
    """A running anvil with a JSON-RPC client for tests."""

    def rpc(self) -> Rpc:
        """A fresh client of its own connection."""
        return Rpc(self.url)


@contextmanager
def anvil(
    *,
    block_time: float | None = None,
    gas_limit: int | None = None,
    hardfork: str = "osaka",
    accounts: int = 10,
    memory_mb: int = 6_144,
    extra: Sequence[str] = (),
) -> Iterator[Anvil]:
    """Runs anvil for the length of a `with` block; the settings are those of `jovay.bridge.l1.anvil`.

    Raises MissingToolError when it is not installed.
    """
    try:
        program.binary()
    except AnvilError as missing:
        raise MissingToolError(str(missing)) from missing
    (port,) = process.free_ports(1)
    settings = program.Settings(port, block_time, gas_limit, hardfork, accounts, memory_mb, extra)
    with (
        tempfile.TemporaryDirectory(prefix="anvil-") as folder,
        Anvil(settings, Path(folder), keep=False) as node,
    ):
        yield node
