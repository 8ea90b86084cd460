"""What a user sends to L1 so that value or a call arrives on L2, and what comes of it there."""

from __future__ import annotations

from dataclasses import dataclass

from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract
from jovay.bridge.l1.records import L1Receipt
from jovay.chain.settlement import Settlement

#: Gas on L2 beyond what the mailbox asks for at least, for a bridge and its recipient.
CALL_GAS = 200_000
#: Bytes of the call that a bridge sends along: selector and words, metadata of a token included.
_ETH_CALL, _TOKEN_CALL = 4 + 3 * 32, 4 + 16 * 32


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transaction to send: ``value`` in wei."""

    to: bytes
    data: bytes
    value: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """An L1 message; ``transaction`` is the hash of its L2 transaction, known before that is executed."""

    nonce: int
    transaction: bytes


class Deposits:
    """Deposits of one chain."""

    def __init__(self, l1: L1Client, settlement: Settlement) -> None:
        self._l1 = l1
        self._mailbox = Contract("L1Mailbox", settlement.l1_mailbox)
        self._eth = Contract("L1ETHBridge", settlement.l1_eth_bridge)
        self._tokens = Contract("L1ERC20Bridge", settlement.l1_erc20_bridge)

    def eth(self, to: bytes, amount: int, refund: bytes) -> Transfer:
        """``amount`` wei for an account on L2; ``refund`` may take it back there if the account refuses."""
        gas, fee = self._gas(_ETH_CALL, CALL_GAS)
        data = self._eth.encode("deposit", to, amount, gas, refund)
        return Transfer(self._eth.address, data, amount + fee)

    def token(self, token: bytes, to: bytes, amount: int, refund: bytes) -> Transfer:
        """``amount`` of an ERC-20 on L1, which the sender must have approved for ``token_spender``."""
        known = self._tokens.read(self._l1, "isRegistered", token)
        more = CALL_GAS if known else self._tokens.read(self._l1, "FIRST_DEPOSIT_GAS")
        gas, fee = self._gas(_TOKEN_CALL, more)
        return Transfer(
            self._tokens.address, self._tokens.encode("deposit", token, to, amount, gas, refund), fee
        )

    @property
    def token_spender(self) -> bytes:
        """Who takes deposited tokens."""
        return self._tokens.address

    def message(self, target: bytes, value: int, data: bytes, refund: bytes, gas: int = CALL_GAS) -> Transfer:
        """A call of ``target`` on L2 in the sender's name: ``gas`` is for that call."""
        limit, fee = self._gas(len(data), gas)
        call = self._mailbox.encode("sendMsg", target, value, data, limit, refund)
        return Transfer(self._mailbox.address, call, value + fee)

    def sent(self, receipt: L1Receipt) -> list[Sent]:
        """The messages that a transaction on L1 sent."""
        events = (self._mailbox.event(log) for log in receipt.logs)
        return [
            Sent(e.args["nonce"], e.args["hash"]) for e in events if e is not None and e.name == "SentMsg"
        ]

    def _gas(self, data_length: int, call: int) -> tuple[int, int]:
        """Gas limit of a message, and the mailbox's fee for it in wei."""
        least = self._mailbox.read(self._l1, "minGas", data_length)
        most = self._mailbox.read(self._l1, "l2GasLimit")
        gas = min(least + call, most)
        return gas, self._mailbox.read(self._l1, "estimateMsgFee", gas)
