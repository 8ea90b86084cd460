"""Anvil, the development chain of Foundry, as a peer in tests and benchmarks.

The native binary is run without Node, and always with bounded memory: under a burst of transactions its
automine mode can stall and grow without limit, so loads should set a block time.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rigs import process
from rigs.paths import foundry_binary
from rigs.rpc import Rpc

CHAIN_ID = 31_337


@dataclass(frozen=True)
class Anvil:
    """A running anvil. HTTP and WebSocket share one port."""

    url: str
    ws_url: str
    process: subprocess.Popen[bytes]

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
    """Runs anvil for the length of a `with` block.

    Without `block_time` (seconds, fractions allowed) each transaction is mined at once. `accounts` keys come
    from the well-known test mnemonic. `extra` is handed on as further command-line words.
    """
    (port,) = process.free_ports(1)
    command = [str(foundry_binary("anvil")), "--port", str(port), "--host", "127.0.0.1", "--quiet"]
    command += ["--hardfork", hardfork, "--accounts", str(accounts), "--chain-id", str(CHAIN_ID)]
    if block_time is not None:
        command += ["--block-time", str(block_time)]
    if gas_limit is not None:
        command += ["--gas-limit", str(gas_limit)]
    command += extra
    with tempfile.TemporaryDirectory(prefix="anvil-") as folder:
        log = Path(folder) / "log"
        child = process.start(command, log, memory_mb)
        try:
            node = Anvil(f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}", child)
            process.wait_until(lambda: _answers(node), child, log, timeout=20.0)
            yield node
        finally:
            process.stop(child)


def _answers(node: Anvil) -> bool:
    client = node.rpc()
    try:
        return bool(client.call("eth_chainId") == hex(CHAIN_ID))
    except OSError:
        return False
    finally:
        client.close()
