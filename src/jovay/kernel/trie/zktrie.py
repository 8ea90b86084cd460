"""The zkTrie: a binary, path-compressed Merkle tree over Poseidon2; lookups and batch updates.

The tree of a set of keys is the only one in which every branch has two children and decides the first bit in
which the keys below it differ. So n leaves make n − 1 branches, whatever the order of updates. docs/zktrie.md
has the definition and why proofs are sound.
"""

from jovay.kernel.lang import U64, Bytes, Ptr, Record, address_of, copy, kernel, load64, store64

from .hashing import (
    BUFFERS_SIZE,
    PENDING_LEAF,
    PENDING_SIZE,
    Pending,
    add_branch,
    add_leaf,
    attach,
    attach_root,
    begin_pending,
    hash_pending,
)
from .multiproof_writer import Writer, begin_proof, put_any, put_branch, put_leaf, put_opaque
from .nodes import (
    BAD_KEY,
    LEAF_BIT,
    NONE,
    OPAQUE,
    OUT_OF_MEMORY,
    TOUCHES_OPAQUE,
    Trie,
    branch_at,
    end_update,
    free_leaf,
    has_room,
    is_known,
    is_leaf,
    is_stub,
    leaf_at,
    new_branch,
    new_leaf,
    release_branch,
)
from .path import (
    ITEM_SIZE,
    PREFIX_BITS,
    bit_at,
    bit_of,
    flip_bit,
    is_canonical,
    is_same,
    is_zero,
    item_at,
    prefix_of,
    shared_bits,
    shared_prefix,
    sort_keys,
    split,
)

#: From so many leaves on, an update first walks the paths side by side, to have the memory's latency once.
LARGE = 1 << 15
#: Paths that ``warm`` walks side by side.
ABREAST = 16

#: Results of ``lookup``; it may also be ``TOUCHES_OPAQUE``.
ABSENT = 0
FOUND = 1


class Batch(Record):
    """The sorted keys of an update and their values. ``proof``: where their multiproof goes, if one is wanted."""

    keys: Ptr
    values: Ptr
    items: Ptr
    proof: Writer
    pending: Bytes(PENDING_SIZE)


BATCH_SIZE = Batch.size


@kernel
def update_scratch(n: U64) -> U64:
    """Scratch bytes that ``update_batch`` needs for ``n`` keys."""
    return n * (2 * ITEM_SIZE + PENDING_LEAF) + (BATCH_SIZE + BUFFERS_SIZE)


@kernel
def update_batch(trie: Trie, n: U64, keys: Ptr, values: Ptr, scratch: Ptr) -> U64:
    """Set ``n`` keys (32 bytes each, any order; the last of equal ones counts) to values of 32 bytes.

    A zero value deletes. Status 0; ``OUT_OF_MEMORY`` (there must be room for ``n`` new leaves and branches)
    or ``BAD_KEY`` (an element not below the modulus), both with nothing done; ``TOUCHES_OPAQUE`` if the trie
    is partial and a key leads to an unknown part, which spoils the trie.
    """
    return _update(trie, n, keys, values, Writer(U64(0)), scratch)


@kernel
def update_proven(trie: Trie, n: U64, keys: Ptr, values: Ptr, proof: Writer, scratch: Ptr) -> U64:
    """``update_batch``, which writes what ``prove_many`` of these keys would have written before it to ``proof``.

    The caller sets where that goes. If it fails the update is done all the same.
    """
    begin_proof(trie, proof)
    if n == 0 and trie.root != NONE:
        put_opaque(proof, trie.digest)
    return _update(trie, n, keys, values, proof, scratch)


@kernel(inline=False)
def _update(trie: Trie, n: U64, keys: Ptr, values: Ptr, proof: Writer, scratch: Ptr) -> U64:
    if trie.status != 0:
        return trie.status
    for i in range(n):
        if not is_canonical(keys + i * 32):
            return U64(BAD_KEY)
    if not has_room(trie, n, n - 1 if trie.root == NONE and n != 0 else n):
        return U64(OUT_OF_MEMORY)
    batch = Batch(scratch)
    buffers = scratch + BATCH_SIZE
    batch.keys, batch.values, batch.items, batch.proof = keys, values, buffers + BUFFERS_SIZE, proof
    spare = batch.items + n * ITEM_SIZE
    count = sort_keys(n, keys, batch.items, spare)
    pending = begin_pending(batch.pending, buffers, spare + n * ITEM_SIZE)
    if count != 0:
        if trie.leaf_count > LARGE:
            warm(trie, keys, batch.items, count, buffers)
        new, where, number = _merge(trie, batch, trie.root, trie.digest, U64(0), count)
        attach_root(trie, pending, new, where, number)
        if trie.status == 0:
            hash_pending(trie, pending)
        end_update(trie)
    return trie.status


