"""Multiproofs: the part of a zkTrie that a set of keys needs, as bytes, and as a partial trie again.

``multiproof_writer`` has their form. An update writes that of what it sets in the same walk (``zktrie.update_proven``).
"""

from jovay.kernel.lang import (
    U64,
    Bytes,
    Nested,
    Ptr,
    Record,
    address_of,
    copy,
    kernel,
    load8,
    load64,
    store64,
)

from .hashing import (
    BUFFERS_SIZE,
    PENDING_LEAF,
    PENDING_SIZE,
    VERSION,
    Pending,
    add_branch,
    add_leaf,
    attach_root,
    begin_pending,
    hash_pending,
)
from .multiproof_writer import (
    BRANCH_TAG,
    EMPTY_TAG,
    LEAF_BYTES,
    LEAF_TAG,
    OPAQUE_BYTES,
    OPAQUE_TAG,
    Writer,
    begin_proof,
    put_any,
    put_branch,
    put_leaf,
    put_opaque,
)
from .node_table import NodeTable, known
from .nodes import (
    LEAF_BIT,
    MALFORMED,
    NONE,
    OPAQUE,
    OUT_OF_MEMORY,
    WRONG_ROOT,
    Trie,
    branch_at,
    has_room,
    is_known,
    is_leaf,
    new_branch,
    new_leaf,
)
from .path import (
    ITEM_SIZE,
    KEY_BITS,
    bit_at,
    bit_of,
    is_canonical,
    is_same,
    is_zero,
    item_at,
    prefix_of,
    shared_bits,
    sort_keys,
    split,
)
from .proofs import NO_PROOF
from .zktrie import agreement

# ---- building --------------------------------------------------------------------------------------------


class Walk(Record):
    """What writes a multiproof, the sorted keys that it is for, and where subtrees are that a partial trie has cut off,
    if anywhere.
    """

    writer: Nested(Writer)
    keys: Ptr
    items: Ptr
    others: NodeTable


WALK_SIZE = Walk.size


@kernel
def multiproof_scratch(n: U64) -> U64:
    """Scratch bytes that ``prove_many`` needs for ``n`` keys."""
    return n * (2 * ITEM_SIZE) + WALK_SIZE


@kernel
def prove_many(trie: Trie, n: U64, keys: Ptr, out: Ptr, capacity: U64, scratch: Ptr) -> U64:
    """Multiproof of ``n`` keys (any order, repeats allowed), at most ``capacity`` bytes to ``out``.

    Its size; ``NO_PROOF`` if there is no room, a key is none, or the trie is partial and does not know. The
    same set of keys gives the same bytes.
    """
    return write_proof(trie, NodeTable(U64(0)), n, keys, out, capacity, scratch)


@kernel(inline=False)
def write_proof(
    trie: Trie, others: NodeTable, n: U64, keys: Ptr, out: Ptr, capacity: U64, scratch: Ptr
) -> U64:
    """``prove_many``, of a partial trie and what ``others`` show of its cut subtrees."""
    walk = Walk(scratch)
    walk.keys, walk.items, walk.others = keys, scratch + WALK_SIZE, others
    for i in range(n):
        if not is_canonical(keys + i * 32):
            return NO_PROOF
    count = sort_keys(n, keys, walk.items, walk.items + n * ITEM_SIZE)
    writer = walk.writer
    writer.at, writer.end = out, out + capacity
    begin_proof(trie, writer)
    if trie.root != NONE:
        _write(trie, walk, trie.root, trie.digest, U64(0), count)
    return NO_PROOF if writer.failed != 0 else writer.at - out


@kernel(inline=False)
def _write(trie: Trie, walk: Walk, ref: U64, digest: Ptr, lo: U64, hi: U64) -> None:
    """A subtree for the items ``lo`` to ``hi``, which have all bits above it in common with it."""
    writer = walk.writer
    if lo == hi or not is_known(trie, ref):
        if lo != hi:
            writer.failed = U64(1)
        put_opaque(writer, digest)
        return
    if is_leaf(ref):
        put_leaf(trie, writer, ref)
        return
    branch = branch_at(trie, ref)
    lo, hi = _inside(trie, walk, ref, lo, hi)
    if lo == hi:
        if address_of(walk.others) != 0:
            _open_leftmost(trie, walk.others, ref)
        put_any(trie, writer, ref)
        return
    middle = split(walk.keys, walk.items, lo, hi, branch.depth)
    put_branch(writer, branch.depth)
    if address_of(walk.others) != 0:
        if branch.left == OPAQUE and lo != middle:
            branch.left = known(walk.others, branch.left_digest)
        if branch.right == OPAQUE and middle != hi:
            branch.right = known(walk.others, branch.right_digest)
    _write(trie, walk, branch.left, branch.left_digest, lo, middle)
    _write(trie, walk, branch.right, branch.right_digest, middle, hi)


