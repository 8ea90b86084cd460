"""The zkTrie's memory: arenas of branches and leaves that the caller owns, references, free lists.

A branch holds the digests of both its children, so that it hashes without touching them. A reference has 32
bits: 0 none, 1 a subtree of which only the digest is known, a branch's number, a leaf's with the top bit set.
"""

from jovay.kernel.lang import (
    U32,
    U64,
    Bytes,
    Ptr,
    Record,
    address_of,
    copy,
    fill,
    kernel,
    load64,
    poison,
    reserve,
    store64,
    unpoison,
)

NONE = 0
OPAQUE = 1
FIRST_BRANCH = 2
LEAF_BIT = 1 << 31

#: Statuses of trie operations.
OUT_OF_MEMORY = 1
TOUCHES_OPAQUE = 2
BAD_KEY = 3
MALFORMED = 4
WRONG_ROOT = 5


class Branch(Record):
    """Keys below share ``depth`` bits (``prefix`` begins with them); the next bit says left or right."""

    left_digest: Bytes(32)
    right_digest: Bytes(32)
    left: U32
    right: U32
    prefix: U64
    depth: U32
    height: U32  # while its digest is pending: 1 + the larger of those of pending children
    parent: U32  # while pending: branch to tell, top bit for its right side; 0 for the root
    next: U32  # next in the list of its height, or of free branches


class Leaf(Record):
    key: Bytes(32)
    value: Bytes(32)


class Trie(Record):
    """A trie and its arenas. ``status`` is 0, or why the last update failed; it may then be half done."""

    branches: Ptr
    branch_capacity: U64
    branch_used: U64
    free_branches: U64
    free_branch_count: U64
    released: U64  # branches freed by this update, readable until it ends
    leaves: Ptr
    leaf_capacity: U64
    leaf_used: U64
    free_leaves: U64  # number + 1
    free_leaf_count: U64
    leaf_count: U64
    root: U64
    status: U64
    digest: Bytes(32)


BRANCH_SIZE = Branch.size
LEAF_SIZE = Leaf.size
#: No arena holds more: a reference has 31 bits for a number.
MOST_NODES = LEAF_BIT - 1


@kernel
def trie_init(trie: Trie, branches: Ptr, branch_capacity: U64, leaves: Ptr, leaf_capacity: U64) -> None:
    """An empty trie over two arenas: ``branch_capacity`` times 96 bytes, ``leaf_capacity`` times 64 bytes.

    Two branches' room stays unused. Capacities are at most ``MOST_NODES``. n leaves need n − 1 branches.
    """
    trie.branches, trie.branch_capacity, trie.branch_used = branches, branch_capacity, U64(FIRST_BRANCH)
    trie.free_branches = trie.free_branch_count = trie.released = U64(0)
    trie.leaves, trie.leaf_capacity, trie.leaf_used = leaves, leaf_capacity, U64(0)
    trie.free_leaves = trie.free_leaf_count = trie.leaf_count = U64(0)
    trie.root = trie.status = U64(0)
    reserve(branches, branch_capacity * BRANCH_SIZE, "trie.branches")
    reserve(leaves, leaf_capacity * LEAF_SIZE, "trie.leaves")
    fill(trie.digest, U64(0), U64(32))


@kernel
def root(trie: Trie, out: Ptr) -> None:
    """The root digest (32 bytes): zero for the empty trie."""
    copy(out, trie.digest, U64(32))


@kernel
def branch_at(trie: Trie, reference: U64) -> Branch:
    return Branch(trie.branches + reference * BRANCH_SIZE)


@kernel
def leaf_at(trie: Trie, reference: U64) -> Leaf:
    return Leaf(trie.leaves + (reference & (LEAF_BIT - 1)) * LEAF_SIZE)


@kernel
def is_leaf(reference: U64) -> bool:
    return reference >= LEAF_BIT


@kernel
def is_stub(trie: Trie, reference: U64) -> bool:
    """Whether a branch stands for an unknown subtree of which it knows the first ``depth`` bits.

    In a stub ``left`` is ``OPAQUE``, ``right`` none; the right digest is a key that begins with those bits.
    """
    return branch_at(trie, reference).right == NONE


@kernel
def is_known(trie: Trie, reference: U64) -> bool:
    """Whether a subtree (not none) has its leaf or its two children here."""
    return is_leaf(reference) or (reference != OPAQUE and not is_stub(trie, reference))


@kernel
def has_room(trie: Trie, leaves: U64, branches: U64) -> bool:
    """Whether so many leaves and branches can be added."""
    free_leaves = trie.leaf_capacity - trie.leaf_used + trie.free_leaf_count
    free_branches = trie.free_branch_count
    if trie.branch_used < trie.branch_capacity:
        free_branches += trie.branch_capacity - trie.branch_used
    return leaves <= free_leaves and branches <= free_branches


@kernel
def new_branch(trie: Trie) -> U64:
    """A branch that is free; ``has_room`` was asked before."""
    reference = trie.free_branches
    if reference != 0:
        unpoison(trie.branches, address_of(branch_at(trie, reference)), U64(BRANCH_SIZE))
        trie.free_branches = branch_at(trie, reference).next
        trie.free_branch_count -= 1
        return reference
    reference = trie.branch_used
    unpoison(trie.branches, address_of(branch_at(trie, reference)), U64(BRANCH_SIZE))
    trie.branch_used = reference + 1
    return reference


@kernel
def release_branch(trie: Trie, reference: U64) -> None:
    """Free a branch at the end of the update; until then the digests in it stay readable."""
    branch_at(trie, reference).next = trie.released
    trie.released = reference


@kernel
def end_update(trie: Trie) -> None:
    """Put the released branches on the free list."""
    reference = trie.released
    while reference != 0:
        branch = branch_at(trie, reference)
        following = branch.next
        branch.next = trie.free_branches
        poison(address_of(branch), U64(BRANCH_SIZE))
        trie.free_branches = reference
        trie.free_branch_count += 1
        reference = following
    trie.released = U64(0)


@kernel
def new_leaf(trie: Trie, key: Ptr, value: Ptr) -> U64:
    """A leaf; ``has_room`` was asked before."""
    index = trie.free_leaves
    if index != 0:
        index -= 1
        unpoison(trie.leaves, trie.leaves + index * LEAF_SIZE, U64(LEAF_SIZE))
        trie.free_leaves = load64(trie.leaves + index * LEAF_SIZE)
        trie.free_leaf_count -= 1
    else:
        index = trie.leaf_used
        unpoison(trie.leaves, trie.leaves + index * LEAF_SIZE, U64(LEAF_SIZE))
        trie.leaf_used = index + 1
    trie.leaf_count += 1
    reference = index | LEAF_BIT
    leaf = leaf_at(trie, reference)
    copy(leaf.key, key, U64(32))
    copy(leaf.value, value, U64(32))
    return reference


@kernel
def free_leaf(trie: Trie, reference: U64) -> None:
    """Put a leaf on the free list."""
    index = reference & (LEAF_BIT - 1)
    store64(trie.leaves + index * LEAF_SIZE, trie.free_leaves)
    poison(trie.leaves + index * LEAF_SIZE, U64(LEAF_SIZE))
    trie.free_leaves = index + 1
    trie.free_leaf_count += 1
    trie.leaf_count -= 1
