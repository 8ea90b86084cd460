"""Addresses as people read them (EIP-55)."""

from __future__ import annotations

from collections.abc import Callable


def checksummed(address: bytes, keccak: Callable[[bytes], bytes]) -> str:
    """0x and the digits of an address, in mixed case."""
    digits = address.hex()
    digest = keccak(digits.encode()).hex()
    marks = zip(digits, digest, strict=False)
    return "0x" + "".join([digit.upper() if mark >= "8" else digit for digit, mark in marks])
