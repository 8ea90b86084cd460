"""L1 messages: what the L1 mailbox queues, and the L2 transaction that each becomes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from jovay.bridge.errors import FieldRangeError
from jovay.chain import rlp
from jovay.chain.types import L1_MESSAGE_TYPE

_ARGUMENTS = ("address", "address", "uint256", "uint256", "bytes", "address")
_SELECTOR = keccak(text=f"relayMsg({','.join(_ARGUMENTS)})")[:4]
NO_MESSAGES = bytes(32)


@dataclass(frozen=True, slots=True)
class L1Message:
    """Message number ``nonce`` of the L1 mailbox's queue; ``value`` in wei, addresses of 20 bytes."""

    sender: bytes
    target: bytes
    value: int
    nonce: int
    msg: bytes
    gas_limit: int
    refund_address: bytes

    def transaction(self) -> bytes:
        """0x7f ‖ RLP[nonce, gas, calldata of ``L2Mailbox.relayMsg``]."""
        for name, value in (("nonce", self.nonce), ("gas limit", self.gas_limit)):
            if not 0 <= value < 2**64:
                raise FieldRangeError(f"{name} of an L1 message", value, 2**64 - 1)
        arguments = (self.sender, self.target, self.value, self.nonce, self.msg, self.refund_address)
        data = _SELECTOR + encode(_ARGUMENTS, arguments)
        return bytes((L1_MESSAGE_TYPE,)) + rlp.encode([self.nonce, self.gas_limit, data])

    @property
    def hash(self) -> bytes:
        """The message hash, which is the hash of its L2 transaction."""
        return keccak(self.transaction())


def rolling_hash(message_hashes: Iterable[bytes], start: bytes = NO_MESSAGES) -> bytes:
    """keccak(… keccak(keccak(start ‖ h₀) ‖ h₁) …)."""
    for message_hash in message_hashes:
        start = keccak(start + message_hash)
    return start
