"""configfs-tsm, as far as files can stand for it: pipes that give and take what Linux' would."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jovay.prover.tee.binding import report_data
from jovay.prover.tee.enclave import Enclave
from jovay.prover.tee.errors import PlatformError, QuoteFormatError, UnsupportedPlatformError
from jovay.prover.tee.protocol import QuoteRequest
from jovay.prover.tee.quote import Quote
from jovay.prover.tee.simulated.authority import SimulatedAuthority
from jovay.prover.tee.simulated.platform import SimulatedPlatform
from jovay.prover.tee.tsm import TsmPlatform

#: Whose quotes the pipes give: there is no hardware to make others.
QUOTES = SimulatedPlatform(SimulatedAuthority(b"tsm"), b"image")
PIPES = ("inblob", "generation", "outblob")


class Reports:
    """What the kernel makes of new folders: ``inblob`` is read, then ``outblob`` is the quote over it."""

    def __init__(
        self,
        provider: str = "tdx_guest\n",
        moves: bool = False,
        quote: Callable[[bytes], bytes] = QUOTES.quote,
    ) -> None:
        self.provider, self.moves, self.quote, self.made = provider, moves, quote, 0
        self.asked: list[bytes] = []

    def __call__(self, prefix: str, dir: Path) -> str:  # noqa: A002  (as mkdtemp has it)
        self.made += 1
        folder = dir / f"{prefix}{self.made}"
        folder.mkdir()
        (folder / "provider").write_text(self.provider)
        for name in PIPES:
            os.mkfifo(folder / name)
        threading.Thread(target=self._serve, args=(folder,), daemon=True).start()
        return str(folder)

    def _serve(self, folder: Path) -> None:
        try:
            given = (folder / "inblob").read_bytes()
        except FileNotFoundError:  # nobody asked
            return
        self.asked.append(given)
        (folder / "generation").write_text("1\n")
        (folder / "outblob").write_bytes(self.quote(given))
        (folder / "generation").write_text("2\n" if self.moves else "1\n")


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Reports], TsmPlatform]:
    """A platform over such reports. Folders of configfs go with all that is in them, others do not."""

    def platform(reports: Reports) -> TsmPlatform:
        monkeypatch.setattr("jovay.prover.tee.tsm.tempfile.mkdtemp", reports)
        monkeypatch.setattr(Path, "rmdir", shutil.rmtree)
        return TsmPlatform(tmp_path)

    return platform


def test_a_quote_comes_from_the_kernel_over_what_it_was_given(
    make: Callable[[Reports], TsmPlatform], tmp_path: Path
) -> None:
    reports, data = Reports(), bytes(range(64))
    platform = make(reports)
    assert platform.quote(data) == QUOTES.quote(data)
    assert reports.asked == [data]
    assert platform.measure() == QUOTES.measure()
    assert (platform.name, list(tmp_path.iterdir())) == ("tdx", [])


def test_an_enclave_in_a_trust_domain_shows_its_key(make: Callable[[Reports], TsmPlatform]) -> None:
    enclave = Enclave(make(Reports()), None)  # type: ignore[arg-type]  # it executes nothing here
    asked = QuoteRequest(1, b"\1" * 20, 5, b"\2" * 32)
    shown = Quote.decode(enclave.quote(asked)).report.report_data
    assert shown == report_data(1, b"\1" * 20, enclave.address, 5, b"\2" * 32)
    assert b'"platform": "tdx"' in enclave.hello()


def test_a_report_that_was_changed_meanwhile_is_none(
    make: Callable[[Reports], TsmPlatform], tmp_path: Path
) -> None:
    with pytest.raises(PlatformError, match="was changed"):
        make(Reports(moves=True)).quote(bytes(64))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("provider", ["sev_guest\n", "arm_cca_guest", ""])
def test_other_hardware_is_refused(make: Callable[[Reports], TsmPlatform], provider: str) -> None:
    with pytest.raises(UnsupportedPlatformError, match="L1 checks quotes of tdx_guest only"):
        make(Reports(provider)).quote(bytes(64))


def test_what_is_no_quote_measures_nothing(make: Callable[[Reports], TsmPlatform]) -> None:
    with pytest.raises(QuoteFormatError):
        make(Reports(quote=lambda data: b"\5" + QUOTES.quote(data)[1:])).measure()


def test_no_tee_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedPlatformError):
        TsmPlatform(tmp_path / "missing")


def test_a_folder_that_makes_no_reports_is_an_error(tmp_path: Path) -> None:
    platform = TsmPlatform(tmp_path)
    with pytest.raises(PlatformError):
        platform.quote(bytes(64))
    assert list(tmp_path.iterdir()) == []
