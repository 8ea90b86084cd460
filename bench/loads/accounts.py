"""Funded accounts and fast signing in bulk; whatever takes seconds to make is kept under ``~/.cache/jovay-bench``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from coincurve import PrivateKey

from jovay.native import kernel
from jovay.native.hashing import keccak256 as native_keccak

Bytes2D = npt.NDArray[np.uint8]
CHAIN_ID = 31_337
TIP, MAX_FEE = 10**9, 100 * 10**9


def cached(
    name: str, parameters: object, make: Callable[[], dict[str, npt.NDArray[np.generic]]]
) -> dict[str, npt.NDArray[np.generic]]:
    """Arrays that ``make`` gives, from the cache where they were made before with these parameters."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jovay-bench"
    base.mkdir(parents=True, exist_ok=True)
    path = base / f"{name}-{hashlib.sha256(repr(parameters).encode()).hexdigest()[:20]}.npz"
    if path.exists():
        with np.load(path) as found:
            return {key: found[key] for key in found.files}
    made = make()
    part = path.with_suffix(f".{os.getpid()}.part.npz")
    np.savez(part, **made)
    part.replace(path)
    return made


def keccak(data: bytes) -> bytes:
    """Keccak-256."""
    return native_keccak(kernel.load(), data)


@dataclass(frozen=True)
class Accounts:
    """Private keys (n, 32) and addresses (n, 20)."""

    keys: Bytes2D
    addresses: Bytes2D

    def __len__(self) -> int:
        return len(self.keys)

    def address(self, index: int) -> bytes:
        """Address of one account."""
        return self.addresses[index].tobytes()


@cache
def accounts(count: int) -> Accounts:
    """The first ``count`` accounts of the benchmark: their keys are hashes of numbers."""

    def make() -> dict[str, npt.NDArray[np.generic]]:
        keys = [hashlib.sha256(b"jovay bench %d" % i).digest() for i in range(count)]
        points = (PrivateKey(key).public_key.format(compressed=False)[1:] for key in keys)
        addresses = [keccak(point)[12:] for point in points]
        return {
            "keys": np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 32),
            "addresses": np.frombuffer(b"".join(addresses), np.uint8).reshape(-1, 20),
        }

    made = cached("accounts", count, make)
    return Accounts(made["keys"].astype(np.uint8), made["addresses"].astype(np.uint8))


@dataclass(frozen=True, slots=True)
class Call:
    """An unsigned transaction of account ``sender``; wei, gas. No ``to``: a creation."""

    sender: int
    nonce: int
    to: bytes
    value: int
    data: bytes
    gas: int


def rlp_uint(value: int) -> bytes:
    """RLP of an integer below 2⁴⁴⁰."""
    if value == 0:
        return b"\x80"
    raw = value.to_bytes((value.bit_length() + 7) >> 3, "big")
    return raw if value < 0x80 else bytes((0x80 + len(raw),)) + raw


def rlp_string(data: bytes) -> bytes:
    """RLP of bytes that do not stand for themselves (none, or two and more)."""
    if len(data) < 56:
        return bytes((0x80 + len(data),)) + data
    return (
        b"\xb8" + bytes((len(data),)) + data
        if len(data) < 256
        else b"\xb9" + len(data).to_bytes(2, "big") + data
    )


def rlp_list(payload: bytes) -> bytes:
    """RLP list header and payload."""
    if len(payload) < 56:
        return bytes((0xC0 + len(payload),)) + payload
    size = (len(payload).bit_length() + 7) >> 3
    return bytes((0xF7 + size,)) + len(payload).to_bytes(size, "big") + payload


#: secp256k1: the group's order, and the x coordinate of its generator, whose y coordinate is even.
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
GENERATOR_X = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798


def sign(owners: Accounts, calls: Iterable[Call]) -> list[bytes]:
    """Raw type 2 transactions.

    All signatures use the number 1 where ECDSA wants a secret one: that gives the (public) keys away and costs a
    multiplication instead of 50 µs. Whoever recovers the sender has the same work as with any other signature.
    """
    library, chain, fees = kernel.load(), rlp_uint(CHAIN_ID), rlp_uint(TIP) + rlp_uint(MAX_FEE)
    r, raws = rlp_uint(GENERATOR_X), []
    for call in calls:
        target = (
            rlp_uint(call.gas),
            rlp_string(call.to),
            rlp_uint(call.value),
            rlp_string(call.data),
            b"\xc0",
        )
        payload = b"".join((chain, rlp_uint(call.nonce), fees, *target))
        digest = int.from_bytes(native_keccak(library, b"\2" + rlp_list(payload)), "big")
        s = (digest + GENERATOR_X * int.from_bytes(owners.keys[call.sender].tobytes(), "big")) % ORDER
        odd = s > ORDER // 2  # EIP-2: the lower one of s and -s
        raws.append(
            b"\2" + rlp_list(payload + (b"\1" if odd else b"\x80") + r + rlp_uint(ORDER - s if odd else s))
        )
    return raws


@dataclass(frozen=True)
class Signed:
    """Raw transactions back to back in ``data``, each ending at its entry of ``ends``."""

    data: bytes
    ends: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends)

    def batch(self, start: int, stop: int) -> tuple[bytes, npt.NDArray[np.int64]]:
        """Bytes and ends of the transactions ``start`` to ``stop - 1``."""
        first = int(self.ends[start - 1]) if start else 0
        ends = self.ends[start:stop] - first
        return self.data[first : first + int(ends[-1])], ends

    def raws(self, start: int = 0, stop: int | None = None) -> Sequence[bytes]:
        """The transactions singly."""
        bounds = [0, *self.ends.tolist()]
        stop = len(self) if stop is None else stop
        return [self.data[bounds[i] : bounds[i + 1]] for i in range(start, stop)]


def signed(
    name: str, parameters: object, owners: Accounts, make_calls: Callable[[], Iterable[Call]]
) -> Signed:
    """Signed calls, from the cache where they were signed before with these parameters."""

    def make() -> dict[str, npt.NDArray[np.generic]]:
        raws = sign(owners, make_calls())
        return {
            "data": np.frombuffer(b"".join(raws), np.uint8),
            "ends": np.cumsum([len(raw) for raw in raws]),
        }

    made = cached(name, (2, parameters, len(owners), CHAIN_ID, TIP, MAX_FEE), make)
    return Signed(made["data"].tobytes(), made["ends"].astype(np.int64))