@kernel(inline=False)
def _open_leftmost(trie: Trie, others: NodeTable, ref: U64) -> None:
    """Open what is cut off on the way to the leftmost leaf below a branch, where that is known."""
    while is_known(trie, ref) and not is_leaf(ref):
        branch = branch_at(trie, ref)
        if branch.left == OPAQUE:
            branch.left = known(others, branch.left_digest)
        ref = U64(branch.left)


@kernel(inline=False)
def _inside(trie: Trie, walk: Walk, ref: U64, lo: U64, hi: U64) -> tuple[U64, U64]:
    """Those of the items that have all bits in common that the keys below a branch have in common."""
    depth = branch_at(trie, ref).depth
    while lo != hi:
        first, last = item_at(walk.items, lo), item_at(walk.items, hi - 1)
        key, last_key = walk.keys + first.index * 32, walk.keys + last.index * 32
        shared = agreement(trie, ref, key, first.prefix)
        shared_last = agreement(trie, ref, last_key, last.prefix)
        if shared >= depth and shared_last >= depth:
            break
        if shared_last < shared:
            shared, key = shared_last, last_key
        middle = split(walk.keys, walk.items, lo, hi, shared)
        if bit_of(key, shared) == 0:
            lo = middle
        else:
            hi = middle
    return lo, hi


# ---- reading ---------------------------------------------------------------------------------------------


class Reader(Record):
    """Where a multiproof is being read. ``key`` is a key in the subtree read last that is not opaque."""

    at: Ptr
    end: Ptr
    key: Ptr
    pending: Bytes(PENDING_SIZE)


READER_SIZE = Reader.size


