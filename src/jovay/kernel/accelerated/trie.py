"""The zkTrie's hashes by the machine: each node's operands go into the block of the calls as they lie."""

from ..lang import U64, Ptr, address_of, kernel, load32, load64, store32, store64
from ..riscv.calls import POSEIDON2
from ..trie.hashing import BRANCH_OFFSET, LEAF_OFFSET, LISTS, PENDING_LEAF, Pending
from ..trie.nodes import LEAF_BIT, Trie, branch_at, leaf_at
from .calls import POSEIDON2_AT, blocks, system_call
from .poseidon2 import add_pairs


@kernel(inline=True)
def hash_block(block: Ptr, left: Ptr, offset: U64, out: Ptr) -> None:
    """Compress the digest at ``left`` and that in the block's second half, add ``offset`` to the first element."""
    a, b, c, d = load64(left), load64(left + 8), load64(left + 16), load64(left + 24)
    store64(block, a)
    store64(block + 8, b)
    store64(block + 16, c)
    store64(block + 24, d)
    system_call(POSEIDON2, block)
    store64(out, add_pairs(add_pairs(load64(block), a), offset))
    store64(out + 8, add_pairs(load64(block + 8), b))
    store64(out + 16, add_pairs(load64(block + 16), c))
    store64(out + 24, add_pairs(load64(block + 24), d))


@kernel(inline=True)
def copy_digest(target: Ptr, source: Ptr) -> None:
    store64(target, load64(source))
    store64(target + 8, load64(source + 8))
    store64(target + 16, load64(source + 16))
    store64(target + 24, load64(source + 24))


@kernel(inline=True)
def spread(word: U64) -> U64:
    """The two lowest limbs of 16 bits, as halves of a word."""
    return (word & 0xFFFF) | ((word & 0xFFFF0000) << 16)


@kernel(inline=False)
def hash_leaf(key: Ptr, value: Ptr, out: Ptr) -> None:
    block = blocks() + POSEIDON2_AT
    for i in range(4):
        limbs = load64(value + 8 * i)
        store64(block + 16 * i, spread(limbs))
        store64(block + 16 * i + 8, spread(limbs >> 32))
    hash_block(block, block, U64(0), block + 32)
    hash_block(block, key, U64(LEAF_OFFSET), out)


@kernel(inline=False)
def hash_pending(trie: Trie, pending: Pending) -> None:
    """``trie.hashing.hash_pending``."""
    block = blocks() + POSEIDON2_AT
    for i in range(pending.leaf_count):
        waiting = pending.leaves + i * PENDING_LEAF
        leaf = leaf_at(trie, load64(waiting))
        hash_leaf(leaf.key, leaf.value, load64(waiting + 8))
    for i in range(pending.highest * LISTS):
        head = pending.heads + LISTS * 4 + i * 4
        reference = load32(head)
        store32(head, U64(0))
        while reference != 0:
            branch = branch_at(trie, reference)
            reference = branch.next
            copy_digest(block + 32, branch.right_digest)
            target, parent = trie.digest, branch.parent
            if parent != 0:
                target = address_of(branch_at(trie, parent & (LEAF_BIT - 1))) + (parent >> 31) * 32
            hash_block(block, branch.left_digest, branch.depth + BRANCH_OFFSET, target)
    pending.hashed += pending.leaf_count * 2 + pending.branch_count
