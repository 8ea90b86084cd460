"""Multiproofs as trees of nodes, to be cut, moved and put together again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from jovay.kernel.hashes.poseidon2_constants import P
from jovay.kernel.lang import U64
from jovay.kernel.trie import multiproof, nodes
from jovay.kernel.trie.hashing import VERSION
from jovay.kernel.trie.multiproof_writer import BRANCH_TAG, EMPTY_TAG, LEAF_TAG, OPAQUE_TAG
from jovay.kernel.trie.nodes import BRANCH_SIZE, LEAF_SIZE, Trie
from jovay.native.arena import Arena
from jovay.native.library import Library

EMPTY = bytes((VERSION, EMPTY_TAG))


@dataclass(eq=False)
class Node:
    """A leaf (``content``: key ‖ value), an unknown subtree (its digest), or a branch of depth ``depth``."""

    tag: int
    content: bytes = b""
    depth: int = 0
    left: Node | None = None
    right: Node | None = None

    def encode(self) -> bytes:
        if self.tag != BRANCH_TAG or self.left is None or self.right is None:
            return bytes((self.tag,)) + self.content
        return bytes((self.tag, self.depth & 0xFF)) + self.left.encode() + self.right.encode()

    def walk(self) -> Iterator[Node]:
        """All nodes, this one first."""
        yield self
        for child in (self.left, self.right):
            if child is not None:
                yield from child.walk()

    def become(self, other: Node) -> None:
        self.tag, self.content, self.depth = other.tag, other.content, other.depth
        self.left, self.right = other.left, other.right

    def copy(self) -> Node:
        left, right = (child and child.copy() for child in (self.left, self.right))
        return Node(self.tag, self.content, self.depth, left, right)


def parse(proof: bytes) -> Node | None:
    """The tree of a well-formed multiproof; None for that of the empty trie."""
    if proof == EMPTY:
        return None
    at = 1

    def read() -> Node:
        nonlocal at
        tag = proof[at]
        if tag == BRANCH_TAG:
            node = Node(tag, depth=proof[at + 1])
            at += 2
            node.left, node.right = read(), read()
            return node
        size = 64 if tag == LEAF_TAG else 32
        node = Node(tag, proof[at + 1 : at + 1 + size])
        at += 1 + size
        return node

    return read()


def unparse(tree: Node | None) -> bytes:
    return EMPTY if tree is None else bytes((VERSION,)) + tree.encode()


def element(dice: Random) -> bytes:
    return dice.randrange(P).to_bytes(4, "little")


def digest(dice: Random) -> bytes:
    """A digest of which nobody knows the subtree; or a key."""
    return b"".join(element(dice) for _ in range(8))


def made_up(dice: Random, depth: int = 0, size: int = 6) -> Node:
    """A tree that no state has; its keys mostly stand where their bits lead."""
    bits = dice.getrandbits(248)

    def key(bits: int) -> bytes:
        words = [bits >> (217 - 31 * i) & (1 << 31) - 1 for i in range(8)]
        return b"".join(min(w, P - 1).to_bytes(4, "little") for w in words)

    def grow(depth: int, bits: int, size: int) -> Node:
        if size <= 1 or depth >= 247:
            if dice.random() < 0.15:
                return Node(OPAQUE_TAG, digest(dice))
            value = (
                bytes(32) if dice.random() < 0.01 else dice.choice([bytes(31) + b"\1", dice.randbytes(32)])
            )
            return Node(LEAF_TAG, key(bits ^ dice.getrandbits(max(1, 247 - depth))) + value)
        at = min(247, depth + dice.choice([0, 0, 1, 2, 31, 62, 100]))
        low = bits & ~(1 << (247 - at))
        left = grow(at + 1, low, size // 2)
        right = grow(at + 1, low | 1 << (247 - at), size - size // 2)
        return Node(BRANCH_TAG, b"", at, left, right)

    return grow(depth, bits, size)


class Roots:
    """Digests of trees, by the kernel's own reader."""

    def __init__(self, library: Library, capacity: int = 1 << 16) -> None:
        self._library, self._capacity = library, capacity
        self._memory = Arena(4096, huge_pages=False, name="trie")
        self._branches = Arena(capacity * BRANCH_SIZE, huge_pages=False)
        self._leaves = Arena(capacity * LEAF_SIZE, huge_pages=False)
        self._scratch = Arena(
            int(multiproof.partial_scratch(U64(capacity * 64))), huge_pages=False, name="scratch"
        )

    def root_of(self, proof: bytes) -> bytes:
        """The root that a multiproof leads to; zeros where it is malformed."""
        if len(proof) > self._capacity * 32:
            return bytes(32)
        arenas = self._branches, self._capacity, self._leaves, self._capacity
        self._library[nodes.trie_init](self._memory, *arenas)
        call = self._library[multiproof.partial_trie]
        status = call(self._memory, proof, len(proof), bytes(32), self._scratch)
        if status not in (0, nodes.WRONG_ROOT):
            return bytes(32)
        return bytes(self._memory.record(Trie).digest)
