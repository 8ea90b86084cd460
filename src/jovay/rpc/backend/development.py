"""Development operations, where they are switched on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from jovay.chain.types import Address, Hash32
from jovay.simulation.requests import Call


class Development(Protocol):
    """Development operations.

    Changes to the state are visible at once, as part of a new or of the latest block.
    """

    def set_balance(self, address: Address, balance: int) -> None:
        """Set a balance, in wei."""

    def set_nonce(self, address: Address, nonce: int) -> None:
        """Set a nonce."""

    def set_code(self, address: Address, code: bytes) -> None:
        """Set the code."""

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        """Set a storage slot."""

    def accounts(self) -> Sequence[Address]:
        """Addresses whose keys the node holds for development."""

    def impersonate(self, address: Address, enabled: bool) -> None:
        """Let eth_sendTransaction act for any address, or stop that."""

    def impersonate_all(self, enabled: bool) -> None:
        """Let eth_sendTransaction act for all addresses, or stop that."""

    def acts_for(self, address: Address) -> bool:
        """Whether the node holds the key of an address, or impersonates it."""

    def send(self, call: Call, anyone: bool = False) -> Hash32:
        """Pool an unsigned transaction of a held or impersonated account, or of ``anyone`` (gas and nonce set)."""

    def sign(self, address: Address, digest: Hash32) -> bytes:
        """Sign a digest with a held key: r ‖ s ‖ v (27/28)."""

    def sign_transaction(self, call: Call) -> bytes:
        """Signed envelope of a call of a held account."""

    def mine(self, blocks: int, interval: int | None = None) -> None:
        """Produce that many blocks now, ``interval`` seconds apart in their time stamps."""

    def set_automine(self, enabled: bool) -> None:
        """Cut a block as soon as there are transactions, or only on demand."""

    def automine(self) -> bool:
        """Whether blocks are cut automatically."""

    def set_interval(self, seconds: float) -> None:
        """Cut a block every so many seconds; 0 stops that."""

    def interval(self) -> float | None:
        """The seconds set so; None if blocks are not cut like that."""

    def snapshot(self) -> int:
        """Remember the current state; returns its id, counting from 1."""

    def revert(self, snapshot: int) -> bool:
        """Go back to a snapshot, which ends it and all later ones; False for an unknown id."""

    def reset(self) -> None:
        """Go back to genesis."""

    def rollback(self, blocks: int) -> None:
        """Drop the newest blocks."""

    def increase_time(self, seconds: int) -> int:
        """Move the clock forward; returns the total offset, in seconds."""

    def set_time(self, timestamp: int) -> int:
        """Set the clock; returns the new offset, in seconds."""

    def set_next_timestamp(self, timestamp: int) -> None:
        """Time stamp of the next block."""

    def set_timestamp_interval(self, seconds: int | None) -> None:
        """Distance between the time stamps of blocks; None goes back to the clock."""

    def set_coinbase(self, address: Address) -> None:
        """Fee receiver of later blocks."""

    def set_gas_limit(self, gas: int) -> None:
        """Gas limit of later blocks."""

    def set_next_base_fee(self, wei: int) -> None:
        """Base fee of the next block."""

    def set_prev_randao(self, value: Hash32) -> None:
        """PREVRANDAO of the next block."""

    def drop(self, transaction_hash: Hash32) -> bool:
        """Remove a transaction from the pool."""

    def drop_all(self) -> None:
        """Empty the pool."""

    def dump(self) -> bytes:
        """The whole state in the node's snapshot form."""

    def load(self, data: bytes) -> None:
        """Replace the state by a dump."""
