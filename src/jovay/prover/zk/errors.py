"""Why proofs are refused."""

from __future__ import annotations


class ZkError(Exception):
    """A proof, or what it is about, will not do."""


class SumcheckError(ZkError):
    """A sumcheck does not hold."""


class OpeningError(ZkError):
    """A polynomial is not shown to have the value that is claimed."""


class FractionsError(ZkError):
    """Fractions do not add up to zero, or are not shown to."""
