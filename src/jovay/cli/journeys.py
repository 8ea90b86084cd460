"""Ways between the chains, each followed to its end: what commands and the demonstration have in common."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jovay.chain.hexadecimal import hexed
from jovay.cli.stack import Stack, StackError

if TYPE_CHECKING:
    from jovay.bridge.deposits import Transfer
    from jovay.bridge.l1.records import L1Receipt
    from jovay.bridge.wallet import Wallet

Tell = Callable[[str], None]
_POLL = 0.2
#: In the order in which a withdrawal passes them.
STATES = ("executed", "committed", "attested", "claimable")


@dataclass(frozen=True)
class Credited:
    """A deposit that has been executed on L2; ``succeeded`` is false where it waits there for replay or refund."""

    l1: L1Receipt
    l2: L1Receipt
    nonce: int
    succeeded: bool


def deposit(stack: Stack, wallet: Wallet, transfer: Transfer, tell: Tell, timeout: float) -> Credited:
    """Send a message to L2 and wait until L2 has executed it."""
    from jovay.bridge.deposits import Deposits
    from jovay.bridge.wallet import wait_for

    receipt = wallet.transact(transfer.to, transfer.data, transfer.value)
    (message,) = Deposits(stack.l1, stack.settlement).sent(receipt)
    tell(f"on L1 in block {receipt.block_number}, transaction {hexed(receipt.transaction_hash)}")
    tell(f"message {message.nonce} is L2 transaction {hexed(message.transaction)}")
    found = wait_for(stack.l2, message.transaction, timeout)
    if found is None:
        raise StackError(f"L2 has not executed message {message.nonce} within {timeout:.0f} s")
    succeeded = was_relayed(found)
    outcome = "executed" if succeeded else "failed; it can be replayed, or its value refunded, on L2Mailbox"
    tell(f"on L2 in block {found.block_number}: {outcome}")
    return Credited(receipt, found, message.nonce, succeeded)


def was_relayed(receipt: L1Receipt) -> bool:
    """Whether L2Mailbox says that the call of an L1 message went well."""
    from jovay.bridge.l1.contracts import Contract
    from jovay.bridge.predeploys import L2_MAILBOX

    mailbox = Contract("L2Mailbox", L2_MAILBOX)
    events = {event.name for log in receipt.logs if (event := mailbox.event(log)) is not None}
    return "RelayMsgSuccess" in events


def withdrawal(stack: Stack, transaction_hash: bytes) -> dict[str, Any]:
    """What the node says of the message to L1 that an L2 transaction sent."""
    found: list[dict[str, Any]] = stack.l2.call("jovay_getWithdrawalProof", hexed(transaction_hash))
    if not found:
        raise StackError(f"L2 transaction {hexed(transaction_hash)} sent no message to L1")
    return found[0]


def await_withdrawal(
    stack: Stack, transaction_hash: bytes, wanted: str, tell: Tell, timeout: float
) -> dict[str, Any]:
    """Wait until a withdrawal is in a state, or in the last one that it can reach; tells of each."""
    reached, deadline = -1, time.monotonic() + timeout
    while True:
        found = withdrawal(stack, transaction_hash)
        state = STATES.index(found["state"])
        if state > reached:
            reached = state
            tell(described(found))
        ended = state >= STATES.index(wanted) or (found["state"] == "attested" and not stack.has_zk_verifier)
        if ended or time.monotonic() > deadline:
            return found
        time.sleep(_POLL)


def described(message: dict[str, Any]) -> str:
    """The state of a withdrawal in words."""
    nonce, state, batch = int(message["nonce"], 16), message["state"], message["batch"]
    if state == "executed":
        return f"message {nonce} to L1 is executed on L2 in block {int(message['blockNumber'], 16)}"
    index = int(batch["index"], 16)
    step = {"committed": "commit", "attested": "tee", "claimable": "zk"}[state]
    words = {"committed": "is on L1", "attested": "is attested by the TEE", "claimable": "is final"}[state]
    return f"batch {index} with message {nonce} {words}: {batch[step]['transactionHash']}"


def is_paid(stack: Stack, message: dict[str, Any]) -> bool:
    """Whether L1 has paid a withdrawal out."""
    from jovay.bridge.l1.contracts import Contract

    mailbox = Contract("L1Mailbox", stack.settlement.l1_mailbox)
    return bool(mailbox.read(stack.l1, "receiveMsgMap", bytes.fromhex(message["hash"][2:])))


def claim(wallet: Wallet, message: dict[str, Any]) -> L1Receipt:
    """Let L1 pay a withdrawal out, whose batch is final."""
    to, data = message["claim"]["to"], message["claim"]["data"]
    return wallet.transact(bytes.fromhex(to[2:]), bytes.fromhex(data[2:]))
