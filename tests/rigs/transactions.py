"""A second transaction decoder and a signing encoder, over PyPI's ``rlp``: by the EIPs, for comparison."""

from __future__ import annotations

from typing import Any

import rlp  # type: ignore[import-untyped]
from coincurve import PrivateKey, PublicKey
from Crypto.Hash import keccak

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class Refused(Exception):  # noqa: N818  (an outcome, not an error)
    """The bytes are not a transaction."""


def keccak256(data: bytes) -> bytes:
    """Ethereum's Keccak-256."""
    return bytes(keccak.new(digest_bits=256, data=data).digest())


def recover(digest: bytes, r: int, s: int, y_parity: int) -> bytes:
    """Address whose key made the signature; ``Refused`` if there is none."""
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([y_parity])
    try:
        key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except Exception as error:
        raise Refused("no such point") from error
    return keccak256(key.format(compressed=False)[1:])[12:]


def _strict(data: bytes) -> Any:
    try:
        value = rlp.decode(data, strict=True)
    except rlp.exceptions.RLPException as error:
        raise Refused("not RLP") from error
    if rlp.encode(value) != data:
        raise Refused("not canonical")
    return value


def _uint(value: Any, bits: int) -> int:
    if not isinstance(value, bytes) or value[:1] == b"\0" or len(value) > bits // 8:
        raise Refused("not an integer")
    return int.from_bytes(value, "big")


def _bytes(value: Any, *sizes: int) -> bytes:
    if not isinstance(value, bytes) or (sizes and len(value) not in sizes):
        raise Refused("not bytes of the right size")
    return value


def _list(value: Any, size: int | None = None) -> list[Any]:
    if not isinstance(value, list) or (size is not None and len(value) != size):
        raise Refused("not a list of the right length")
    return value


def _access_list(value: Any) -> list[tuple[bytes, list[bytes]]]:
    entries = [_list(e, 2) for e in _list(value)]
    return [(_bytes(a, 20), [_bytes(k, 32) for k in _list(keys)]) for a, keys in entries]


def _authorization(value: Any) -> dict[str, Any]:
    chain, target, nonce, parity, r, s = _list(value, 6)
    fields: dict[str, Any] = {
        "chain_id": _uint(chain, 256),
        "target": _bytes(target, 20),
        "nonce": _uint(nonce, 64),
    }
    fields |= {"y_parity": _uint(parity, 8), "r": _uint(r, 256), "s": _uint(s, 256)}
    return fields | {"digest": keccak256(b"\5" + rlp.encode([chain, target, nonce]))}


def decode(raw: bytes) -> dict[str, Any]:
    """Fields of the transaction by name, with hash and signing hash; ``Refused`` if it is none."""
    if raw[:1] > b"\x7f":
        fields = _legacy(_strict(raw))
    elif raw[:1] in (b"\1", b"\2", b"\3", b"\4"):
        fields = _typed(raw[0], _strict(raw[1:]))
    elif raw[:1] == b"\x7f":
        nonce, gas, data = _list(_strict(raw[1:]), 3)
        fields = {"nonce": _uint(nonce, 64), "gas_limit": _uint(gas, 64), "data": _bytes(data)}
        fields |= {"kind": 0x7F, "to": b"\x61" + bytes(19), "sender": b"\x51" + bytes(19)}
        return fields | {"hash": keccak256(raw)}
    else:
        raise Refused("unknown type")
    if not (0 < fields["r"] < ORDER and 0 < fields["s"] <= ORDER // 2 and fields["y_parity"] <= 1):
        raise Refused("signature out of range")
    return fields | {"hash": keccak256(raw)}


def _legacy(items: Any) -> dict[str, Any]:
    nonce, price, gas, to, value, data, v, r, s = _list(items, 9)
    fields: dict[str, Any] = {
        "kind": 0,
        "nonce": _uint(nonce, 64),
        "max_fee": _uint(price, 256),
        "gas_limit": _uint(gas, 64),
    }
    fields |= {"max_priority_fee": _uint(price, 256), "to": _bytes(to, 0, 20), "value": _uint(value, 256)}
    fields |= {"data": _bytes(data), "r": _uint(r, 256), "s": _uint(s, 256)}
    v_value, payload = _uint(v, 256), items[:6]
    if v_value in (27, 28):
        fields |= {"y_parity": v_value - 27, "has_chain_id": 0}
    elif v_value >= 35 and v_value - 35 < 2**65:
        chain = (v_value - 35) // 2
        fields |= {"y_parity": (v_value - 35) % 2, "has_chain_id": 1, "chain_id": chain}
        payload = [*payload, chain.to_bytes((chain.bit_length() + 7) // 8, "big"), b"", b""]
    else:
        raise Refused("bad v")
    return fields | {"signing_hash": keccak256(rlp.encode(payload))}


def _typed(kind: int, items: Any) -> dict[str, Any]:
    items = _list(items, {1: 11, 2: 12, 3: 14, 4: 13}[kind])
    prices = 1 if kind == 1 else 2
    gas, to, value, data, access = items[2 + prices : 7 + prices]
    fields: dict[str, Any] = {
        "kind": kind,
        "chain_id": _uint(items[0], 64),
        "nonce": _uint(items[1], 64),
        "has_chain_id": 1,
    }
    fields |= {"max_priority_fee": _uint(items[2], 256), "max_fee": _uint(items[1 + prices], 256)}
    fields |= {"gas_limit": _uint(gas, 64), "to": _bytes(to, 20) if kind > 2 else _bytes(to, 0, 20)}
    fields |= {"value": _uint(value, 256), "data": _bytes(data), "access": _access_list(access)}
    if kind == 3:
        fields["max_blob_fee"] = _uint(items[-5], 256)
        fields["blobs"] = [_bytes(h, 32) for h in _list(items[-4])]
    if kind == 4:
        fields["authorizations"] = [_authorization(a) for a in _list(items[-4])]
    parity, r, s = items[-3:]
    fields |= {"y_parity": _uint(parity, 256), "r": _uint(r, 256), "s": _uint(s, 256)}
    return fields | {"signing_hash": keccak256(bytes([kind]) + rlp.encode(items[:-3]))}


def address_of(key: bytes) -> bytes:
    """Address of a private key."""
    return keccak256(PrivateKey(key).public_key.format(compressed=False)[1:])[12:]


def _signature(digest: bytes, key: bytes) -> tuple[int, int, int]:
    """(y parity, r, s)."""
    signature = PrivateKey(key).sign_recoverable(digest, hasher=None)
    return signature[64], int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")


def authorize(chain_id: int, target: bytes, nonce: int, key: bytes) -> list[Any]:
    """A signed EIP-7702 tuple."""
    fields = [chain_id, target, nonce]
    return [*fields, *_signature(keccak256(b"\5" + rlp.encode(fields)), key)]


def sign(kind: int, fields: list[Any], key: bytes, chain_id: int | None = None) -> bytes:
    """Raw transaction from its unsigned fields in wire order; ``chain_id`` protects a legacy one."""
    if kind:
        parity, r, s = _signature(keccak256(bytes([kind]) + rlp.encode(fields)), key)
        return bytes([kind]) + bytes(rlp.encode([*fields, parity, r, s]))
    tail = [] if chain_id is None else [chain_id, 0, 0]
    parity, r, s = _signature(keccak256(rlp.encode(fields + tail)), key)
    v = 27 + parity if chain_id is None else 35 + 2 * chain_id + parity
    return bytes(rlp.encode([*fields, v, r, s]))
