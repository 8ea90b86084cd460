"""Ethereum's hexadecimal forms in JSON: QUANTITY and DATA, to and from Python, with geth's error texts."""

from __future__ import annotations

import binascii
from typing import Any

UINT64_MAX = (1 << 64) - 1
UINT256_MAX = (1 << 256) - 1

_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")


def quantity(value: int) -> str:
    """QUANTITY: ``0x`` and the hexadecimal digits without leading zeros."""
    return hex(value)


def data(value: bytes) -> str:
    """DATA: ``0x`` and two digits per byte."""
    return "0x" + value.hex()


def word(value: int) -> str:
    """A 256-bit word as DATA of 32 bytes."""
    return f"0x{value:064x}"


def optional_data(value: bytes | None) -> str | None:
    """DATA, or null."""
    return None if value is None else "0x" + value.hex()


def json_kind(value: Any) -> str:
    """Name of a JSON value's type as Go's decoder calls it."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else "null"


def _mismatch(problem: str, go_type: str) -> ValueError:
    return ValueError(f"json: cannot unmarshal {problem} into Go value of type {go_type}")


def _digits(value: Any, go_type: str) -> str:
    if not isinstance(value, str):
        raise _mismatch("non-string", go_type)
    if not value:
        return value
    if value[:2] not in ("0x", "0X"):
        raise _mismatch("hex string without 0x prefix", go_type)
    return value[2:]


def parse_data(value: Any, go_type: str = "hexutil.Bytes") -> bytes:
    """DATA of any length."""
    digits = _digits(value, go_type)
    if value == "":
        raise _mismatch("empty hex string", go_type)
    return _decode(digits, go_type)


def _decode(digits: str, go_type: str) -> bytes:
    try:
        return binascii.a2b_hex(digits)
    except ValueError:
        # Covers binascii.Error and text outside ASCII.
        if len(digits) % 2:
            raise _mismatch("hex string of odd length", go_type) from None
        raise _mismatch("invalid hex string", go_type) from None


def parse_fixed(value: Any, length: int, go_type: str) -> bytes:
    """DATA of exactly ``length`` bytes."""
    digits = _digits(value, go_type)
    if len(digits) == 2 * length:
        return _decode(digits, go_type)
    if len(digits) % 2:
        raise _mismatch("hex string of odd length", go_type)
    raise ValueError(f"hex string has length {len(digits)}, want {2 * length} for {go_type}")


def parse_address(value: Any) -> bytes:
    """A 20-byte address."""
    return parse_fixed(value, 20, "common.Address")


def parse_hash(value: Any) -> bytes:
    """A 32-byte hash."""
    return parse_fixed(value, 32, "common.Hash")


def quantity_digits(value: str) -> int:
    """Value of a QUANTITY; raises ``ValueError`` with geth's bare text."""
    if not value:
        raise ValueError("empty hex string")
    if value[:2] not in ("0x", "0X"):
        raise ValueError("hex string without 0x prefix")
    digits = value[2:]
    if not digits:
        raise ValueError('hex string "0x"')
    if digits[0] == "0" and len(digits) > 1:
        raise ValueError("hex number with leading zero digits")
    if len(digits) > 64:
        raise ValueError("hex number > 256 bits")
    if not _HEX_DIGITS.issuperset(digits):
        raise ValueError("invalid hex string")
    return int(digits, 16)


def parse_quantity(value: Any, go_type: str = "*hexutil.Big", limit: int = UINT256_MAX) -> int:
    """A QUANTITY of at most ``limit``."""
    if not isinstance(value, str):
        raise _mismatch("non-string", go_type)
    try:
        number = quantity_digits(value)
    except ValueError as error:
        raise _mismatch(str(error), go_type) from None
    if number > limit:
        raise _mismatch("hex number > 64 bits" if limit == UINT64_MAX else "hex number > 256 bits", go_type)
    return number


def parse_uint64(value: Any) -> int:
    """A QUANTITY of 64 bits."""
    return parse_quantity(value, "hexutil.Uint64", UINT64_MAX)


def parse_bool(value: Any) -> bool:
    """A JSON boolean."""
    if isinstance(value, bool):
        return value
    raise _mismatch(json_kind(value), "bool")


def parse_string(value: Any) -> str:
    """A JSON string."""
    if isinstance(value, str):
        return value
    raise _mismatch(json_kind(value), "string")


def parse_integer(value: Any, limit: int = UINT64_MAX) -> int:
    """A number given as JSON number, decimal string or QUANTITY, as development tools send it."""
    if isinstance(value, bool):
        raise _mismatch("bool", "uint64")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        number = value
    elif isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 80:
        number = int(value)
    elif isinstance(value, str):
        digits = value[2:].lstrip("0") or "0" if value[:2] in ("0x", "0X") else value
        number = quantity_digits("0x" + digits) if value[:2] in ("0x", "0X") else quantity_digits(value)
    else:
        raise _mismatch(json_kind(value), "uint64")
    if not 0 <= number <= limit:
        raise ValueError(f"number out of range: {number}" if abs(number) < 1 << 70 else "number out of range")
    return number


def parse_slot(value: Any) -> tuple[int, bool]:
    """A storage key in geth's lenient form: (slot, whether it was given as 32 bytes)."""
    text = parse_string(value)
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    if len(digits) % 2:
        digits = "0" + digits
    if len(digits) > 64:
        raise ValueError(f'storage key too long (want at most 32 bytes): "{text[:80]}"')
    try:
        key = binascii.a2b_hex(digits)
    except ValueError:
        raise ValueError(f'invalid hex in storage key: "{text[:80]}"') from None
    return int.from_bytes(key), len(key) == 32