@kernel
def lookup(trie: Trie, key: Ptr, out: Ptr) -> U64:
    """``FOUND`` with the value at ``out``, ``ABSENT``, or ``TOUCHES_OPAQUE`` if a partial trie can't say."""
    reference, prefix = trie.root, prefix_of(key)
    while reference > OPAQUE and not is_leaf(reference):
        branch = branch_at(trie, reference)
        if not follows(trie, reference, key, prefix):
            return U64(ABSENT)
        if is_stub(trie, reference):
            return U64(TOUCHES_OPAQUE)
        reference = branch.left if bit_of(key, branch.depth) == 0 else branch.right
    if reference == NONE:
        return U64(ABSENT)
    if reference == OPAQUE:
        return U64(TOUCHES_OPAQUE)
    leaf = leaf_at(trie, reference)
    if not is_same(leaf.key, key):
        return U64(ABSENT)
    copy(out, leaf.value, U64(32))
    return U64(FOUND)


@kernel
def agreement(trie: Trie, reference: U64, key: Ptr, prefix: U64) -> U64:
    """How many of the leading bits that all keys below a branch or leaf share ``key`` shares too."""
    if is_leaf(reference):
        return shared_bits(leaf_at(trie, reference).key, key)
    branch = branch_at(trie, reference)
    shared, depth = shared_prefix(branch.prefix, prefix), branch.depth
    if shared >= depth or shared < PREFIX_BITS:
        return shared if shared < depth else depth
    shared = shared_bits(_some_key(trie, reference), key)
    return shared if shared < depth else depth


@kernel
def follows(trie: Trie, reference: U64, key: Ptr, prefix: U64) -> bool:
    """Whether ``key`` shares all bits that the keys below a branch or leaf share."""
    if is_leaf(reference):
        return is_same(leaf_at(trie, reference).key, key)
    branch = branch_at(trie, reference)
    depth = U64(branch.depth)
    if depth <= PREFIX_BITS:
        return (branch.prefix ^ prefix) >> (U64(PREFIX_BITS) - depth) == 0
    return agreement(trie, reference, key, prefix) == depth


@kernel(inline=False)
def _some_key(trie: Trie, reference: U64) -> Ptr:
    """A key that begins as all keys below a branch do. A child has one, or it is itself a stub."""
    while not is_leaf(reference):
        branch = branch_at(trie, reference)
        if branch.right == NONE:
            return branch.right_digest
        reference = branch.right if branch.left == OPAQUE else branch.left
    return leaf_at(trie, reference).key


@kernel(inline=False)
def warm(trie: Trie, keys: Ptr, items: Ptr, count: U64, scratch: Ptr) -> None:
    """Bring what an update of sorted items will touch into the cache; scratch of 8 · ``ABREAST`` bytes."""
    start = U64(0)
    while start < count:
        width = count - start if count - start < ABREAST else U64(ABREAST)
        for i in range(width):
            store64(scratch + i * 8, trie.root)
        walking = True
        while walking:
            walking = False
            for i in range(width):
                reference = load64(scratch + i * 8)
                if reference > OPAQUE and not is_leaf(reference):
                    branch, item = branch_at(trie, reference), item_at(items, start + i)
                    right = bit_of(keys + item.index * 32, branch.depth) != 0
                    store64(scratch + i * 8, branch.right if right else branch.left)
                    walking = True
        touched = U64(0)
        for i in range(width):
            reference = load64(scratch + i * 8)
            if is_leaf(reference):
                touched ^= load64(leaf_at(trie, reference).key)
        store64(scratch, touched)
        start += width


# ---- updates ------------------------------------------------------------------------------------
# A subtree is (reference, where, number): where its digest is, or 0 while that is pending, and the number of
# a pending leaf. One that was not touched comes back with the where that it went in with.


