"""All connections of a server: each takes one of its places, and one of the process's open files."""

from __future__ import annotations

from typing import Protocol

REFUSED = 64
"""Connections beyond the limit that are told why at a time; further ones are hung up on at once."""


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

    def replace(self, old: Connection, new: Connection) -> None:
        """Give the place of a connection to the one that goes on with its transport."""
        self._open.discard(old)
        self._open.add(new)

    def leave(self, connection: Connection) -> None:
        """The connection is gone."""
        self._open.discard(connection)
        self._refused.discard(connection)

    def everyone(self) -> list[Connection]:
        """All of them, the refused ones too."""
        return [*self._open, *self._refused]
