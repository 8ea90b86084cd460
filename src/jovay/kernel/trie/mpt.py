"""Root of a Merkle Patricia trie (Yellow Paper, appendix D), built at once from sorted keys and not stored.

Leaves are encoded first and hashed together, in SIMD lanes where there are any. Then one pass over the sorted
keys keeps the open branches of the current path on a stack: neighbouring keys that share l nibbles meet in a
branch at depth l. It is complete, and becomes a reference in its parent, once a later pair shares less.
"""

from jovay.kernel.hashes.keccak import keccak256, keccak256_batch
from jovay.kernel.lang import (
    U64,
    Bytes,
    Ptr,
    Record,
    Table,
    address_of,
    copy,
    kernel,
    load8,
    load64,
    store8,
    store64,
)
from jovay.kernel.rlp import string_size, write_list_header, write_string, write_u64

#: Statuses: keys are not strictly ascending, or one begins with another; a key is longer than 32 bytes.
BAD_ORDER = 1
BAD_KEY = 2

#: keccak256(rlp("")): the root of the empty trie, as little-endian words of its bytes.
EMPTY_ROOT = Table(U64, [0xA655CC1B171FE856, 0x6EF8C092E64583FF, 0xC0AD6C991BE0485B, 0x21B463E3B52F6201])


class Slot(Record):
    """A reference to a node: the node itself if below 32 bytes, else its hash. Empty: no child."""

    length: U64
    data: Bytes(40)


class Branch(Record):
    """An open branch at ``depth`` nibbles: its children so far."""

    depth: U64
    children: Bytes(16 * Slot.size)


SLOT_SIZE = Slot.size
BRANCH_SIZE = Branch.size
#: A path has 64 nibbles at most, and a branch at each depth at most.
STACK_SIZE = 64 * BRANCH_SIZE
#: Room for one encoded branch or extension.
NODE_SIZE = 576
#: Per key: pointer, size, pointer and size of the leaf, its hash, its own key for lists, and what its leaf has beside
#: the value: a path of 34 bytes and two headers of 9.
PER_KEY = 8 * 4 + 32 + 16 + 56


class Work(Record):
    """The parts of the scratch memory."""

    keys: Ptr  # n addresses
    key_sizes: Ptr  # n sizes in bytes
    leaves: Ptr  # n addresses of encoded leaves
    leaf_sizes: Ptr
    hashes: Ptr  # n hashes of leaves
    own_keys: Ptr  # n times 16 bytes, for keys that are made here
    stack: Ptr
    height: U64  # branches on the stack
    node: Ptr  # an encoded node
    result: Bytes(SLOT_SIZE)
    arena: Ptr  # encoded leaves


WORK_SIZE = Work.size


@kernel
def mpt_scratch(n: U64, total: U64) -> U64:
    """Scratch bytes that a root of ``n`` values of ``total`` bytes together needs."""
    return U64(WORK_SIZE + STACK_SIZE + NODE_SIZE) + n * PER_KEY + total


@kernel
def mpt_root(n: U64, keys: Ptr, key_size: U64, values: Ptr, out: Ptr, scratch: Ptr) -> U64:
    """Root (32 bytes to ``out``) of ``n`` keys of ``key_size`` ≤ 32 bytes each, contiguous and ascending.

    ``values``: an (address, size) pair of U64 per key, no value empty. ``scratch``: ``mpt_scratch`` bytes.
    Returns 0, ``BAD_ORDER`` or ``BAD_KEY``.
    """
    if key_size > 32:
        return U64(BAD_KEY)
    work = _divide(n, scratch)
    for i in range(n):
        store64(work.keys + i * 8, keys + U64(i) * key_size)
        store64(work.key_sizes + i * 8, key_size)
        store64(work.leaves + i * 8, U64(i))
    return _root(n, work, values, out)


@kernel
def ordered_root(n: U64, values: Ptr, out: Ptr, scratch: Ptr) -> U64:
    """Root of a list of ``n`` < 2³² values under the keys rlp(0), rlp(1), …: of transactions, of receipts.

    Arguments and result as for ``mpt_root``.
    """
    work = _divide(n, scratch)
    for i in range(n):
        # In the order of their encodings: 1 to 127, then 0 (0x80), then the longer ones.
        index = U64(i)
        if index < 127 and index + 1 < n:
            index += 1
        elif index < 128:
            index = U64(0)
        key = work.own_keys + i * 16
        store64(work.keys + i * 8, key)
        store64(work.key_sizes + i * 8, write_u64(key, index) - key)
        store64(work.leaves + i * 8, index)
    return _root(n, work, values, out)