@kernel(inline=False)
def _merge(trie: Trie, batch: Batch, ref: U64, where: U64, lo: U64, hi: U64) -> tuple[U64, U64, U64]:
    """Bring items ``lo`` to ``hi`` into a subtree; they have all bits above it in common with it."""
    if lo == hi:
        if address_of(batch.proof) != 0:
            put_opaque(batch.proof, where)
        return ref, where, U64(0)
    if ref == NONE:
        return _build(trie, batch, lo, hi)
    if ref == OPAQUE:
        trie.status = U64(TOUCHES_OPAQUE)
        return ref, where, U64(0)
    if lo + 1 == hi and address_of(batch.proof) == 0 and not is_leaf(ref):
        same, same_where, number = _set_alone(trie, batch, ref, where, lo)
        if same != NONE:
            return same, same_where, number
    first, last = item_at(batch.items, lo), item_at(batch.items, hi - 1)
    first_key, last_key = batch.keys + first.index * 32, batch.keys + last.index * 32
    if not follows(trie, ref, first_key, first.prefix) or (
        lo + 1 != hi and not follows(trie, ref, last_key, last.prefix)
    ):
        # Keys left of the subtree differ from it most at the first item, keys right of it at the last.
        shared = agreement(trie, ref, first_key, first.prefix)
        shared_last = agreement(trie, ref, last_key, last.prefix)
        if shared <= shared_last:
            own = 1 - bit_of(first_key, shared)
            return _diverge(trie, batch, ref, where, lo, hi, shared, own)
        own = 1 - bit_of(last_key, shared_last)
        return _diverge(trie, batch, ref, where, lo, hi, shared_last, own)
    if is_leaf(ref):
        return _set_leaf(trie, batch, ref, where, lo)
    if is_stub(trie, ref):
        trie.status = U64(TOUCHES_OPAQUE)
        return ref, where, U64(0)
    return _descend(trie, batch, ref, where, lo, hi)


@kernel(inline=False)
def _set_alone(trie: Trie, batch: Batch, top: U64, where: U64, i: U64) -> tuple[U64, U64, U64]:
    """``_merge`` of item ``i`` alone into branch ``top``, without recursion, if all that it does is to change a leaf;
    otherwise nothing is done, and there is no reference.
    """
    item, ref, parent = item_at(batch.items, i), U64(top), U64(0)
    key, value, prefix = batch.keys + item.index * 32, batch.values + item.index * 32, U64(item.prefix)
    while ref > OPAQUE and not is_leaf(ref):
        branch = branch_at(trie, ref)
        branch.parent = parent
        right = bit_at(key, prefix, U64(branch.depth))
        parent = ref | right << 31
        ref = U64(branch.left) if right == 0 else U64(branch.right)
    leaf = leaf_at(trie, ref)
    if not is_leaf(ref) or not is_same(leaf.key, key) or is_zero(value):
        return U64(NONE), U64(0), U64(0)
    if is_same(value, leaf.value):
        return top, where, U64(0)
    copy(leaf.value, value, U64(32))
    pending, height = Pending(batch.pending), U64(0)
    number = add_leaf(pending, ref)
    ref = parent & (LEAF_BIT - 1)
    store64(
        pending.leaves + number * PENDING_LEAF + 8, address_of(branch_at(trie, ref)) + (parent >> 31) * 32
    )
    while True:
        height += 1
        add_branch(trie, pending, ref, height)
        if ref == top:
            return top, U64(0), U64(0)
        ref = branch_at(trie, ref).parent & (LEAF_BIT - 1)


@kernel(inline=False)
def _descend(trie: Trie, batch: Batch, ref: U64, where: U64, lo: U64, hi: U64) -> tuple[U64, U64, U64]:
    """Bring items into both sides of a branch that stays, unless they empty a side."""
    branch = branch_at(trie, ref)
    if address_of(batch.proof) != 0:
        put_branch(batch.proof, branch.depth)
    left_slot, right_slot = branch.left_digest, branch.right_digest
    middle = split(batch.keys, batch.items, lo, hi, branch.depth)
    left, left_where, left_number = _merge(trie, batch, branch.left, left_slot, lo, middle)
    right, right_where, right_number = _merge(trie, batch, branch.right, right_slot, middle, hi)
    if left == NONE:
        gone = batch.keys + item_at(batch.items, lo).index * 32
        return _collapse(trie, ref, U64(1), right, right_where, right_number, gone)
    if right == NONE:
        gone = batch.keys + item_at(batch.items, middle).index * 32
        return _collapse(trie, ref, U64(0), left, left_where, left_number, gone)
    if left == branch.left and left_where == left_slot:
        if right == branch.right and right_where == right_slot:
            return ref, where, U64(0)
    return _join(trie, batch, ref, left, left_where, left_number, right, right_where, right_number)


@kernel(inline=False)
def _collapse(
    trie: Trie, ref: U64, side: U64, child: U64, where: U64, number: U64, gone: Ptr
) -> tuple[U64, U64, U64]:
    """A branch lost its other side, with key ``gone``: the child on ``side`` takes its place, as it is.

    If that child is not known, the branch becomes a stub that keeps what is: how its keys begin.
    """
    if child != OPAQUE:
        release_branch(trie, ref)
        return child, where, number
    branch = branch_at(trie, ref)
    depth = branch.depth
    if where != branch.left_digest:
        copy(branch.left_digest, where, U64(32))
    copy(branch.right_digest, gone, U64(32))
    flip_bit(branch.right_digest, depth)
    branch.prefix, branch.depth = prefix_of(branch.right_digest), depth + 1
    branch.left, branch.right = U64(OPAQUE), U64(NONE)
    return ref, branch.left_digest, U64(0)


