"""Errors of making and trying witnesses."""

from __future__ import annotations

from jovay.state.errors import ExecutionError


class FormatError(ValueError):
    """Bytes that are not the binary form of ``what``."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what, self.reason = what, reason


class GuestError(ExecutionError):
    """The stateless program did not reach its end in the emulator."""


class WitnessError(ExecutionError):
    """A block cannot be executed from the witness that was made of it."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"block #{number} cannot be executed from a witness: {reason}")
        self.number, self.reason = number, reason