@kernel
def _divide(n: U64, scratch: Ptr) -> Work:
    """Lay out the scratch memory for ``n`` keys."""
    work = Work(scratch)
    work.stack = scratch + WORK_SIZE
    work.node = work.stack + STACK_SIZE
    work.keys = work.node + NODE_SIZE
    work.key_sizes = work.keys + n * 8
    work.leaves = work.key_sizes + n * 8
    work.leaf_sizes = work.leaves + n * 8
    work.hashes = work.leaf_sizes + n * 8
    work.own_keys = work.hashes + n * 32
    work.arena = work.own_keys + n * 16
    work.height = U64(0)
    return work


@kernel(inline=False)
def _root(n: U64, work: Work, values: Ptr, out: Ptr) -> U64:
    """``leaves`` holds the index of each key's value on entry."""
    if n == 0:
        copy(out, address_of(EMPTY_ROOT), U64(32))
        return U64(0)
    status = _encode_leaves(n, work, values)
    if status != 0:
        return status
    keccak256_batch(n, work.leaves, work.leaf_sizes, work.hashes)
    if n == 1:
        copy(out, work.hashes, U64(32))
        return U64(0)
    _fold(n, work, out)
    return U64(0)


# ---- leaves ----------------------------------------------------------------------------------------------


@kernel
def _nibble(key: Ptr, index: U64) -> U64:
    byte = load8(key + (index >> 1))
    return byte & 15 if index & 1 != 0 else byte >> 4


@kernel
def _shared(work: Work, i: U64) -> U64:
    """Nibbles that keys i and i+1 share; 64 if they are not ascending or one begins with the other."""
    a, b = load64(work.keys + i * 8), load64(work.keys + i * 8 + 8)
    size, other = load64(work.key_sizes + i * 8), load64(work.key_sizes + i * 8 + 8)
    size = other if other < size else size
    at = U64(0)
    while at + 8 <= size and load64(a + at) == load64(b + at):
        at += 8
    while at < size:
        x, y = load8(a + at), load8(b + at)
        if x != y:
            if x > y:
                return U64(64)
            return at * 2 + U64((x ^ y) < 16)
        at += 1
    return U64(64)


@kernel(inline=False)
def _encode_leaves(n: U64, work: Work, values: Ptr) -> U64:
    """Encode every leaf, its path beginning below the deepest branch it hangs from."""
    before, at = U64(0), work.arena
    for i in range(n):
        after, start = U64(0), U64(0)
        if U64(i) + 1 < n:
            after = _shared(work, U64(i))
            if after >= 64:
                return U64(BAD_ORDER)
            start = after + 1
        if i != 0 and before + 1 > start:
            start = before + 1
        value = values + load64(work.leaves + i * 8) * 16
        store64(work.leaves + i * 8, at)
        key, key_size = load64(work.keys + i * 8), load64(work.key_sizes + i * 8)
        end = _encode_leaf(at, key, start, key_size * 2, load64(value), load64(value + 8))
        store64(work.leaf_sizes + i * 8, end - at)
        at, before = end, after
    return U64(0)


@kernel
def _path_size(nibbles: U64) -> U64:
    """Encoded bytes of a hex-prefix path of at most 64 nibbles."""
    return U64(1) if nibbles < 2 else 2 + (nibbles >> 1)


@kernel
def _write_path(out: Ptr, key: Ptr, start: U64, end: U64, flag: U64) -> Ptr:
    """RLP of the hex-prefix encoding of nibbles ``start`` to ``end``; ``flag`` is 0x20 for a leaf, else 0."""
    nibbles = end - start
    if nibbles > 1:
        store8(out, 0x81 + (nibbles >> 1))
        out += 1
    if nibbles & 1 != 0:
        flag |= 0x10 | _nibble(key, start)
        start += 1
    store8(out, flag)
    out += 1
    while start < end:
        store8(out, _nibble(key, start) << 4 | _nibble(key, start + 1))
        out += 1
        start += 2
    return out


