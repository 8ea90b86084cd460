"""An account that sends plain transactions to a chain and waits for them, as a person with a wallet does.

The relayer's transactions, which must survive fee spikes and restarts, are sent otherwise.
"""

from __future__ import annotations

import time

from jovay.bridge.errors import L1RpcError, TransactionFailedError
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import reason
from jovay.bridge.l1.keys import Signer, signed
from jovay.bridge.l1.records import L1Receipt
from jovay.chain.types import Transaction

_POLL = 0.1
_PRIORITY = 10**9
#: Gas that is given beyond the estimate, in hundredths of it.
_MARGIN = 20


class Wallet:
    """One account on one chain; for one thread."""

    def __init__(self, client: L1Client, signer: Signer) -> None:
        self.client, self.signer = client, signer
        self._chain_id = client.chain_id()

    @property
    def address(self) -> bytes:
        return self.signer.address

    def send(
        self,
        to: bytes | None,
        data: bytes = b"",
        value: int = 0,
        gas: int | None = None,
        nonce: int | None = None,
    ) -> bytes:
        """Sign and send; the hash. Raises ``TransactionFailedError`` where it would revert.

        ``gas`` and ``nonce`` are found out where they are not given.
        """
        if gas is None:
            gas = self._estimate(to, data, value)
        block = self.client.block()
        base_fee = 0 if block is None else block.base_fee
        tip = min(self.client.priority_fee(), _PRIORITY)
        unsigned = Transaction(
            type=2,
            hash=bytes(32),
            sender=self.address,
            nonce=self.client.nonce(self.address, "pending") if nonce is None else nonce,
            gas=gas,
            to=to,
            value=value,
            input=data,
            max_fee_per_gas=2 * base_fee + tip,
            max_priority_fee_per_gas=tip,
            chain_id=self._chain_id,
            access_list=(),
        )
        return self.client.send_raw(signed(unsigned, self.signer))

    def transact(
        self,
        to: bytes | None,
        data: bytes = b"",
        value: int = 0,
        gas: int | None = None,
        timeout: float = 120.0,
    ) -> L1Receipt:
        """Send and wait. Raises ``TransactionFailedError`` if it reverts or is not mined in ``timeout`` seconds."""
        sent = self.send(to, data, value, gas)
        receipt = wait_for(self.client, sent, timeout)
        if receipt is None:
            raise TransactionFailedError(sent, f"not mined within {timeout:.0f} s")
        if not receipt.succeeded:
            raise TransactionFailedError(sent, "it reverted")
        return receipt

    def _estimate(self, to: bytes | None, data: bytes, value: int) -> int:
        try:
            found = self.client.estimate(to, data, self.address, value)
        except L1RpcError as error:
            if error.revert_data is None:
                raise
            raise TransactionFailedError(None, f"it would revert: {reason(error.revert_data)}") from error
        return found + found * _MARGIN // 100


def wait_for(client: L1Client, transaction_hash: bytes, timeout: float) -> L1Receipt | None:
    """The receipt, or None if it does not come in ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while (receipt := client.receipt(transaction_hash)) is None and time.monotonic() < deadline:
        time.sleep(_POLL)
    return receipt
