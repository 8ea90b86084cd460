"""All connections of a server: each takes one of its places, and one of the process's open files."""

from __future__ import annotations

from typing import Protocol

REFUSED = 64
"""Connections beyond the limit that are told why at a time; further ones are hung up on at once."""
CROWDED_IDLE = 5.0
"""Seconds that an idle connection has where three quarters of the places are taken."""


class Connection(Protocol):
    """What the server does with a connection, HTTP or WebSocket."""

    def check(self, now: float) -> None:
        """Drop the connection if its time is up (``now`` of the event loop)."""

    def shut_down(self) -> None:
        """Close as soon as what is being worked on is answered."""

    def abort(self) -> None:
        """Close at once."""


class Connections:
    """The open connections; one that is being closed keeps its place until it is gone."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._most_lasting = limit - limit // 4
        self._lasting: set[Connection] = set()
        self._open: set[Connection] = set()
        self._refused: set[Connection] = set()

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, connection: Connection) -> bool:
        """Give a place to a new connection; false if there is none."""
        if len(self._open) >= self.limit:
            return False
        self._open.add(connection)
        return True

    def refuse(self, connection: Connection) -> bool:
        """Keep one without a place while it is told so; false if it must go at once."""
        if len(self._refused) >= REFUSED:
            return False
        self._refused.add(connection)
        return True

    @property
    def is_crowded(self) -> bool:
        """Whether few places are left."""
        return len(self._open) >= self._most_lasting

    def last(self, old: Connection, new: Connection) -> bool:
        """Give the place of a connection to one that goes on with its transport for as long as it likes.

        A quarter of the places is kept from such ones; false if there are too many.
        """
        if len(self._lasting) >= self._most_lasting:
            return False
        self._open.discard(old)
        self._open.add(new)
        self._lasting.add(new)
        return True

    def leave(self, connection: Connection) -> None:
        """The connection is gone."""
        for group in (self._open, self._lasting, self._refused):
            group.discard(connection)

    def everyone(self) -> list[Connection]:
        """All of them, the refused ones too."""
        return [*self._open, *self._refused]
