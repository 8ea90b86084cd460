"""Hashes of zkTrie nodes: the definition, and a whole update's hashes in batches, level by level.

With C the 2-to-1 compression of ``poseidon2_constants`` and [x] the addition of x to the first element mod p:

* value digest: C of the 16 little-endian 16-bit limbs of the 32-byte value,
* leaf: C(key ‖ value digest) [2¹⁶ · version],
* branch: C(left ‖ right) [2¹⁶ · version + 1 + depth], depth the number of the bit that it decides,
* empty trie: eight zeros.

The added numbers keep leaves and branches of every depth apart; see docs/zktrie.md.
"""

from jovay.kernel.hashes.poseidon2 import compress_batch
from jovay.kernel.hashes.poseidon2_constants import P as MODULUS
from jovay.kernel.lang import (
    U64,
    Bytes,
    Ptr,
    Record,
    address_of,
    copy,
    fill,
    kernel,
    load16,
    load32,
    load64,
    store32,
    store64,
)

from .nodes import LEAF_BIT, Trie, branch_at, is_leaf, leaf_at

VERSION = 1
LEAF_OFFSET = VERSION << 16
BRANCH_OFFSET = LEAF_OFFSET + 1

#: Nodes hashed together.
CHUNK = 512
HEIGHTS = 256
#: Lists for each height. A list is walked node by node; several side by side hide the memory's latency.
LISTS = 8


class Pending(Record):
    """What an update has still to hash: leaves in an array, branches in lists for each height."""

    leaves: Ptr  # (reference, address for the digest) of each leaf
    leaf_count: U64
    hashed: U64  # compressions so far
    inputs: Ptr  # CHUNK times 64 bytes
    digests: Ptr  # CHUNK times 32 bytes
    numbers: Ptr  # CHUNK words
    branch_count: U64
    highest: U64
    heads: Bytes(4 * HEIGHTS * LISTS)  # of heights up to the highest


PENDING_SIZE = Pending.size
PENDING_LEAF = 16
BUFFERS_SIZE = CHUNK * (64 + 32 + 8)


@kernel
def begin_pending(at: Ptr, buffers: Ptr, leaves: Ptr) -> Pending:
    """Nothing pending yet. ``buffers``: ``BUFFERS_SIZE`` bytes; ``leaves``: 16 bytes per leaf to come."""
    pending = Pending(at)
    pending.leaves = leaves
    pending.leaf_count = pending.hashed = U64(0)
    pending.inputs = buffers
    pending.digests = buffers + CHUNK * 64
    pending.numbers = buffers + CHUNK * 96
    pending.branch_count = pending.highest = U64(0)
    return pending


@kernel
def add_leaf(pending: Pending, reference: U64) -> U64:
    """Let a leaf wait for its hash; its number among the waiting.

    Each item of a batch, and each leaf in the bytes of a multiproof, does so once at most, and there is room for that.
    """
    number = pending.leaf_count
    store64(pending.leaves + number * PENDING_LEAF, reference)
    pending.leaf_count = number + 1
    return number


@kernel
def add_branch(trie: Trie, pending: Pending, reference: U64, height: U64) -> None:
    """Let a branch wait for its hash. Branches on one path decide different bits, so 248 heights are the most."""
    branch, turn = branch_at(trie, reference), pending.branch_count
    if height > pending.highest:  # by one: no child is higher than the highest
        pending.highest = height
        fill(pending.heads + height * (LISTS * 4), U64(0), U64(LISTS * 4))
    head = pending.heads + (height * LISTS + (turn & (LISTS - 1))) * 4
    branch.height, branch.next = height, load32(head)
    store32(head, reference)
    pending.branch_count = turn + 1


@kernel
def attach(trie: Trie, pending: Pending, parent: U64, side: U64, child: U64, where: U64, number: U64) -> U64:
    """Make ``child`` a child of branch ``parent``; returns the height of a pending branch, else 0.

    ``where`` is the address of the child's digest, or 0 while pending (``number``: that of a pending leaf).
    """
    branch = branch_at(trie, parent)
    slot = address_of(branch) + side * 32
    if side == 0:
        branch.left = child
    else:
        branch.right = child
    if where != 0:
        if where != slot:
            copy(slot, where, U64(32))
        return U64(0)
    if is_leaf(child):
        store64(pending.leaves + number * PENDING_LEAF + 8, slot)
        return U64(0)
    below = branch_at(trie, child)
    below.parent = parent | side << 31
    return below.height


