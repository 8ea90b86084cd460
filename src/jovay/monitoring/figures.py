"""Figures as a person reads them: amounts, sizes, times, and small pictures of them in a line of text."""

from __future__ import annotations

from collections.abc import Sequence

BARS = " ▁▂▃▄▅▆▇█"


def amount(value: float) -> str:
    """A number in at most five characters and a unit: 950, 12.3k, 4.56M."""
    for unit in ("", "k", "M", "G", "T"):
        if abs(value) < 999.5:
            digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
            is_whole = unit == "" and value == int(value)
            return f"{value:.{0 if is_whole else digits}f}{unit}"
        value /= 1000
    return f"{value:.0f}P"


def size(value: int) -> str:
    """Bytes with a binary unit."""
    scaled = float(value)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if scaled < 1024:
            return f"{scaled:.0f} {unit}" if unit == "B" else f"{scaled:.1f} {unit}"
        scaled /= 1024
    return f"{scaled:.1f} TiB"


def milliseconds(value: float | None) -> str:
    """A time; a dash if there is none."""
    if value is None:
        return "–"
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 1 else f"{value:.2f} ms"


def sparkline(values: Sequence[float], width: int) -> str:
    """The newest ``width`` values as a line of blocks, from 0 to the greatest."""
    shown = list(values)[-width:]
    greatest = max(shown, default=0.0)
    steps = len(BARS) - 1
    # What is not zero shows, however small.
    line = [
        BARS[max(1 if value > 0 else 0, round(steps * value / greatest))] if greatest else BARS[0]
        for value in shown
    ]
    return "".join(line).rjust(width)


def bar(share: float, width: int) -> str:
    """A horizontal bar; ``share`` from 0 to 1."""
    eighths = round(8 * width * min(max(share, 0.0), 1.0))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(width)
