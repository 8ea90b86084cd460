"""Blocks with made-up but well-formed content for the storage tests."""

from __future__ import annotations

import hashlib
import random

import numpy as np

from jovay.storage.block_parts import BlockParts


def header_rlp(number: int, bloom: bytes = bytes(256), salt: bytes = b"") -> bytes:
    """A header's RLP with the real field order up to the bloom; the rest is number and salt."""
    fields = [bytes(32)] * 2 + [bytes(20)] + [hashlib.sha256(salt).digest()] * 3
    body = b"".join(bytes((0x80 + len(field),)) + field for field in fields) + b"\xb9\x01\x00" + bloom
    body += b"\x88" + number.to_bytes(8, "big") + bytes((0x80 + len(salt),)) + salt
    return b"\xf9" + len(body).to_bytes(2, "big") + body


def block(number: int, transactions: int = 3, salt: bytes = b"", bloom: bytes = bytes(256)) -> BlockParts:
    """Block ``number``; the same arguments give the same bytes, another ``salt`` gives another block."""
    chance = random.Random(f"{number} {transactions} {salt.hex()}")
    lengths = [chance.randrange(100, 200) for _ in range(transactions)]
    header = header_rlp(number, bloom, salt)
    return BlockParts(
        number=number,
        hash=hashlib.sha256(header).digest(),
        header=header,
        tx_hashes=chance.randbytes(32 * transactions),
        senders=chance.randbytes(20 * transactions),
        tx_offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.uint32).tobytes(),
        transactions=chance.randbytes(sum(lengths)),
        receipts=chance.randbytes(88 * transactions),
        logs=chance.randbytes(176 * transactions),
        log_data=chance.randbytes(32 * transactions),
        writes=chance.randbytes(150 * transactions),
        groups=chance.randbytes(4 * transactions),
        metrics=chance.randbytes(8),
    )
