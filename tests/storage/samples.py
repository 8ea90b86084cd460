"""Blocks with made-up but well-formed content for the storage tests."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

import numpy as np
import pytest

from jovay.storage.block_parts import FIELDS, BlockParts
from jovay.storage.blocks import BlockStore
from jovay.storage.frame import Part


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
    )


Opener = Callable[..., BlockStore]


def assert_holds(store: BlockStore, expected: list[BlockParts]) -> None:
    """Every way of reading gives what was stored."""
    assert (store.oldest, store.latest) == (expected[0].number, expected[-1].number)
    for wanted in expected:
        number = wanted.number
        assert store.block(number) == wanted
        assert store.hash_of(number) == wanted.hash
        assert store.number_of(wanted.hash) == number
        for part, name in zip(Part, FIELDS, strict=True):
            assert store.read(number, part) == getattr(wanted, name)
        count = wanted.tx_count
        assert store.tx_count(number) == count
        offsets = np.frombuffer(wanted.tx_offsets, np.uint32)
        for index in range(count):
            tx_hash = wanted.tx_hashes[32 * index : 32 * index + 32]
            assert store.locate(tx_hash) == (number, index)
            assert store.tx_hash(number, index) == tx_hash
            assert store.sender(number, index) == wanted.senders[20 * index : 20 * index + 20]
            assert store.receipt(number, index) == wanted.receipts[88 * index : 88 * index + 88]
            raw = wanted.transactions[offsets[index] : offsets[index + 1]]
            assert store.transaction(number, index) == raw
        for read in (store.transaction, store.receipt, store.tx_hash, store.sender):
            with pytest.raises(IndexError):
                read(number, count)
