"""Log lines with a structure: ``key=value`` text or JSON, one line each, through the standard library.

Code logs a fixed message and its values apart: ``log.info("opened", extra={"block": 7})``. Both forms keep
them apart, so that lines can be searched and counted.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import deque
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
    "taskName",
}


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The values that were given with ``extra``."""
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _time(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def _plain(value: Any) -> Any:
    """Bytes as 0x-hex; what JSON has stays; anything else as text."""
    if isinstance(value, (bytes, bytearray)):
        return "0x" + value.hex()
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)


class TextFormatter(logging.Formatter):
    """``time level logger message key=value …``; texts with spaces, quotes or line ends are quoted."""

    def format(self, record: logging.LogRecord) -> str:
        parts = [_time(record), record.levelname.lower(), record.name, _one_line(record.getMessage())]
        parts += [f"{name}={_quoted(_plain(value))}" for name, value in fields_of(record).items()]
        line = " ".join(parts)
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object: time, level, logger, message, the values, and ``exception`` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {name: _plain(value) for name, value in fields_of(record).items()}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _quoted(value: Any) -> str:
    text = str(value)
    if text and not any(sign in text for sign in ' "=\n\r\t'):
        return text
    return json.dumps(text, ensure_ascii=False)


class RecentLines(logging.Handler):
    """Keeps the newest lines, for a screen that has no room for a stream of them."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=count)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        self.lines.append(self.format(record).partition("\n")[0])


def setup(
    level: str = "info",
    form: Literal["text", "json"] = "text",
    stream: TextIO | None = None,
    handler: logging.Handler | None = None,
) -> None:
    """Send all log lines of this process to ``stream`` (the error stream by default) or to ``handler``."""
    chosen = handler or logging.StreamHandler(stream or sys.stderr)
    chosen.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [chosen]
    root.setLevel(level.upper())
    # Numba and asyncio tell at debug level what only their authors want to know, websockets of every client's doings.
    for name in ("numba", "asyncio", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
