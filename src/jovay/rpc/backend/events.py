"""What happens to the node, told to whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from jovay.chain.types import Header, Log


class NewBlock(msgspec.Struct, frozen=True, gc=False):
    """A block became visible: its receipts, state and logs answer queries.

    ``transaction_hashes`` back to back.
    """

    header: Header
    transaction_hashes: bytes


class NewPending(msgspec.Struct, frozen=True, gc=False):
    """Transactions entered the pool; hashes back to back."""

    hashes: bytes


class Removed(msgspec.Struct, frozen=True, gc=False):
    """Blocks above ``head`` left the chain (a revert in development mode); their logs are given with
    ``removed``.
    """

    head: Header
    logs: Sequence[Log]


Event: TypeAlias = NewBlock | NewPending | Removed


class Events(Protocol):
    """Events of blocks and of the pool, in one order."""

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``listener`` for every event from now on, in order and from any thread; returns how to stop
        that.

        ``listener`` must return at once and must not raise.
        """
