"""Block headers as RLP, in the field order of the execution specs."""

from __future__ import annotations

from collections.abc import Sequence

from jovay.types import Header

Item = bytes | int | Sequence["Item"]


def rlp(item: Item) -> bytes:
    """RLP of nested lists of bytes and non-negative integers (Yellow Paper, appendix B)."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _prefix(len(item), 0x80) + item
    body = b"".join(map(rlp, item))
    return _prefix(len(body), 0xC0) + body


def _prefix(size: int, base: int) -> bytes:
    if size < 56:
        return bytes([base + size])
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(length)]) + length


#: Fields in the order of the encoding; later forks append.
_NAMES = (
    "parent_hash",
    "uncles_hash",
    "coinbase",
    "state_root",
    "transactions_root",
    "receipts_root",
    "logs_bloom",
    "difficulty",
    "number",
    "gas_limit",
    "gas_used",
    "timestamp",
    "extra_data",
    "mix_hash",
    "nonce",
    "base_fee_per_gas",
    "withdrawals_root",
    "blob_gas_used",
    "excess_blob_gas",
    "parent_beacon_block_root",
    "requests_hash",
)
_NUMBERS = {
    "difficulty",
    "number",
    "gas_limit",
    "gas_used",
    "timestamp",
    "base_fee_per_gas",
    "blob_gas_used",
    "excess_blob_gas",
}


def encode_header(header: Header) -> bytes:
    """The header's RLP; fields of later forks end the list where they are None."""
    fields: list[Item] = []
    for name in _NAMES:
        value = getattr(header, name)
        if value is None:
            break
        fields.append(value)
    return rlp(fields)


def decode_header(encoded: bytes) -> Header:
    """A header from the RLP that ``encode_header`` wrote (hash and size left empty)."""
    values: dict[str, bytes | int] = {}
    for name, item in zip(_NAMES, _split(encoded), strict=False):
        values[name] = int.from_bytes(item, "big") if name in _NUMBERS else item
    return Header(hash=bytes(32), **values)  # type: ignore[arg-type]


def _split(encoded: bytes) -> list[bytes]:
    """The byte strings of a flat RLP list."""
    at, out = _body(encoded, 0, 0xC0)[0], []
    while at < len(encoded):
        if encoded[at] < 0x80:
            out.append(encoded[at : at + 1])
            at += 1
            continue
        start, size = _body(encoded, at, 0x80)
        out.append(encoded[start : start + size])
        at = start + size
    return out


def _body(encoded: bytes, at: int, base: int) -> tuple[int, int]:
    """(start, size) of the payload of the item at ``at``."""
    head = encoded[at] - base
    if head < 56:
        return at + 1, head
    width = head - 55
    return at + 1 + width, int.from_bytes(encoded[at + 1 : at + 1 + width], "big")
