"""Proofs of single keys, in the node form of ``jovay_getProof``: root first, 65 bytes a node.

A branch is ``00 ‖ left ‖ right``, the last node a leaf ``01 ‖ key ‖ value``; the empty trie has no nodes.
A branch does not say which bit it decides: the verifier finds that out as the difference between the digest
that it expects and the plain compression of the two children.
"""

from jovay.kernel.hashes.poseidon2 import compress
from jovay.kernel.hashes.poseidon2_constants import P as MODULUS
from jovay.kernel.lang import U64, Ptr, copy, kernel, load8, load32, store8

from .hashing import BRANCH_OFFSET, LEAF_OFFSET, add_to_first, spread_value
from .nodes import MALFORMED, NONE, WRONG_ROOT, Trie, branch_at, is_known, is_leaf, leaf_at
from .path import KEY_BITS, bit_of, is_canonical, is_same, is_zero
from .zktrie import ABSENT, FOUND

NODE_SIZE = 65
BRANCH_NODE = 0
LEAF_NODE = 1

#: No proof has more bytes; scratch that ``verify_proof`` needs.
MAXIMUM_PROOF = (KEY_BITS + 1) * NODE_SIZE
VERIFY_SCRATCH = 128

#: ``prove`` did not have the room, or the trie is partial and does not know.
NO_PROOF = U64(0xFFFFFFFFFFFFFFFF)


@kernel
def prove(trie: Trie, key: Ptr, out: Ptr, capacity: U64) -> U64:
    """Proof of the value of ``key`` or its absence, ``capacity`` bytes at most; the size, or ``NO_PROOF``."""
    reference, size = trie.root, U64(0)
    while reference != NONE:
        if not is_known(trie, reference) or size + NODE_SIZE > capacity:
            return NO_PROOF
        node = out + size
        size += NODE_SIZE
        if is_leaf(reference):
            store8(node, U64(LEAF_NODE))
            copy(node + 1, leaf_at(trie, reference).key, U64(64))
            return size
        branch = branch_at(trie, reference)
        store8(node, U64(BRANCH_NODE))
        copy(node + 1, branch.left_digest, U64(64))
        reference = branch.left if bit_of(key, branch.depth) == 0 else branch.right
    return size


@kernel
def leaf_digest(key: Ptr, value: Ptr, out: Ptr, scratch: Ptr) -> None:
    """Digest of a leaf; scratch of 64 bytes."""
    spread_value(value, scratch)
    compress(scratch, scratch + 32, scratch)
    compress(key, scratch, out)
    add_to_first(out, U64(LEAF_OFFSET))


@kernel
def verify_proof(root: Ptr, key: Ptr, proof: Ptr, size: U64, out: Ptr, scratch: Ptr) -> U64:
    """``FOUND`` with the value at ``out``, or ``ABSENT``, as ``proof`` shows for the trie of ``root``.

    ``MALFORMED`` or ``WRONG_ROOT`` if it shows nothing. ``scratch``: ``VERIFY_SCRATCH`` bytes.
    """
    if size == 0:
        return U64(ABSENT) if is_zero(root) else U64(WRONG_ROOT)
    if size % NODE_SIZE != 0 or size > MAXIMUM_PROOF or not is_canonical(key):
        return U64(MALFORMED)
    expected, digest, next_depth = root, scratch + 64, U64(0)
    at, end = proof, proof + size
    while at + NODE_SIZE != end:
        if load8(at) != BRANCH_NODE or not is_canonical(at + 1) or not is_canonical(at + 33):
            return U64(MALFORMED)
        compress(at + 1, at + 33, digest)
        depth = _decided_bit(digest, expected)
        if depth < next_depth or depth >= KEY_BITS:
            return U64(WRONG_ROOT)
        next_depth = depth + 1
        expected = at + 1 + bit_of(key, depth) * 32
        at += NODE_SIZE
    if load8(at) != LEAF_NODE or not is_canonical(at + 1) or is_zero(at + 33):
        return U64(MALFORMED)
    leaf_digest(at + 1, at + 33, digest, scratch)
    if not is_same(digest, expected):
        return U64(WRONG_ROOT)
    if not is_same(at + 1, key):
        return U64(ABSENT)
    copy(out, at + 33, U64(32))
    return U64(FOUND)


@kernel
def _decided_bit(compressed: Ptr, digest: Ptr) -> U64:
    """The bit that a branch with this digest decides; 248 or more if there is no such branch."""
    for i in range(1, 8):
        if load32(compressed + i * 4) != load32(digest + i * 4):
            return U64(KEY_BITS)
    first, plain = load32(digest), load32(compressed) + BRANCH_OFFSET
    return first - plain if first >= plain else first + MODULUS - plain