@kernel(inline=False)
def _join(
    trie: Trie, batch: Batch, ref: U64,
    left: U64, left_where: U64, left_number: U64,
    right: U64, right_where: U64, right_number: U64,
) -> tuple[U64, U64, U64]:  # fmt: skip
    """Give a branch, which is now pending, its children."""
    pending = Pending(batch.pending)
    height = attach(trie, pending, ref, U64(0), left, left_where, left_number)
    other = attach(trie, pending, ref, U64(1), right, right_where, right_number)
    add_branch(trie, pending, ref, (height if height > other else other) + 1)
    return ref, U64(0), U64(0)


@kernel
def _new_branch(trie: Trie, depth: U64, prefix: U64) -> U64:
    ref = new_branch(trie)
    branch = branch_at(trie, ref)
    branch.depth, branch.prefix = depth, prefix
    return ref


@kernel(inline=False)
def _diverge(
    trie: Trie, batch: Batch, ref: U64, where: U64, lo: U64, hi: U64, depth: U64, own: U64
) -> tuple[U64, U64, U64]:
    """Items part from a subtree, whose bit ``depth`` is ``own``, above its first branch or leaf."""
    middle = split(batch.keys, batch.items, lo, hi, depth)
    if own == 0:
        left, left_where, left_number = _merge_own(trie, batch, ref, where, lo, middle)
        right, right_where, right_number = _build(trie, batch, middle, hi)
    else:
        left, left_where, left_number = _build(trie, batch, lo, middle)
        right, right_where, right_number = _merge_own(trie, batch, ref, where, middle, hi)
    if left == NONE:
        return right, right_where, right_number
    if right == NONE:
        return left, left_where, left_number
    ref = _new_branch(trie, depth, item_at(batch.items, lo).prefix)
    return _join(trie, batch, ref, left, left_where, left_number, right, right_where, right_number)


@kernel
def _merge_own(trie: Trie, batch: Batch, ref: U64, where: U64, lo: U64, hi: U64) -> tuple[U64, U64, U64]:
    """``_merge`` for those that have not parted from a subtree; a proof shows how its keys begin if there are none."""
    if lo != hi:
        return _merge(trie, batch, ref, where, lo, hi)
    if address_of(batch.proof) != 0:
        if is_known(trie, ref):
            put_any(trie, batch.proof, ref)
        else:
            batch.proof.failed = U64(1)
    return ref, where, U64(0)


@kernel(inline=False)
def _build(trie: Trie, batch: Batch, lo: U64, hi: U64) -> tuple[U64, U64, U64]:
    """A subtree of items alone, deletions left out.

    With those of ``_diverge`` an update makes at most one leaf and one branch for each item, for which it found room.
    """
    if lo == hi:
        return U64(NONE), U64(0), U64(0)
    first = item_at(batch.items, lo)
    key, value = batch.keys + first.index * 32, batch.values + first.index * 32
    if lo + 1 == hi:
        if is_zero(value):
            return U64(NONE), U64(0), U64(0)
        ref = new_leaf(trie, key, value)
        return ref, U64(0), add_leaf(Pending(batch.pending), ref)
    depth = shared_bits(key, batch.keys + item_at(batch.items, hi - 1).index * 32)
    middle = split(batch.keys, batch.items, lo, hi, depth)
    left, left_where, left_number = _build(trie, batch, lo, middle)
    right, right_where, right_number = _build(trie, batch, middle, hi)
    if left == NONE:
        return right, right_where, right_number
    if right == NONE:
        return left, left_where, left_number
    ref = _new_branch(trie, depth, first.prefix)
    return _join(trie, batch, ref, left, left_where, left_number, right, right_where, right_number)


@kernel(inline=False)
def _set_leaf(trie: Trie, batch: Batch, ref: U64, where: U64, i: U64) -> tuple[U64, U64, U64]:
    """Set or delete the leaf that has the key of item ``i``."""
    value, leaf = batch.values + item_at(batch.items, i).index * 32, leaf_at(trie, ref)
    if address_of(batch.proof) != 0:
        put_leaf(trie, batch.proof, ref)
    if is_zero(value):
        free_leaf(trie, ref)
        return U64(NONE), U64(0), U64(0)
    if is_same(value, leaf.value):
        return ref, where, U64(0)
    copy(leaf.value, value, U64(32))
    return ref, U64(0), add_leaf(Pending(batch.pending), ref)
