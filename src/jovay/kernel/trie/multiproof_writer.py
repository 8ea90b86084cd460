"""Multiproofs being written: their form, and where the bytes go.

A multiproof is a version byte and then the trie in preorder: ``00 ‖ depth`` and its two subtrees for a branch
on the way to a key, ``01 ‖ key ‖ value`` for a leaf reached, ``02 ‖ digest`` for a subtree that is not;
``03`` for the empty trie. Digests on the way are left to the reader to compute. It holds what lookups of
the keys need, and setting and deleting them in any order: a deleted leaf's sibling moves up as it is.
"""

from jovay.kernel.lang import U64, Ptr, Record, copy, kernel, store8

from .hashing import VERSION
from .nodes import NONE, Trie, branch_at, is_known, is_leaf, leaf_at

BRANCH_TAG = 0
LEAF_TAG = 1
OPAQUE_TAG = 2
EMPTY_TAG = 3

LEAF_BYTES = 65
OPAQUE_BYTES = 33


class Writer(Record):
    """Where a multiproof goes: ``at`` the next byte, ``end`` behind the room.

    ``failed``: there was no room, or the trie is partial and did not know.
    """

    at: Ptr
    end: Ptr
    failed: U64


@kernel
def begin_proof(trie: Trie, writer: Writer) -> None:
    """Write what comes before the root; of the empty trie there is no more."""
    writer.failed = U64(0)
    _put_tag(writer, U64(VERSION), U64(1))
    if trie.root == NONE:
        _put_tag(writer, U64(EMPTY_TAG), U64(1))


@kernel
def _put_tag(writer: Writer, tag: U64, size: U64) -> Ptr:
    """A byte, with room for ``size`` bytes including it; address of the rest, or 0 if there is no room."""
    at = writer.at
    if writer.failed != 0 or size > writer.end - at:
        writer.failed = U64(1)
        return U64(0)
    store8(at, tag)
    writer.at = at + size
    return at + 1


@kernel(inline=False)
def _put(writer: Writer, tag: U64, source: Ptr, size: U64) -> None:
    at = _put_tag(writer, tag, size + 1)
    if at != 0:
        copy(at, source, size)


@kernel
def put_opaque(writer: Writer, digest: Ptr) -> None:
    """A subtree that no key leads into."""
    _put(writer, U64(OPAQUE_TAG), digest, U64(32))


@kernel
def put_leaf(trie: Trie, writer: Writer, ref: U64) -> None:
    """A leaf."""
    _put(writer, U64(LEAF_TAG), leaf_at(trie, ref).key, U64(64))


@kernel
def put_branch(writer: Writer, depth: U64) -> None:
    """A branch; its subtrees follow."""
    at = _put_tag(writer, U64(BRANCH_TAG), U64(2))
    if at != 0:
        store8(at, depth)


@kernel(inline=False)
def put_any(trie: Trie, writer: Writer, ref: U64) -> None:
    """A known subtree of which any leaf will do, to show how its keys begin: the leftmost known."""
    if is_leaf(ref):
        put_leaf(trie, writer, ref)
        return
    branch = branch_at(trie, ref)
    put_branch(writer, branch.depth)
    if is_known(trie, branch.left):
        put_any(trie, writer, branch.left)
        put_opaque(writer, branch.right_digest)
        return
    put_opaque(writer, branch.left_digest)
    if is_known(trie, branch.right):
        put_any(trie, writer, branch.right)
    else:
        writer.failed = U64(1)
