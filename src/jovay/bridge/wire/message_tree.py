"""The append-only Keccak tree of L2 messages, as ``L2Mailbox`` keeps it and ``L1Mailbox`` checks proofs against it: its
empty subtrees, and the root of a proof.
"""

from __future__ import annotations

from collections.abc import Sequence

from eth_utils.crypto import keccak

from jovay.bridge.errors import WireError

MAX_HEIGHT = 40


def root_of(leaf: bytes, index: int, siblings: Sequence[bytes]) -> bytes:
    """The root that a proof leads to."""
    if len(siblings) > MAX_HEIGHT or index >> len(siblings):
        raise WireError("message proof", f"leaf {index} below {len(siblings)} siblings")
    for level, sibling in enumerate(siblings):
        leaf = keccak(sibling + leaf) if index >> level & 1 else keccak(leaf + sibling)
    return leaf


def _zeros() -> tuple[bytes, ...]:
    found = [bytes(32)]
    for _ in range(MAX_HEIGHT):
        found.append(keccak(found[-1] * 2))
    return tuple(found)


#: Root of an empty subtree by its height.
ZEROS = _zeros()
