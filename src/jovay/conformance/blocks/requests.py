"""Requests of execution to consensus: EIP-6110, EIP-7002, EIP-7251, and their hash, EIP-7685."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .refusals import refused

DEPOSIT, WITHDRAWAL, CONSOLIDATION = 0, 1, 2
DEPOSIT_CONTRACT = 0x00000000219AB540356CBB839CBE05303D7705FA
DEPOSIT_TOPIC = bytes.fromhex("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5")
#: Contracts that answer a system call with the block's requests of a type.
CONTRACTS = {
    WITHDRAWAL: 0x00000961EF480EB55E80D19AD83579A64C007002,
    CONSOLIDATION: 0x0000BBDDC7CE488642FB579F8B00F3A590007251,
}
#: Sizes of a DepositEvent's parts: public key, withdrawal credentials, amount, signature, index.
_PARTS = (48, 32, 8, 96, 8)
_EVENT_SIZE = 576


def deposit(data: bytes) -> bytes:
    """The request of a DepositEvent with this data; raises ``RefusedBlockError`` for another layout."""
    words = [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]
    offset, parts = 32 * len(_PARTS), []
    for i, size in enumerate(_PARTS):
        if len(data) != _EVENT_SIZE or words[i] != offset or words[offset // 32] != size:
            raise refused("INVALID_DEPOSIT_EVENT_LAYOUT", f"a deposit event of {len(data)} bytes")
        parts.append(data[offset + 32 : offset + 32 + size])
        offset += 32 + -(-size // 32) * 32
    return b"".join(parts)


def requests_hash(requests: Iterable[tuple[int, bytes]]) -> bytes:
    """SHA-256 over the SHA-256 of each type with its data; types without data are left out."""
    digests = [hashlib.sha256(bytes((kind,)) + data).digest() for kind, data in requests if data]
    return hashlib.sha256(b"".join(digests)).digest()
