"""The transcript: what was said hashes to what is asked next (Fiat and Shamir 1986).

The state is a Keccak-256 hash. ``absorb`` makes it keccak(state ‖ label ‖ length ‖ data), where the label is the
Keccak-256 of its text and the length has 8 bytes; ``challenge`` makes it keccak(state ‖ label), which also, modulo the
field's order, is the answer. Nothing is absorbed twice in a row without its length, so that no two conversations
hash to the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from eth_utils.crypto import keccak

from .field import R, encode_elements


class Transcript:
    """Prover and verifier hold one each, and say and ask the same in the same order."""

    def __init__(self, protocol: str) -> None:
        self.state = keccak(text=protocol)

    def absorb(self, label: str, data: bytes) -> None:
        """Something was said."""
        self.state = keccak(self.state + keccak(text=label) + len(data).to_bytes(8, "big") + data)

    def absorb_elements(self, label: str, elements: Iterable[int]) -> None:
        """Field elements were said, 32 bytes big-endian each."""
        self.absorb(label, encode_elements(elements))

    def challenge(self, label: str) -> int:
        """An element that nobody could know before."""
        self.state = keccak(self.state + keccak(text=label))
        return int.from_bytes(self.state, "big") % R

    def challenges(self, label: str, count: int) -> list[int]:
        """Several of them."""
        return [self.challenge(label) for _ in range(count)]
