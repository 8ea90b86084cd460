"""A connection that can be notified, as subscriptions see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Session(Protocol):
    """A connection that can receive notifications."""

    subscriptions: dict[str, Callable[[], None]]
    """Live subscriptions: id to what ends them."""

    @property
    def is_ready(self) -> bool:
        """Whether the client reads what it is sent."""

    def tell_when_ready(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever the connection can take more after it could not."""

    def notify(self, messages: list[bytes]) -> None:
        """Send text messages, in order; never blocks."""

    def drop(self, reason: str) -> None:
        """Hang up on a client that is too slow."""

    def after_answer(self, action: Callable[[], None]) -> None:
        """Run ``action`` once the answer to the current request is on its way."""
