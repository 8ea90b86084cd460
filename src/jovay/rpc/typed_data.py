"""Digests of typed structured data (EIP-712)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from jovay.rpc import codec

Keccak = Callable[[bytes], bytes]
Fields = list[tuple[str, str]]

DOMAIN = "EIP712Domain"
_ARRAY = re.compile(r"(.+)\[(\d*)\]")
_NUMBER = re.compile(r"(u?int)(\d*)")
_BYTES = re.compile(r"bytes(\d+)")
_MOST_DEPTH = 32


class TypedData:
    """A message of typed structured data; ``ValueError`` for what does not fit its types."""

    def __init__(self, source: Mapping[str, Any], keccak: Keccak) -> None:
        self._keccak = keccak
        types = source.get("types")
        if not isinstance(types, dict):
            raise ValueError("types must be an object")
        self._types = {name: _fields(name, fields) for name, fields in types.items()}
        self._domain, self._message = source.get("domain"), source.get("message")
        primary = source.get("primaryType")
        if not isinstance(primary, str) or primary not in self._types:
            raise ValueError("primaryType is not among the types")
        self._primary = primary
        self._types.setdefault(DOMAIN, _domain_fields(self._domain))

    def digest(self) -> bytes:
        """What is signed: keccak(0x1901 ‖ domain separator ‖ hash of the message)."""
        parts = b"\x19\x01" + self._struct(DOMAIN, self._domain, 0)
        if self._primary != DOMAIN:
            parts += self._struct(self._primary, self._message, 0)
        return self._keccak(parts)

    def _struct(self, name: str, value: Any, depth: int) -> bytes:
        """``hashStruct``."""
        if depth > _MOST_DEPTH:
            raise ValueError("nested too deeply")
        if not isinstance(value, dict):
            raise ValueError(f"{name} must be an object")
        encoded = [self._keccak(self._signature(name).encode())]
        for field, kind in self._types[name]:
            if field not in value:
                raise ValueError(f"{name} lacks {field}")
            encoded.append(self._value(kind, value[field], depth + 1))
        return self._keccak(b"".join(encoded))

    def _signature(self, name: str) -> str:
        """``encodeType``: the type and, behind it, those it refers to in the order of their names."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                kinds = [kind.split("[", 1)[0] for _, kind in self._types[one]]
                waiting += [kind for kind in kinds if kind in self._types]
        ordered = [name, *sorted(found - {name})]
        shown = [(one, ",".join([f"{kind} {field}" for field, kind in self._types[one]])) for one in ordered]
        return "".join([f"{one}({fields})" for one, fields in shown])

    def _value(self, kind: str, value: Any, depth: int) -> bytes:
        """``encodeData`` of one value: 32 bytes."""
        array = _ARRAY.fullmatch(kind)
        if array is not None:
            if not isinstance(value, list) or (array[2] and len(value) != int(array[2])):
                raise ValueError(f"a value is no {kind}")
            if depth > _MOST_DEPTH:
                raise ValueError("nested too deeply")
            return self._keccak(b"".join([self._value(array[1], item, depth + 1) for item in value]))
        if kind in self._types:
            return bytes(32) if value is None else self._struct(kind, value, depth)
        if kind == "string":
            return self._keccak(codec.parse_string(value).encode())
        if kind == "bytes":
            return self._keccak(codec.parse_data(value))
        return _word(kind, value)


def _word(kind: str, value: Any) -> bytes:
    """A value that is its own encoding."""
    if kind == "bool":
        return int(codec.parse_bool(value)).to_bytes(32, "big")
    if kind == "address":
        return codec.parse_address(value).rjust(32, b"\0")
    number, fixed = _NUMBER.fullmatch(kind), _BYTES.fullmatch(kind)
    if number is not None:
        bits = int(number[2] or 256)
        least, most = (
            (0, (1 << bits) - 1) if number[1] == "uint" else (-1 << (bits - 1), (1 << (bits - 1)) - 1)
        )
        found = _integer(value)
        if bits % 8 or not 0 < bits <= 256 or not least <= found <= most:
            raise ValueError(f"a value is no {kind}")
        return (found % (1 << 256)).to_bytes(32, "big")
    if fixed is not None and 0 < int(fixed[1]) <= 32:
        content = codec.parse_data(value)
        if len(content) != int(fixed[1]):
            raise ValueError(f"a value is no {kind}")
        return content.ljust(32, b"\0")
    raise ValueError(f"unknown type {kind[:64]}")


def _integer(value: Any) -> int:
    """A number, or one in decimal or (with 0x) hexadecimal digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"-?(\d{1,78}|0x[0-9a-fA-F]{1,64})", value):
        raise ValueError("a value is no integer")
    return int(value, 16 if "x" in value else 10)


def _fields(name: str, fields: Any) -> Fields:
    try:
        return [(codec.parse_string(one["name"]), codec.parse_string(one["type"])) for one in fields]
    except (TypeError, KeyError) as error:
        raise ValueError(f"type {name} must be an array of names and types") from error


def _domain_fields(domain: Any) -> Fields:
    """The domain's type where the message does not name it: of the fields that are there."""
    known = {"name": "string", "version": "string", "chainId": "uint256", "verifyingContract": "address"}
    known["salt"] = "bytes32"
    return [(name, kind) for name, kind in known.items() if isinstance(domain, dict) and name in domain]
