"""The state after a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from jovay.chain.types import Account, AccountProof, Address


class State(Protocol):
    """Balances, code and storage at a height; ``HistoryUnavailableError`` where that is not kept."""

    def account(self, address: Address, number: int) -> Account:
        """Basic data of an account."""

    def code(self, address: Address, number: int) -> bytes:
        """Code of an account."""

    def storage(self, address: Address, slot: int, number: int) -> int:
        """Value of a storage slot."""

    def proof(self, address: Address, slots: Sequence[int], number: int) -> AccountProof:
        """Proof of an account and of some of its slots."""
