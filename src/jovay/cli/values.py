"""What stands in arguments and options, as values; ValueError says what is wrong with it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction

#: Of the whole units of any amount that a contract can count.
_DIGITS = 78


def address(text: str) -> bytes:
    """20 bytes in hex."""
    found = octets(text)
    if len(found) != 20:
        raise ValueError(f"{text} is no address")
    return found


def octets(text: str) -> bytes:
    """Bytes in hex, with or without 0x."""
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise ValueError(f"{text} is not hexadecimal") from None


def units(text: str, decimals: int) -> int:
    """An amount of whole units as the integer that contracts count in."""
    try:
        given = Decimal(text)
        scaled = Fraction(given) * 10**decimals if given.adjusted() < _DIGITS else Fraction(-1)
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(f"{text} is no amount") from None
    if scaled < 0 or scaled.denominator != 1:
        raise ValueError(f"{text} is no amount with at most {decimals} decimals")
    return scaled.numerator


def host_and_port(text: str, flag: str) -> tuple[str, int]:
    """HOST:PORT, where something is served; ``flag`` named it."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"{flag} {text}: must be HOST:PORT")
    return host, int(port)
