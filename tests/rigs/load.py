"""Signed transfers in any number, and a client that sends them and remembers every receipt it was given."""

from __future__ import annotations

import http.client
import threading
from typing import Any

from coincurve import PrivateKey

from rigs.accounts import KEYS
from rigs.rpc import Rpc, RpcError
from rigs.transactions import keccak256, sign

GWEI = 10**9
FEE = 100 * GWEI


def address_of(key: str) -> bytes:
    """Address of a private key."""
    public = PrivateKey(bytes.fromhex(key[2:])).public_key.format(compressed=False)
    return keccak256(public[1:])[12:]


def transfer(key: str, nonce: int, to: bytes, value: int, chain_id: int, fee: int = FEE) -> bytes:
    """A signed EIP-1559 transfer."""
    fields = [chain_id, nonce, 0, fee, 21_000, to, value, b"", []]
    return sign(2, fields, bytes.fromhex(key[2:]))


class Sender(threading.Thread):
    """Sends transfers of one account in batches until stopped or cut off; ``receipts`` are all it was given."""

    def __init__(self, url: str, account: int, chain_id: int, batch: int = 40) -> None:
        super().__init__(daemon=True)
        self._rpc, self._key, self._chain_id, self._batch = Rpc(url), KEYS[account], chain_id, batch
        self._ending = threading.Event()
        self.receipts: dict[str, dict[str, Any]] = {}
        self.failure: BaseException | None = None

    def stop(self) -> None:
        """End after the running batch."""
        self._ending.set()
        self.join(30)

    def run(self) -> None:
        try:
            nonce = int(
                self._rpc.call("eth_getTransactionCount", "0x" + address_of(self._key).hex(), "latest"), 16
            )
            while not self._ending.is_set():
                nonce += self._send(nonce)
        except (OSError, http.client.HTTPException):
            pass  # the node was killed
        except BaseException as error:
            self.failure = error

    def _send(self, nonce: int) -> int:
        raws = [
            transfer(self._key, nonce + i, keccak256(b"%d" % (nonce + i))[12:], 1 + i, self._chain_id)
            for i in range(self._batch)
        ]
        hashes = self._rpc.batch([("eth_sendRawTransaction", ["0x" + raw.hex()]) for raw in raws])
        for result in hashes:
            if isinstance(result, RpcError):
                raise result
        waiting = set(hashes)
        while waiting and not self._ending.is_set():
            asked = sorted(waiting)
            answers = self._rpc.batch([("eth_getTransactionReceipt", [digest]) for digest in asked])
            for digest, receipt in zip(asked, answers, strict=True):
                if receipt is not None:
                    self.receipts[digest] = receipt
                    waiting.discard(digest)
        return self._batch
