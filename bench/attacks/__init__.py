"""Hostile loads, one function each: it prepares an attack on a node, and returns what is then done over and over.

An attack may do what anybody may who reaches the node's port and owns some of its ether; ``python -m bench.attacks
NAME`` runs one in a process of its own, which ``bench.hostile`` starts beside its probes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..loads.accounts import Call, accounts, sign
from ..measuring.client import Connection, binary_body

Step = Callable[[], object]
"""Something that is repeated on a thread of its own until the measurement ends."""


@dataclass(frozen=True)
class Target:
    """A node over the benchmarks' genesis with ``count`` funded accounts; attackers have the first hundred."""

    url: str
    count: int

    def connect(self) -> Connection:
        """A connection of one's own: a step shares none with others."""
        return Connection(self.url)

    def signed(self, calls: Sequence[Call]) -> list[bytes]:
        """Raw transactions of the accounts that the calls name."""
        return sign(accounts(self.count), calls)


Attack = Callable[[Target], Sequence[Step]]


def ask(connection: Connection, method: str, *parameters: Any) -> Any:
    """The result of one call; an error is raised."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    answer = json.loads(
        connection.send(connection.request("/", "application/json", json.dumps(body).encode()))
    )
    if "error" in answer:
        raise RuntimeError(f"{method} was refused: {answer['error']}")
    return answer["result"]


class Attacker:
    """One of the accounts, with its next nonce."""

    def __init__(self, target: Target, index: int) -> None:
        self.target, self.index, self.connection = target, index, target.connect()
        self.address = accounts(target.count).address(index)
        self.nonce = int(self.ask("eth_getTransactionCount", "0x" + self.address.hex(), "latest"), 16)

    def ask(self, method: str, *parameters: Any) -> Any:
        """The result of one call; an error is raised."""
        return ask(self.connection, method, *parameters)

    def sign(self, to: bytes, data: bytes = b"", gas: int = 21_000, value: int = 0) -> bytes:
        """A transaction with the next nonce."""
        self.nonce += 1
        return self.target.signed([Call(self.index, self.nonce - 1, to, value, data, gas)])[0]

    def send(self, to: bytes, data: bytes = b"", gas: int = 21_000, value: int = 0) -> Any:
        """The receipt of a transaction with the next nonce."""
        return self.ask("eth_sendRawTransactionSync", "0x" + self.sign(to, data, gas, value).hex(), 20_000)

    def send_batch(self, raws: Sequence[bytes]) -> bytes:
        """The answer to a batch over the binary channel."""
        request = self.connection.request("/batch", "application/octet-stream", binary_body(raws))
        return self.connection.send(request)

    def deploy(self, runtime: bytes) -> bytes:
        """Address of a new contract with this code."""
        size = len(runtime).to_bytes(2, "big")
        creation = b"\x61" + size + b"\x80\x60\x0a\x5f\x39\x5f\xf3" + runtime
        receipt = self.send(b"", creation, 100_000 + 300 * len(creation))
        if receipt["status"] != "0x1":
            raise RuntimeError(f"the contract could not be deployed: {receipt}")
        return bytes.fromhex(receipt["contractAddress"][2:])
