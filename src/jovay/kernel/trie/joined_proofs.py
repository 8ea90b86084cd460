"""One multiproof from those of consecutive tries, as if it had been made of the first for all their keys.

Each proof is of the trie before a block, for the keys that the block touched. A subtree that no block before has
touched is the same in the first trie, and has the same digest. So all proofs are read and hashed, and where one has
cut a subtree off to its digest, that subtree is taken from another. What nobody has touched nobody needs.
"""

from jovay.kernel.lang import U64, Bytes, Ptr, Record, fill, kernel

from .hashing import BUFFERS_SIZE, PENDING_LEAF, attach, attach_root, begin_pending, hash_pending
from .multiproof import READER_SIZE, Reader, multiproof_scratch, read_proof, write_proof
from .multiproof_writer import LEAF_BYTES
from .node_table import ENTRY, NodeTable, begin_table, known, remember
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
from .proofs import NO_PROOF


class ProofPart(Record):
    """A multiproof, and the root that it must lead to (32 bytes)."""

    proof: Ptr
    size: U64
    root: Ptr


class Join(Record):
    """The multiproofs to be joined, ``count`` ≥ 1 of ``size`` bytes together; ``nodes``, a power of two, is more than
    the nodes in them.
    """

    parts: Ptr
    count: U64
    size: U64
    nodes: U64
    table: Bytes(NodeTable.size)


PART_SIZE = ProofPart.size


@kernel
def joined_scratch(size: U64, nodes: U64, n: U64) -> U64:
    """Scratch bytes that ``join_proofs`` needs: see ``Join``; for ``n`` keys."""
    reading = (size // LEAF_BYTES + 1) * PENDING_LEAF + (READER_SIZE + BUFFERS_SIZE)
    return reading + nodes * ENTRY + multiproof_scratch(n)


@kernel
def join_proofs(trie: Trie, join: Join, n: U64, keys: Ptr, out: Ptr, capacity: U64, scratch: Ptr) -> U64:
    """What ``prove_many`` would have written of the first trie for ``n`` keys, which the proofs have between them.

    Its size, or ``NO_PROOF``: then ``trie``, which was empty and is of no other use, has a status as of
    ``partial_trie``; if that is 0, there is no room, or a key is none or is in no proof.
    """
    entries = scratch + (join.size // LEAF_BYTES + 1) * PENDING_LEAF + (READER_SIZE + BUFFERS_SIZE)
    if _read_all(trie, join, NodeTable(join.table), entries, scratch) != 0:
        return U64(NO_PROOF)
    return write_proof(trie, NodeTable(join.table), n, keys, out, capacity, entries + join.nodes * ENTRY)


@kernel(inline=False)
def _read_all(trie: Trie, join: Join, table: NodeTable, entries: Ptr, scratch: Ptr) -> U64:
    """The status. The first trie's root is that of ``trie`` then, and all other proofs' nodes are in the table."""
    reader = Reader(scratch)
    buffers = scratch + READER_SIZE
    pending = begin_pending(reader.pending, buffers, buffers + BUFFERS_SIZE)
    if not has_room(trie, U64(0), join.count):
        trie.status = U64(OUT_OF_MEMORY)
        return trie.status
    for _ in range(join.count):  # they hold the roots, one after the other from the first branch on
        holder = branch_at(trie, new_branch(trie))
        holder.left, holder.right = U64(NONE), U64(NONE)
        fill(holder.left_digest, U64(0), U64(64))
    second = trie.branch_used
    for i in range(join.count):
        part = ProofPart(join.parts + U64(i) * PART_SIZE)
        ref, where, number = read_proof(trie, reader, part.proof, part.size)
        if trie.status != 0:
            return trie.status
        if ref != NONE:
            attach(trie, pending, FIRST_BRANCH + U64(i), U64(0), ref, where, number)
        if i == 0:
            second = trie.branch_used
    hash_pending(trie, pending)
    for i in range(join.count):
        holder = branch_at(trie, FIRST_BRANCH + U64(i))
        if not is_same(holder.left_digest, ProofPart(join.parts + U64(i) * PART_SIZE).root):
            trie.status = U64(WRONG_ROOT)
            return trie.status
    begin_table(table, entries, join.nodes)
    _remember_all(trie, table, U64(FIRST_BRANCH + 1), FIRST_BRANCH + join.count)
    _remember_all(trie, table, second, trie.branch_used)
    first = branch_at(trie, U64(FIRST_BRANCH))
    ref = known(table, first.left_digest) if first.left == OPAQUE else U64(first.left)
    attach_root(trie, pending, ref, first.left_digest, U64(0))
    return trie.status


@kernel
def _remember_all(trie: Trie, table: NodeTable, start: U64, end: U64) -> None:
    """The known children of branches: what is below a subtree that the first proof has cut off, that has not."""
    for i in range(start, end):
        branch = branch_at(trie, U64(i))
        if branch.left > OPAQUE:
            remember(table, branch.left_digest, U64(branch.left))
        if branch.right > OPAQUE:
            remember(table, branch.right_digest, U64(branch.right))
