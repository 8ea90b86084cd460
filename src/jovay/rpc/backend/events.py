"""What happens to the node, told to whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from jovay.chain.types import Hash32, Header, Log


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


class NewFinality(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The blocks up to ``block`` came to a stage: ``committed``, ``attested`` or ``proven``.

    ``reverted``: those after ``block`` are at none of these any more. ``transaction`` on L1 at ``time`` (seconds).
    """

    stage: str
    block: int
    batch: int | None = None
    transaction: Hash32 | None = None
    time: int | None = None


Event: TypeAlias = NewBlock | NewPending | Removed | NewFinality


class Events(Protocol):
    """Events of blocks and of the pool, in one order."""

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``listener`` for every event from now on, in order and from any thread; returns how to stop
        that.

        ``listener`` must return at once and must not raise.
        """
