"""What simulations need to know of the chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from jovay.chain.rules import ChainRules
from jovay.chain.types import Address, Hash32, Header
from jovay.state.writes import WriteSet


class StoredTransaction(NamedTuple):
    """A transaction of a block: its envelope, who sent it, and what its receipt says (wei)."""

    raw: bytes
    sender: Address
    gas_used: int
    l1_fee: int


class StateRoots(Protocol):
    """Roots of the states that a request makes out of a block's state."""

    def expect(self, slots: Sequence[tuple[int, int]]) -> None:
        """(address, key) of slots that later writes will hold, so that they are looked up together."""

    def root(self, writes: WriteSet) -> Hash32:
        """Root with everything that differs from the block's state, as ``view_state.changed`` gives it.

        Every call names at least the keys of the calls before.
        """


class ChainSource(Protocol):
    """Blocks of the canonical chain, thread-safe."""

    @property
    def rules(self) -> ChainRules:
        """The chain's rules."""

    def header(self, number: int) -> Header | None:
        """Header of a block."""

    def raw_header(self, number: int) -> bytes | None:
        """RLP of a header."""

    def block_hash(self, number: int) -> Hash32 | None:
        """Hash of a block; None where it is not known any more."""

    def stored_transactions(self, number: int) -> Sequence[StoredTransaction]:
        """The transactions of a block in order."""

    def next_base_fee(self, header: Header) -> int:
        """Base fee of the block after this one (EIP-1559), in wei."""

    def roots_after(self, number: int) -> StateRoots:
        """Roots of states that follow from the state after a block."""
