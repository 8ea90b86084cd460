"""What a prover asks of the machine that it runs in."""

from __future__ import annotations

from typing import Protocol

#: Bytes that a quote carries for whoever asked for it.
REPORT_DATA_SIZE = 64


class TeePlatform(Protocol):
    """A trusted execution environment, from the inside."""

    @property
    def name(self) -> str:
        """As the key's record on L1 and ``jovay_proverInfo`` show it."""

    def measure(self) -> bytes:
        """Measurement of what runs here, 32 bytes (``TdReport.measurement``). Raises PlatformError."""

    def quote(self, report_data: bytes) -> bytes:
        """A quote over 64 bytes of the caller's. Raises PlatformError."""
