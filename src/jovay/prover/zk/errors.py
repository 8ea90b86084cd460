"""Why proofs are refused."""

from __future__ import annotations

from jovay.prover.errors import ProverError


class ZkError(ProverError):
    """A proof, or what it is about, will not do."""


class SumcheckError(ZkError):
    """A sumcheck does not hold."""


class OpeningError(ZkError):
    """A polynomial is not shown to have the value that is claimed."""


class FractionsError(ZkError):
    """Fractions do not add up to zero, or are not shown to."""


class ProvingEndedError(ZkError):
    """The process that proved ended without a proof: killed, or out of memory."""

    def __init__(self, status: int | None) -> None:
        self.status = status
        super().__init__(f"the proving process ended with status {status}")


class ProofTooLargeError(ZkError):
    """A proof takes more than there is."""

    def __init__(self, what: str, needed: int, allowed: int) -> None:
        self.what, self.needed, self.allowed = what, needed, allowed
        super().__init__(f"the proof takes {needed:,} {what}, and {allowed:,} are allowed")


class BatchRefusedError(ZkError):
    """The batch is wrong: there is no proof of it."""


class EncodingError(ZkError):
    """Bytes are no proof."""