@kernel
def partial_scratch(size: U64) -> U64:
    """Scratch bytes that ``partial_trie`` needs for a multiproof of ``size`` bytes."""
    return (size // LEAF_BYTES + 1) * PENDING_LEAF + (READER_SIZE + BUFFERS_SIZE)


@kernel
def partial_trie(trie: Trie, proof: Ptr, size: U64, root: Ptr, scratch: Ptr) -> U64:
    """Fill an empty trie with what a multiproof of ``size`` bytes tells of the trie with digest ``root``.

    Status 0, ``MALFORMED``, ``WRONG_ROOT`` or ``OUT_OF_MEMORY``; the trie is of no use unless it is 0. What is read is
    a trie even under a root that nobody vouches for: every key stands where its bits lead.
    """
    reader = Reader(scratch)
    buffers = scratch + READER_SIZE
    pending = begin_pending(reader.pending, buffers, buffers + BUFFERS_SIZE)
    ref, where, number = read_proof(trie, reader, proof, size)
    if trie.status == 0:
        attach_root(trie, pending, ref, where, number)
    if trie.status == 0:
        hash_pending(trie, pending)
        if not is_same(trie.digest, root):
            trie.status = U64(WRONG_ROOT)
    return trie.status


@kernel(inline=False)
def read_proof(trie: Trie, reader: Reader, proof: Ptr, size: U64) -> tuple[U64, U64, U64]:
    """The root of a whole multiproof: (reference, where, number) as in updates, or the trie has a status."""
    reader.at, reader.end, reader.key = proof, proof + size, proof
    if size < 2 or load8(proof) != VERSION:
        return _refuse(trie, U64(MALFORMED))
    ref, where, number = U64(NONE), U64(0), U64(0)
    if load8(proof + 1) == EMPTY_TAG:
        reader.at = proof + 2
    else:
        reader.at = proof + 1
        ref, where, number = _read(trie, reader)
    if reader.at != reader.end:
        return _refuse(trie, U64(MALFORMED))
    return ref, where, number


@kernel(inline=False)
def _read(trie: Trie, reader: Reader) -> tuple[U64, U64, U64]:
    """The subtree that begins at ``reader.at``; (reference, where, number) as in updates.

    A branch is made where it begins and knows where it belongs (``parent``, as while it is pending), so that the way
    back up needs no other memory.
    """
    at, end, parent, lowest = reader.at, reader.end, U64(0), U64(0)
    while True:
        left = end - at
        if left >= 2 and load8(at) == BRANCH_TAG:
            depth = load8(at + 1)
            if depth < lowest or depth >= KEY_BITS:
                return _refuse(trie, U64(MALFORMED))
            if not has_room(trie, U64(0), U64(1)):
                return _refuse(trie, U64(OUT_OF_MEMORY))
            ref = new_branch(trie)
            branch = branch_at(trie, ref)
            branch.depth, branch.parent = depth, parent
            at, parent, lowest = at + 2, ref, depth + 1
        else:
            ref, where, number = _read_end(trie, reader, at, left)
            at += LEAF_BYTES if is_leaf(ref) else OPAQUE_BYTES
            height, whole = U64(0), True
            while whole and parent != 0 and trie.status == 0:
                above = parent & (LEAF_BIT - 1)
                branch = branch_at(trie, above)
                whole = parent != above
                if whole:
                    height = _hang_right(trie, reader, above, ref, where, number, height)
                    ref, where, parent = above, U64(0), U64(branch.parent)
                else:
                    _hang_left(trie, reader, above, ref, where, number, height)
                    parent, lowest = above | LEAF_BIT, branch.depth + U64(1)
            if whole:
                reader.at = at
                return ref, where, number


@kernel
def _read_end(trie: Trie, reader: Reader, at: Ptr, left: U64) -> tuple[U64, U64, U64]:
    """A leaf, or a subtree of which there is the digest alone."""
    tag = load8(at) if left != 0 else U64(EMPTY_TAG)
    if tag == LEAF_TAG and left >= LEAF_BYTES:
        return _read_leaf(trie, reader, at + 1)
    if tag == OPAQUE_TAG and left >= OPAQUE_BYTES and is_canonical(at + 1):
        return U64(OPAQUE), at + 1, U64(0)
    return _refuse(trie, U64(MALFORMED))


@kernel
def _refuse(trie: Trie, status: U64) -> tuple[U64, U64, U64]:
    if trie.status == 0:
        trie.status = status
    return U64(OPAQUE), trie.digest, U64(0)


@kernel
def _read_leaf(trie: Trie, reader: Reader, key: Ptr) -> tuple[U64, U64, U64]:
    if not is_canonical(key) or is_zero(key + 32):
        return _refuse(trie, U64(MALFORMED))
    if not has_room(trie, U64(1), U64(0)):
        return _refuse(trie, U64(OUT_OF_MEMORY))
    reader.key = key
    ref = new_leaf(trie, key, key + 32)
    return ref, U64(0), add_leaf(Pending(reader.pending), ref)


@kernel
def _hang(reader: Reader, slot: Ptr, ref: U64, where: Ptr, number: U64) -> None:
    """Let a child's digest come to ``slot``. Of a branch, ``parent`` says it."""
    if where != 0:
        copy(slot, where, U64(32))
    elif is_leaf(ref):
        store64(Pending(reader.pending).leaves + number * PENDING_LEAF + 8, slot)


@kernel
def _hang_left(
    trie: Trie, reader: Reader, above: U64, ref: U64, where: Ptr, number: U64, height: U64
) -> None:
    """The left child of a branch, whose keys go on with 0. One of them is kept where the right digest will be."""
    branch, key = branch_at(trie, above), reader.key
    if ref != OPAQUE and bit_at(key, prefix_of(key), U64(branch.depth)) != 0:
        _refuse(trie, U64(MALFORMED))
    branch.left, branch.height = ref, height
    store64(branch.right_digest, key)
    _hang(reader, branch.left_digest, ref, where, number)


@kernel
def _hang_right(
    trie: Trie, reader: Reader, above: U64, ref: U64, where: Ptr, number: U64, height: U64
) -> U64:
    """The right child of a branch, whose keys go on with 1. The branch is whole then, and pending; its height.

    One child at least is known. Keys in each share more bits than the branch has: a branch in it decides a later one.
    """
    branch, key = branch_at(trie, above), reader.key
    depth, prefix = U64(branch.depth), prefix_of(key)
    if ref != OPAQUE:
        if bit_at(key, prefix, depth) == 0:
            _refuse(trie, U64(MALFORMED))
        elif branch.left != OPAQUE and shared_bits(load64(branch.right_digest), key) != depth:
            _refuse(trie, U64(MALFORMED))
    elif branch.left == OPAQUE:
        _refuse(trie, U64(MALFORMED))
    branch.right, branch.prefix = ref, prefix
    _hang(reader, branch.right_digest, ref, where, number)
    height = (height if height > branch.height else U64(branch.height)) + 1
    add_branch(trie, Pending(reader.pending), above, height)
    return height
