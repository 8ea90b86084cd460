"""What commands ask of an ERC-20: its decimals, and leave to take from the sender."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jovay.bridge.l1.contracts import Contract

if TYPE_CHECKING:
    from jovay.bridge.l1.client import L1Client
    from jovay.bridge.wallet import Wallet

#: An artefact with the functions of every ERC-20.
ERC20 = "BridgedERC20"


def decimals(client: L1Client, token: bytes) -> int:
    """Of a token's whole unit."""
    found: int = Contract(ERC20, token).read(client, "decimals")
    return found


def approve(wallet: Wallet, token: bytes, spender: bytes, amount: int) -> None:
    """Let ``spender`` take ``amount``, where it may not yet."""
    contract = Contract(ERC20, token)
    if contract.read(wallet.client, "allowance", wallet.address, spender) < amount:
        wallet.transact(token, contract.encode("approve", spender, amount))
