"""Nodes of a partial trie by their digests, which are what another multiproof shows of a subtree that one has cut off,
or its leaves by their keys, which saves the way from the root to each.
"""

from jovay.kernel.lang import U64, Ptr, Record, fill, kernel, load32, load64, store64

from .nodes import LEAF_BIT, OPAQUE, Trie, leaf_at
from .path import is_same


class NodeTable(Record):
    """Open addressing; an entry has the address of a digest, or 0, and a reference. Never full: ``mask`` + 1 entries
    are more than the nodes.
    """

    entries: Ptr
    mask: U64


ENTRY, TABLE_SIZE = 16, NodeTable.size


@kernel
def begin_table(table: NodeTable, entries: Ptr, count: U64) -> None:
    """Nothing is in it yet; ``count`` is a power of two."""
    table.entries, table.mask = entries, count - 1
    fill(entries, U64(0), count * ENTRY)


@kernel
def _place(table: NodeTable, digest: Ptr) -> Ptr:
    """The entry of a digest, or where it would be."""
    at = (load32(digest) ^ load32(digest + 4) << 17 ^ load32(digest + 8) << 34) & table.mask
    while True:
        entry = table.entries + at * ENTRY
        if load64(entry) == 0 or is_same(load64(entry), digest):
            return entry
        at = (at + 1) & table.mask


@kernel
def remember(table: NodeTable, digest: Ptr, ref: U64) -> None:
    """Keep a known node, unless one with its digest is there."""
    entry = _place(table, digest)
    if load64(entry) == 0:
        store64(entry, digest)
        store64(entry + 8, ref)


@kernel
def known(table: NodeTable, digest: Ptr) -> U64:
    """The node with a digest, or ``OPAQUE``."""
    entry = _place(table, digest)
    return load64(entry + 8) if load64(entry) != 0 else U64(OPAQUE)


@kernel
def _entries_for(count: U64) -> U64:
    """A power of two that is at least twice ``count``."""
    entries = U64(2)
    while entries < count * 2:
        entries = entries << 1
    return entries


@kernel
def leaf_table_size(trie: Trie) -> U64:
    """Bytes that ``index_leaves`` needs."""
    return _entries_for(trie.leaf_used + 1) * ENTRY + TABLE_SIZE


@kernel
def index_leaves(trie: Trie, at: Ptr) -> NodeTable:
    """A table at ``at`` of a new partial trie's leaves, of which there has been none that is gone, by their keys."""
    table = NodeTable(at)
    begin_table(table, at + TABLE_SIZE, _entries_for(trie.leaf_used + 1))
    for i in range(trie.leaf_used):
        ref = U64(i) | LEAF_BIT
        remember(table, leaf_at(trie, ref).key, ref)
    return table
