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


class EnclaveError(ProverError):
    """The enclave's process ended, or does not speak as it should."""


class EnclaveRefusedError(ProverError):
    """The enclave did not do what it was asked; ``type`` names its error. ``final``: it never will."""

    def __init__(self, type_: str, reason: str, final: bool) -> None:
        self.type, self.reason, self.final = type_, reason, final
        super().__init__(f"{type_}: {reason}")


class RegistrationError(ProverError):
    """L1 did not admit a key; it is tried again."""


class KeyRevokedError(RegistrationError):
    """L1 takes nothing from this key any more; another one may do."""

    def __init__(self, enclave: bytes) -> None:
        self.enclave = enclave
        super().__init__(f"the key 0x{enclave.hex()} is revoked")


class MeasurementNotAllowedError(RegistrationError):
    """L1 admits no keys of what runs here, until the owner of TEEVerifier allows it (never, once it is revoked)."""

    def __init__(self, measurement: bytes, verifier: bytes, revoked: bool) -> None:
        self.measurement, self.verifier, self.revoked = measurement, verifier, revoked
        state = "is revoked" if revoked else "is not allowed"
        super().__init__(f"measurement 0x{measurement.hex()} {state} by TEEVerifier 0x{verifier.hex()}")


class CollateralError(ProverError):
    """Documents about machines that L1 cannot be given."""
