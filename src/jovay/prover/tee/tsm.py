"""Quotes of a real trust domain, through Linux' configfs-tsm (Documentation/ABI/testing/configfs-tsm-report)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from jovay.prover.tee.errors import PlatformError, UnsupportedPlatformError
from jovay.prover.tee.platform import REPORT_DATA_SIZE
from jovay.prover.tee.quote import Quote

REPORTS = Path("/sys/kernel/config/tsm/report")
#: SEV-SNP ("sev_guest") signs on P-384, which L1 cannot check.
PROVIDER = "tdx_guest"


class TsmPlatform:
    """Intel TDX on Linux 6.7 or newer. Raises UnsupportedPlatformError where there is none."""

    name = "tdx"

    def __init__(self, reports: Path = REPORTS) -> None:
        if not reports.is_dir():
            raise UnsupportedPlatformError(
                f"{reports} is not there: no TDX guest, or configfs is not mounted"
            )
        self._reports = reports

    def measure(self) -> bytes:
        """As the TDX module measured this TD."""
        return Quote.decode(self.quote(bytes(REPORT_DATA_SIZE))).report.measurement

    def quote(self, report_data: bytes) -> bytes:
        """A report of its own for each quote, so that callers do not disturb each other."""
        try:
            folder = Path(tempfile.mkdtemp(prefix="jovay-", dir=self._reports))
            try:
                return _quote(folder, report_data)
            finally:
                folder.rmdir()
        except OSError as error:
            raise PlatformError(f"configfs-tsm: {error}") from error


def _quote(folder: Path, report_data: bytes) -> bytes:
    provider = (folder / "provider").read_text().strip()
    if provider != PROVIDER:
        raise UnsupportedPlatformError(f"the TEE is {provider}, and L1 checks quotes of {PROVIDER} only")
    (folder / "inblob").write_bytes(report_data)
    generation = (folder / "generation").read_text()
    quote = (folder / "outblob").read_bytes()
    if (folder / "generation").read_text() != generation:
        raise PlatformError("configfs-tsm: the report was changed while it was read")
    return quote
