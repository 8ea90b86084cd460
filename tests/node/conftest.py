"""A development node in this process, and what tests do with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jovay.chain.development import CHAIN_ID, development_genesis
from jovay.chain.genesis import to_json
from jovay.config import NodeConfig
from jovay.node import Node
from rigs.accounts import KEYS
from rigs.load import FEE, address_of
from rigs.rpc import Rpc
from rigs.transactions import sign

SETTINGS: dict[str, Any] = {"dev": True, "http_port": 0, "heartbeat": 0.0, "workers": 2, "sync": False}


#: Tables that state soon fills, for blocks of one large transaction.
SMALL_TABLES = {"accounts": 30_000, "slots": 36_000, "block_gas_limit": 17_000_000}

opened: list[Rpc] = []


@pytest.fixture(autouse=True)
def connections() -> Iterator[None]:
    """Closes what a test opened."""
    yield
    while opened:
        opened.pop().close()


class Client:
    """JSON-RPC to a node, with signed transactions of one development account after another."""

    def __init__(self, node: Node, account: int = 0) -> None:
        self.node, self.rpc, self.key = node, Rpc(node.http_url), KEYS[account]
        opened.append(self.rpc)
        self.address = address_of(self.key)

    def __call__(self, method: str, *params: Any) -> Any:
        return self.rpc.call(method, *params)

    def number(self, method: str, *params: Any) -> int:
        """A QUANTITY."""
        return int(self.rpc.call(method, *params), 16)

    def raw(self, to: bytes, value: int = 0, data: bytes = b"", **changes: int) -> bytes:
        """A signed transaction of type 2 with the next nonce; ``changes``: nonce, gas, tip, fee."""
        values = {"gas": 1_000_000, "tip": 1, "fee": FEE} | changes
        nonce = values.get("nonce")
        if nonce is None:
            nonce = self.next_nonce()
        fields = [CHAIN_ID, nonce, values["tip"], values["fee"], values["gas"], to, value, data, []]
        return sign(2, fields, bytes.fromhex(self.key[2:]))

    def number_of_time(self, block: int | str) -> int:
        """Time stamp of a block."""
        found = self.rpc.call("eth_getBlockByNumber", block if isinstance(block, str) else hex(block), False)
        return int(found["timestamp"], 16)

    def next_nonce(self) -> int:
        """Nonce of the account after its pooled transactions."""
        return self.number("eth_getTransactionCount", hexed(self.address), "pending")

    def send(self, to: bytes, value: int = 0, data: bytes = b"", **changes: int) -> dict[str, Any]:
        """Receipt of a transaction."""
        answer: dict[str, Any] = self(
            "eth_sendRawTransactionSync", hexed(self.raw(to, value, data, **changes)), 10_000
        )
        return answer


def genesis_with(folder: Path, accounts: dict[bytes, dict[str, Any]]) -> Path:
    """The development genesis with these accounts too, as geth writes them, in a file."""
    document = to_json(development_genesis(CHAIN_ID))
    document["alloc"] |= {address.hex(): account for address, account in accounts.items()}
    path = folder / "genesis.json"
    path.write_text(json.dumps(document))
    return path


def hexed(data: bytes) -> str:
    """DATA."""
    return "0x" + data.hex()


def unhexed(text: str) -> bytes:
    """The bytes of DATA."""
    return bytes.fromhex(text[2:])


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that makes blocks only when there is something in them."""
    started = Node(NodeConfig(datadir=tmp_path_factory.mktemp("node"), **SETTINGS))
    started.start()
    yield started
    started.stop()


@pytest.fixture
def client(node: Node) -> Client:
    """A client with the first account."""
    return Client(node)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory."""
    return tmp_path / "data"
