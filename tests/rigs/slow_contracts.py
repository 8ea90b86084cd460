"""Contracts that take long for their gas: they verify KZG openings until little gas is left."""

from __future__ import annotations

import http.client
import threading
from typing import Any

from rigs.accounts import KEYS
from rigs.assembly import asm
from rigs.load import FEE, address_of
from rigs.rpc import Rpc
from rigs.transactions import sign

#: A valid call of the point evaluation precompile: versioned hash, z, y, commitment, proof.
OPENING = bytes.fromhex(
    "01e798154708fe7789429634053cbf9f99b619f9f084048927333fce637f549b564c0a11a0f704f4fc3e8acfe0f8245f"
    "0ad1347b378fbf96e206da11a5d3630624d25032e67a7e6a4910df5834b8fe70e6bcfeeac0352434196bdf4b2485d5a1"
    "8f59a8d2a1a625a17f3fea0fe5eb8c896db3764f3185481bc22f91b4aaffcca25f26936857bc3a7c2539ea8ec3a952b7"
    "873033e038326e87ed3e1276fd140253fa08e9fc25fb2d9a98527fc22a2c9612fbeafdad446cbc7bcdbdcd780af2c16a"
)
#: Gas of 2²⁴, the most that a transaction may have from Osaka on: about 330 openings, half a second.
MOST_GAS = 1 << 24


def openings(before: bytes = b"", after: bytes = b"", left: int = 200_000, at: int = 0) -> bytes:
    """Code that runs ``before``, verifies openings while it has more gas than ``left``, and runs ``after``.

    The calldata is ``OPENING``; neither part may leave anything on the stack, nor jump. It begins at ``at``.
    """
    start = asm(192, 0, 0, "calldatacopy") + before
    again = at + len(start)
    loop = asm("jumpdest", 0, 0, 192, 0, 10, 60_000, "staticcall pop", left, "gas gt", again, "jumpi")
    return start + loop + after + asm("stop")


class HeavySender(threading.Thread):
    """Sends one heavy transaction after the other until stopped or cut off; ``receipts`` are all it was given."""

    def __init__(self, url: str, account: int, chain_id: int, gas: int = 1_500_000) -> None:
        super().__init__(daemon=True)
        self._rpc, self._key, self._chain_id, self._gas = Rpc(url), KEYS[account], chain_id, gas
        self._ending = threading.Event()
        self.receipts: dict[str, dict[str, Any]] = {}
        self.failure: BaseException | None = None

    def stop(self) -> None:
        """End after the running transaction."""
        self._ending.set()
        self.join(60)

    def run(self) -> None:
        try:
            code = openings()
            contract = self._send(b"", asm(len(code), "dup1", 9, 0, "codecopy", 0, "return") + code)
            while not self._ending.is_set():
                self._send(bytes.fromhex(contract["contractAddress"][2:]), OPENING)
        except (OSError, http.client.HTTPException):
            pass  # the node was killed
        except BaseException as error:
            self.failure = error

    def _send(self, to: bytes, data: bytes) -> dict[str, Any]:
        sender = "0x" + address_of(self._key).hex()
        nonce = int(self._rpc.call("eth_getTransactionCount", sender, "latest"), 16)
        fields = [self._chain_id, nonce, 1, FEE, self._gas, to, 0, data, []]
        raw = sign(2, fields, bytes.fromhex(self._key[2:]))
        receipt = self._rpc.call("eth_sendRawTransactionSync", "0x" + raw.hex(), 60_000)
        assert receipt["status"] == "0x1"
        self.receipts[receipt["transactionHash"]] = receipt
        return dict(receipt)
