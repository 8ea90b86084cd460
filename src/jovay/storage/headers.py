"""Stored headers as values."""

from __future__ import annotations

import contextlib

import msgspec

from jovay.chain.header import block_size, decode_header
from jovay.chain.types import Header

from .blocks import BlockStore
from .errors import PrunedDataError


def read_header(blocks: BlockStore, number: int) -> Header:
    """A stored header with its hash and the size of its block (0 if the body is pruned)."""
    encoded, size = blocks.header(number), 0
    header = decode_header(encoded)
    with contextlib.suppress(PrunedDataError):
        listed = None if header.withdrawals_root is None else b""
        size = block_size(len(encoded), *blocks.transactions(number), listed)
    return msgspec.structs.replace(header, hash=blocks.hash_of(number), size=size)
