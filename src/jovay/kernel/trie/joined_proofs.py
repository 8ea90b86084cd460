"""One trie from the multiproofs of consecutive tries: as much of the first as they show together.

Each proof is of the trie before a block, for the keys that the block touched. A subtree that no block before has
touched is the same in the first trie, and has the same digest. So all proofs are read and hashed, and where one has
cut a subtree off to its digest, that subtree is taken from another. What nobody has touched nobody needs.
"""

from jovay.kernel.lang import U64, Ptr, Record, fill, kernel, load32, load64, store64

from .hashing import BUFFERS_SIZE, PENDING_LEAF, attach, attach_root, begin_pending, hash_pending
from .multiproof import READER_SIZE, Reader, read_proof
from .multiproof_writer import LEAF_BYTES
from .nodes import (
    FIRST_BRANCH,
    NONE,
    OPAQUE,
    OUT_OF_MEMORY,
    WRONG_ROOT,
    Trie,
    branch_at,
    has_room,
    new_branch,
)
from .path import is_same


class ProofPart(Record):
    """A multiproof, and the root that it must lead to (32 bytes)."""

    proof: Ptr
    size: U64
    root: Ptr


PART_SIZE = ProofPart.size
#: Bytes of an entry of the table of nodes: where its digest is, its reference.
NODE_ENTRY = 16


@kernel
def joined_scratch(size: U64, table: U64) -> U64:
    """Scratch bytes that ``join_proofs`` needs for ``size`` bytes of multiproofs."""
    return (size // LEAF_BYTES + 1) * PENDING_LEAF + (READER_SIZE + BUFFERS_SIZE) + table * NODE_ENTRY


@kernel
def join_proofs(trie: Trie, parts: Ptr, n: U64, size: U64, table: U64, scratch: Ptr) -> U64:
    """Fill an empty trie with what ``n`` ≥ 1 multiproofs, of ``size`` bytes together, tell of the first one's.

    ``table``, a power of two, is more than the nodes in them. Status as of ``partial_trie``, whose trie it is.
    """
    reader = Reader(scratch)
    buffers = scratch + READER_SIZE
    leaves = buffers + BUFFERS_SIZE
    pending = begin_pending(reader.pending, buffers, leaves)
    if not has_room(trie, U64(0), n):
        trie.status = U64(OUT_OF_MEMORY)
        return trie.status
    for _ in range(n):  # they hold the roots, one after the other from the first branch on
        holder = branch_at(trie, new_branch(trie))
        holder.left, holder.right = U64(NONE), U64(NONE)
        fill(holder.left_digest, U64(0), U64(64))
    for i in range(n):
        part = ProofPart(parts + U64(i) * PART_SIZE)
        ref, where, number = read_proof(trie, reader, part.proof, part.size)
        if trie.status != 0:
            return trie.status
        if ref != NONE:
            attach(trie, pending, FIRST_BRANCH + U64(i), U64(0), ref, where, number)
    hash_pending(trie, pending)
    for i in range(n):
        holder = branch_at(trie, FIRST_BRANCH + U64(i))
        if not is_same(holder.left_digest, ProofPart(parts + U64(i) * PART_SIZE).root):
            trie.status = U64(WRONG_ROOT)
            return trie.status
    if n > 1:
        _graft(trie, leaves + (size // LEAF_BYTES + 1) * PENDING_LEAF, table - 1)
    first = branch_at(trie, U64(FIRST_BRANCH))
    attach_root(trie, pending, first.left, first.left_digest, U64(0))
    return trie.status


@kernel(inline=False)
def _graft(trie: Trie, table: Ptr, mask: U64) -> None:
    """Put known subtrees in the place of those cut off that have their digests."""
    fill(table, U64(0), (mask + 1) * NODE_ENTRY)
    for i in range(FIRST_BRANCH, trie.branch_used):
        branch = branch_at(trie, U64(i))
        if branch.left > OPAQUE:
            _remember(table, mask, branch.left_digest, branch.left)
        if branch.right > OPAQUE:
            _remember(table, mask, branch.right_digest, branch.right)
    for i in range(FIRST_BRANCH, trie.branch_used):
        branch = branch_at(trie, U64(i))
        if branch.left == OPAQUE:
            branch.left = _known(table, mask, branch.left_digest)
        if branch.right == OPAQUE:
            branch.right = _known(table, mask, branch.right_digest)


@kernel
def _place(table: Ptr, mask: U64, digest: Ptr) -> Ptr:
    """The entry of a digest, or where it would be."""
    at = (load32(digest) ^ load32(digest + 4) << 17 ^ load32(digest + 8) << 34) & mask
    while True:
        entry = table + at * NODE_ENTRY
        if load64(entry) == 0 or is_same(load64(entry), digest):
            return entry
        at = (at + 1) & mask


@kernel
def _remember(table: Ptr, mask: U64, digest: Ptr, ref: U64) -> None:
    """There are fewer nodes than entries."""
    entry = _place(table, mask, digest)
    if load64(entry) == 0:
        store64(entry, digest)
        store64(entry + 8, ref)


@kernel
def _known(table: Ptr, mask: U64, digest: Ptr) -> U64:
    entry = _place(table, mask, digest)
    return load64(entry + 8) if load64(entry) != 0 else U64(OPAQUE)
