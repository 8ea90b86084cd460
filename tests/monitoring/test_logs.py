"""Log lines: one line each, values apart from the message, in both forms."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from jovay.monitoring import logs


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def written(form: str, level: str = "info") -> str:
    stream = io.StringIO()
    logs.setup(level, form, stream)  # type: ignore[arg-type]
    log = logging.getLogger("jovay.test")
    log.info("made\nblock", extra={"number": 7, "hash": b"\x01\xff", "why": 'a "b"=c', "none": None})
    log.debug("unseen")
    return stream.getvalue()


def test_text_lines() -> None:
    (line,) = written("text").splitlines()
    time, rest = line.split(" ", 1)
    assert time.endswith("Z")
    assert rest == ("info jovay.test made\\nblock number=7 hash=0x01ff " + 'why="a \\"b\\"=c" none=None')


def test_json_lines() -> None:
    (line,) = written("json").splitlines()
    entry = json.loads(line)
    del entry["time"]
    assert entry == {
        "level": "info",
        "logger": "jovay.test",
        "message": "made\nblock",
        "number": 7,
        "hash": "0x01ff",
        "why": 'a "b"=c',
        "none": None,
    }


def test_levels() -> None:
    assert written("text", "error") == ""
    assert len(written("text", "debug").splitlines()) == 2


@pytest.mark.parametrize("form", ["text", "json"])
def test_exceptions_are_told(form: str) -> None:
    stream = io.StringIO()
    logs.setup("info", form, stream)  # type: ignore[arg-type]
    try:
        raise ValueError("of this")
    except ValueError:
        logging.getLogger("jovay.test").exception("failed")
    assert "ValueError: of this" in stream.getvalue()


def test_a_screen_keeps_the_newest_lines() -> None:
    recent = logs.RecentLines(2)
    logs.setup("info", "text", handler=recent)
    for number in range(5):
        logging.getLogger("jovay.test").warning("line %d", number)
    assert [line.split()[-1] for line in recent.lines] == ["3", "4"]


def test_what_clients_do_fills_no_log() -> None:
    stream = io.StringIO()
    logs.setup("info", "text", stream)
    logging.getLogger("websockets.server").info("connection closed")
    assert stream.getvalue() == ""
