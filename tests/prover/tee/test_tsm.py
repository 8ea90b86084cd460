"""configfs-tsm, as far as a folder can stand for it: without a TDX guest no quote comes out."""

from __future__ import annotations

from pathlib import Path

import pytest

from jovay.prover.tee.errors import PlatformError, UnsupportedPlatformError
from jovay.prover.tee.tsm import TsmPlatform


def test_no_tee_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedPlatformError):
        TsmPlatform(tmp_path / "missing")


def test_a_folder_that_makes_no_reports_is_an_error(tmp_path: Path) -> None:
    platform = TsmPlatform(tmp_path)
    with pytest.raises(PlatformError):
        platform.quote(bytes(64))
    assert list(tmp_path.iterdir()) == []


class Report:
    """What the kernel puts into a new report's folder."""

    def __init__(self, provider: str) -> None:
        self.provider = provider

    def __call__(self, prefix: str, **where: Path) -> str:
        folder = where["dir"] / f"{prefix}0"
        folder.mkdir()
        (folder / "provider").write_text(self.provider)
        return str(folder)


def test_sev_snp_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jovay.prover.tee.tsm.tempfile.mkdtemp", Report("sev_guest\n"))
    monkeypatch.setattr(Path, "rmdir", lambda folder: None)
    with pytest.raises(UnsupportedPlatformError, match="sev_guest"):
        TsmPlatform(tmp_path).quote(bytes(64))