@kernel(inline=False)
def attach_root(trie: Trie, pending: Pending, child: U64, where: U64, number: U64) -> None:
    """Make ``child`` the root; arguments as for ``attach``."""
    trie.root = child
    if child == 0:
        fill(trie.digest, U64(0), U64(32))
    elif where != 0:
        if where != trie.digest:
            copy(trie.digest, where, U64(32))
    elif is_leaf(child):
        store64(pending.leaves + number * PENDING_LEAF + 8, trie.digest)
    else:
        branch_at(trie, child).parent = U64(0)


@kernel
def add_to_first(digest: Ptr, offset: U64) -> None:
    """Add ``offset`` < p to the first element."""
    total = load32(digest) + offset
    store32(digest, total - MODULUS if total >= MODULUS else total)


@kernel
def spread_value(value: Ptr, out: Ptr) -> None:
    """The 16 limbs of a value as 16 words."""
    for i in range(16):
        store32(out + i * 4, load16(value + i * 2))


@kernel(inline=False)
def hash_pending(trie: Trie, pending: Pending) -> None:
    """Compute every pending digest and write it to its parent, lowest first."""
    start = U64(0)
    while start < pending.leaf_count:
        count = pending.leaf_count - start
        count = count if count < CHUNK else U64(CHUNK)
        _hash_leaves(trie, pending, start, count)
        start += count
    for height in range(pending.highest):
        lists = pending.heads + (height + 1) * (LISTS * 4)
        count = _gather(trie, pending, lists)
        while count != 0:
            _hash_branches(trie, pending, count)
            count = _gather(trie, pending, lists)


@kernel(inline=False)
def _hash_leaves(trie: Trie, pending: Pending, start: U64, count: U64) -> None:
    waiting = pending.leaves + start * PENDING_LEAF
    inputs, digests = pending.inputs, pending.digests
    for i in range(count):
        spread_value(leaf_at(trie, load64(waiting + i * PENDING_LEAF)).value, inputs + i * 64)
    compress_batch(count, inputs, digests)
    for i in range(count):
        copy(inputs + i * 64, leaf_at(trie, load64(waiting + i * PENDING_LEAF)).key, U64(32))
        copy(inputs + i * 64 + 32, digests + i * 32, U64(32))
    compress_batch(count, inputs, digests)
    for i in range(count):
        add_to_first(digests + i * 32, U64(LEAF_OFFSET))
        copy(load64(waiting + i * PENDING_LEAF + 8), digests + i * 32, U64(32))
    pending.hashed += count * 2


@kernel(inline=False)
def _gather(trie: Trie, pending: Pending, lists: Ptr) -> U64:
    """Take up to ``CHUNK`` branches off the lists of a height and copy what they hash; their number.

    A round takes one of each list, so it begins where there is room for as many.
    """
    inputs, numbers, count, found = pending.inputs, pending.numbers, U64(0), True
    while found and count <= CHUNK - LISTS:
        found = False
        for i in range(LISTS):
            head = lists + i * 4
            reference = load32(head)
            if reference != 0:
                branch = branch_at(trie, reference)
                store32(head, branch.next)
                store64(numbers + count * 8, reference)
                copy(inputs + count * 64, branch.left_digest, U64(64))
                count += 1
                found = True
    return count


@kernel(inline=False)
def _hash_branches(trie: Trie, pending: Pending, count: U64) -> None:
    """Hash the gathered branches and tell their parents."""
    digests, numbers = pending.digests, pending.numbers
    compress_batch(count, pending.inputs, digests)
    for i in range(count):
        branch, digest = branch_at(trie, load64(numbers + i * 8)), digests + i * 32
        add_to_first(digest, branch.depth + BRANCH_OFFSET)
        target, parent = trie.digest, branch.parent
        if parent != 0:
            above = branch_at(trie, parent & (LEAF_BIT - 1))
            target = address_of(above) + (parent >> 31) * 32
        copy(target, digest, U64(32))
    pending.hashed += count
