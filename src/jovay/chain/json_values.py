"""Values in a genesis file; every error names the JSON path and shows the value."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from .errors import GenesisError


def number_at(value: object, path: str, maximum: int) -> int:
    """A JSON number, a decimal or a 0x-hex string, from 0 to ``maximum``; an empty string is 0 as in geth."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise GenesisError(path, value, "must be a number or a decimal or 0x-hex string")
    if isinstance(value, str):
        if not re.fullmatch(r"0[xX][0-9a-fA-F]+|[0-9]*", value) or len(value) > 80:
            raise GenesisError(path, value, "is no decimal or 0x-hex number")
        parsed = int(value, 16) if value[:2] in ("0x", "0X") else int(value or "0")
    else:
        parsed = value
    if not 0 <= parsed <= maximum:
        raise GenesisError(path, value, f"must be from 0 to {maximum}")
    return parsed


def bytes_at(value: object, path: str, size: int | None = None, *, prefix: bool = True) -> bytes:
    """A hex string of whole bytes, exactly ``size`` if given; ``prefix`` demands the 0x."""
    if not isinstance(value, str):
        raise GenesisError(path, value, "must be a hex string")
    digits = value[2:] if value[:2] in ("0x", "0X") else value
    if prefix and digits is value:
        raise GenesisError(path, value, "must begin with 0x")
    if len(digits) % 2 or not re.fullmatch(r"[0-9a-fA-F]*", digits):
        raise GenesisError(path, value, "is not hex of whole bytes")
    if size is not None and len(digits) != 2 * size:
        raise GenesisError(path, value, f"must have {size} bytes, has {len(digits) // 2}")
    return bytes.fromhex(digits)


def object_at(value: object, path: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise GenesisError(path, value, "must be an object")
    return value


def exactly(value: object, path: str, keys: Collection[str]) -> dict[str, Any]:
    """A JSON object that has these ``keys``, each with a value, and no others."""
    entries = object_at(value, path)
    for key in keys:
        if entries.get(key) is None:
            raise GenesisError(f"{path}.{key}", None, "is required")
    for key, entry in entries.items():
        if key not in keys:
            raise GenesisError(f"{path}.{key}", entry, f"is unknown; there are {', '.join(sorted(keys))}")
    return entries
