"""EIP-55 against eth-utils."""

from __future__ import annotations

import random

from Crypto.Hash import keccak
from eth_utils import to_checksum_address

from jovay.chain.checksum import checksummed


def hashed(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


def test_checksums_of_eip_55() -> None:
    dice = random.Random(55)
    for address in (bytes(20), b"\xff" * 20, *(dice.randbytes(20) for _ in range(100))):
        assert checksummed(address, hashed) == to_checksum_address(address)
