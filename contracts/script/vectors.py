"""Prints what the forge tests compare with: `python contracts/script/vectors.py > contracts/test/vectors/wire.json`.

All of it comes from the Python side of the wire formats, and from ckzg.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

from eth_utils.crypto import keccak

from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.blobs import commitment_of, data_hash, open_blob, to_blobs, versioned_hash
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.l1_message import L1Message, rolling_hash
from jovay.bridge.wire.message_tree import ZEROS
from jovay.bridge.wire.statement import Statement

ROLLUP, USER, TARGET = (bytes([byte]) * 20 for byte in (0x40, 0x05, 0x0D))
#: Nonce, value, bytes of data, gas: short and long calls, and numbers that RLP treats apart.
MESSAGES = ((0, 0, 0, 300_000), (1, 10**18, 4, 0x7F), (0x80, 1, 300, 2**32), (300, 0, 5_000, 2**63))


def vectors() -> dict[str, object]:
    """Everything, as JSON knows it."""
    draw = random.Random(1)
    return {
        "blobs": _blobs(draw),
        "messages": _messages(draw),
        "tree": _tree(draw),
        "statement": _statement(draw),
        "header": _hex(BatchHeader(2, 77, *(draw.randbytes(32) for _ in range(3))).encode()),
    }


def _blobs(draw: random.Random) -> dict[str, object]:
    """Two blobs of data that do not compress, with what L1 checks about them."""
    da = DaData(1, b"\x02" + (150_000).to_bytes(3, "big") + draw.randbytes(150_000))
    blobs = to_blobs(da)
    commitments = [commitment_of(blob) for blob in blobs]
    openings = [open_blob(*both, da.digest) for both in zip(blobs, commitments, strict=True)]
    hashes = [versioned_hash(commitment) for commitment in commitments]
    return {
        "dataDigest": _hex(da.digest),
        "dataHash": _hex(data_hash(hashes)),
        "versionedHashes": _all(hashes),
        "z": _all([one.z for one in openings]),
        "y": _all([one.y for one in openings]),
        "commitments": _all(commitments),
        "proofs": _all([one.proof for one in openings]),
    }


def _messages(draw: random.Random) -> dict[str, object]:
    messages = [
        L1Message(USER, TARGET, value, nonce, draw.randbytes(size), gas, ROLLUP)
        for nonce, value, size, gas in MESSAGES
    ]
    return {
        "hashes": _all([one.hash for one in messages]),
        "rollingHash": _hex(rolling_hash(one.hash for one in messages)),
        "datas": _all([one.msg for one in messages]),
    }


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The tree of messages from the leaves up to the root; places without a leaf are zero."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        zero = ZEROS[len(levels) - 1]
        pairs = zip(levels[-1][::2], [*levels[-1][1::2], zero], strict=False)
        levels.append([keccak(a + b) for a, b in pairs])
    return levels


def _tree(draw: random.Random) -> dict[str, object]:
    leaves = [draw.randbytes(32) for _ in range(21)]
    roots = [bytes(32), *(_levels(leaves[:count])[-1][0] for count in range(1, len(leaves) + 1))]
    proofs = []
    for index in range(len(leaves)):
        padded = [[*nodes, zero] for nodes, zero in zip(_levels(leaves)[:-1], ZEROS, strict=False)]
        proofs.append(b"".join(nodes[(index >> level) ^ 1] for level, nodes in enumerate(padded)))
    return {"leaves": _all(leaves), "roots": _all(roots), "proofs": _all(proofs)}


def _statement(draw: random.Random) -> dict[str, object]:
    words = [draw.randbytes(32) for _ in range(9)]
    points = [(draw.randbytes(32), draw.randbytes(32)) for _ in range(2)]
    statement = Statement(1, ROLLUP, 20257, *words[:7], 1_800_000_000_123, words[7], words[8], points)
    return {
        "words": _all(words),
        "points": _all([part for point in points for part in point]),
        "hash": _hex(statement.hash),
    }


def _all(values: Sequence[bytes]) -> list[str]:
    return [_hex(value) for value in values]


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


if __name__ == "__main__":
    print(json.dumps(vectors(), indent=1))
