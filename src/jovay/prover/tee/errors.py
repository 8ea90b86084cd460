"""Errors of TEE platforms and their quotes."""

from __future__ import annotations

from jovay.prover.errors import ProverError


class QuoteFormatError(ProverError):
    """Bytes that are not a version 4 TDX quote; ``at`` names the part."""

    def __init__(self, at: str, reason: str) -> None:
        self.at, self.reason = at, reason
        super().__init__(f"{at}: {reason}")


class QuoteRefusedError(ProverError):
    """A quote that does not verify: chain, revocation, signature, identity of the quoting enclave, attributes."""


class TcbStatusError(ProverError):
    """A genuine quote of a platform whose trusted computing base is not good enough."""

    def __init__(self, status: str, advisories: tuple[str, ...]) -> None:
        self.status, self.advisories = status, advisories
        super().__init__(f"TCB status {status}{': ' if advisories else ''}{', '.join(advisories)}")


class PlatformError(ProverError):
    """The platform gave no quote."""


class UnsupportedPlatformError(PlatformError):
    """There is no TEE here whose quotes L1 can check."""