@kernel(inline=False)
def _encode_leaf(out: Ptr, key: Ptr, start: U64, end: U64, value: Ptr, size: U64) -> Ptr:
    out = write_list_header(out, _path_size(end - start) + string_size(value, size))
    return write_string(_write_path(out, key, start, end, U64(0x20)), value, size)


# ---- branches --------------------------------------------------------------------------------------------


@kernel
def _top(work: Work) -> Branch:
    return Branch(work.stack + (work.height - 1) * BRANCH_SIZE)


@kernel
def _open(work: Work, depth: U64) -> None:
    """Push an empty branch. Depths grow from the bottom and are below 64, so the stack has room for each."""
    work.height += 1
    branch = _top(work)
    branch.depth = depth
    for i in range(16):
        Slot(branch.children + i * SLOT_SIZE).length = U64(0)


@kernel
def _refer(slot: Slot, node: Ptr, size: U64, digest: Ptr) -> None:
    """Fill ``slot`` with the reference to an encoded node; ``digest`` is its hash, or 0 to compute it."""
    if size < 32:
        slot.length = size
        copy(slot.data, node, size)
        return
    slot.length = U64(33)
    store8(slot.data, U64(0xA0))
    if digest != 0:
        copy(slot.data + 1, digest, U64(32))
    else:
        keccak256(node, size, slot.data + 1)


@kernel(inline=False)
def _fold(n: U64, work: Work, out: Ptr) -> None:
    """The pass over the sorted keys (at least two)."""
    for i in range(n):
        key, last = load64(work.keys + i * 8), U64(i) + 1 == n
        shared = U64(0) if last else _shared(work, U64(i))
        if not last and (work.height == 0 or shared > _top(work).depth):
            _open(work, shared)
        branch = _top(work)
        slot = Slot(branch.children + _nibble(key, branch.depth) * SLOT_SIZE)
        leaf, size = load64(work.leaves + i * 8), load64(work.leaf_sizes + i * 8)
        _refer(slot, leaf, size, work.hashes + i * 32)
        while work.height != 0 and (last or _top(work).depth > shared):
            _close(work, key, last, shared, out)


@kernel(inline=False)
def _close(work: Work, key: Ptr, last: bool, shared: U64, out: Ptr) -> None:
    """Pop the top branch into its parent, opened at ``shared`` if it is not there, or into the root."""
    branch = _top(work)
    depth, size = branch.depth, _encode_branch(work.node, branch)
    work.height -= 1
    if work.height == 0 and last:
        if depth != 0:
            size = _extend(work, size, key, U64(0), depth)
        keccak256(work.node, size, out)
        return
    if work.height == 0 or (not last and _top(work).depth < shared):
        _open(work, shared)
    parent = _top(work)
    if parent.depth + 1 < depth:
        size = _extend(work, size, key, parent.depth + 1, depth)
    _refer(Slot(parent.children + _nibble(key, parent.depth) * SLOT_SIZE), work.node, size, U64(0))


@kernel(inline=False)
def _encode_branch(out: Ptr, branch: Branch) -> U64:
    """Encode a branch without a value; returns the size."""
    payload = U64(1)
    for i in range(16):
        length = Slot(branch.children + i * SLOT_SIZE).length
        payload += U64(1) if length == 0 else length
    at = write_list_header(out, payload)
    for i in range(16):
        slot = Slot(branch.children + i * SLOT_SIZE)
        if slot.length == 0:
            store8(at, U64(0x80))
            at += 1
        else:
            copy(at, slot.data, slot.length)
            at += slot.length
    store8(at, U64(0x80))
    return at + 1 - out


@kernel(inline=False)
def _extend(work: Work, size: U64, key: Ptr, start: U64, end: U64) -> U64:
    """Replace the node of ``size`` bytes by an extension over nibbles ``start`` to ``end`` leading to it."""
    child = Slot(work.result)
    _refer(child, work.node, size, U64(0))
    at = write_list_header(work.node, _path_size(end - start) + child.length)
    at = _write_path(at, key, start, end, U64(0))
    copy(at, child.data, child.length)
    return at + child.length - work.node
