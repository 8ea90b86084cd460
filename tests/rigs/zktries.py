"""Tries of the kernel in memory of their own, with its functions as methods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jovay.kernel.lang import U64
from jovay.kernel.trie import joined_proofs, multiproof, nodes, proofs, zktrie
from jovay.kernel.trie.multiproof_writer import Writer
from jovay.kernel.trie.nodes import Trie

from .buffers import Buffer, table

#: Everything that ``Store`` calls.
ENTRIES = [
    nodes.trie_init,
    zktrie.update_batch,
    zktrie.update_proven,
    zktrie.lookup,
    proofs.prove,
    proofs.verify_proof,
    multiproof.prove_many,
    multiproof.partial_trie,
    joined_proofs.join_proofs,
]


class Plain:
    """Stands in for a library: the kernel's functions as plain Python."""

    def __getitem__(self, function: Any) -> Any:
        kinds = [kind for name, kind in function.__annotations__.items() if name != "return"]
        return lambda *values: function(*(kind(v) for kind, v in zip(kinds, values, strict=True)))


class Store:
    """A trie with room for ``capacity`` leaves."""

    def __init__(self, library: Any, capacity: int = 300) -> None:
        self.library, self.memory = library, Buffer(Trie.size)
        self.branches = table((capacity + 1) * nodes.BRANCH_SIZE)
        self.leaves = table(capacity * nodes.LEAF_SIZE)
        arenas = (self.branches.address, capacity + 1, self.leaves.address, capacity)
        library[nodes.trie_init](self.memory.address, *arenas)
        self.view = Trie(self.memory.address)

    def check(self, *buffers: Buffer) -> None:
        """Nothing was written outside."""
        assert all(b.intact for b in (self.branches, self.leaves, self.memory, *buffers))

    def update(self, pairs: Sequence[tuple[bytes, bytes]]) -> int:
        """Set keys to values; the status."""
        keys, values = Buffer(b"".join(k for k, _ in pairs)), Buffer(b"".join(v for _, v in pairs))
        scratch = Buffer(int(zktrie.update_scratch(U64(len(pairs)))))
        arrays = (keys.address, values.address, scratch.address)
        status = self.library[zktrie.update_batch](self.memory.address, len(pairs), *arrays)
        self.check(keys, values, scratch)
        return int(status)

    def update_proven(self, pairs: Sequence[tuple[bytes, bytes]], capacity: int) -> tuple[int, bytes | None]:
        """Status of an update, and the multiproof of its keys before it."""
        keys, values = Buffer(b"".join(k for k, _ in pairs)), Buffer(b"".join(v for _, v in pairs))
        scratch, out = Buffer(int(zktrie.update_scratch(U64(len(pairs))))), Buffer(capacity)
        record = Buffer(Writer.size)
        writer = Writer(record.address)
        writer.at, writer.end = U64(out.address), U64(out.address + capacity)
        arrays = (keys.address, values.address, record.address, scratch.address)
        status = self.library[zktrie.update_proven](self.memory.address, len(pairs), *arrays)
        self.check(keys, values, scratch, out, record)
        return int(status), None if writer.failed else out.read(0, int(writer.at) - out.address)

    @property
    def root(self) -> bytes:
        """The digest."""
        return self.memory.read(Trie.fields["digest"][1], 32)

    def find(self, key: bytes) -> tuple[int, bytes]:
        """Status of a lookup, and what it wrote."""
        source, out = Buffer(key), Buffer(32)
        return self.library[zktrie.lookup](self.memory.address, source.address, out.address), bytes(out)

    def get(self, key: bytes) -> bytes | None:
        """The value of a key that is there or is not."""
        status, value = self.find(key)
        assert status in (zktrie.ABSENT, zktrie.FOUND)
        return value if status == zktrie.FOUND else None

    def prove(self, key: bytes, capacity: int = int(proofs.MAXIMUM_PROOF)) -> bytes | None:
        """Proof of one key."""
        source, out = Buffer(key), Buffer(capacity)
        size = self.library[proofs.prove](self.memory.address, source.address, out.address, capacity)
        self.check(out)
        return None if size == proofs.NO_PROOF else out.read(0, size)

    def prove_many(self, keys: Iterable[bytes], capacity: int = 100_000) -> bytes | None:
        """Multiproof of some keys."""
        listed = list(keys)
        source, out = Buffer(b"".join(listed)), Buffer(capacity)
        scratch = Buffer(int(multiproof.multiproof_scratch(U64(len(listed)))))
        arrays = (source.address, out.address, capacity, scratch.address)
        size = self.library[multiproof.prove_many](self.memory.address, len(listed), *arrays)
        self.check(out, scratch)
        return None if size == proofs.NO_PROOF else out.read(0, size)


def partial(library: Any, proof: bytes, root: bytes, capacity: int = 300) -> tuple[Store, int]:
    """A partial trie from a multiproof, and the status."""
    store, source, expected = Store(library, capacity), Buffer(proof), Buffer(root)
    scratch = Buffer(int(multiproof.partial_scratch(U64(len(proof)))))
    arrays = (source.address, len(proof), expected.address, scratch.address)
    status = library[multiproof.partial_trie](store.memory.address, *arrays)
    store.check(scratch)
    return store, int(status)


def joined(
    library: Any, parts: Sequence[tuple[bytes, bytes]], keys: Sequence[bytes], capacity: int = 3000
) -> tuple[bytes | None, int]:
    """The multiproof of some keys that comes of others and their roots, and the status of the trie."""
    store, sources = Store(library, capacity), [Buffer(part) for pair in parts for part in pair]
    records, head = Buffer(joined_proofs.PART_SIZE * len(parts)), Buffer(joined_proofs.Join.size)
    for i, (proof, _) in enumerate(parts):
        part = joined_proofs.ProofPart(records.address + i * joined_proofs.PART_SIZE)
        part.proof, part.root = U64(sources[2 * i].address), U64(sources[2 * i + 1].address)
        part.size = U64(len(proof))
    join = joined_proofs.Join(head.address)
    join.parts, join.count = U64(records.address), U64(len(parts))
    join.size, join.nodes = U64(sum(len(proof) for proof, _ in parts)), U64(1 << capacity.bit_length() + 1)
    source, out = Buffer(b"".join(keys)), Buffer(1 << 18)
    scratch = Buffer(int(joined_proofs.joined_scratch(join.size, join.nodes, U64(len(keys)))))
    arrays = (source.address, out.address, 1 << 18, scratch.address)
    size = library[joined_proofs.join_proofs](store.memory.address, head.address, len(keys), *arrays)
    store.check(scratch, out, head)
    return None if size == proofs.NO_PROOF else out.read(0, size), int(store.view.status)


def verify(library: Any, root: bytes, key: bytes, proof: bytes) -> tuple[int, bytes]:
    """Status of a single proof, and the value that it shows."""
    buffers = [Buffer(root), Buffer(key), Buffer(proof)]
    out, scratch = Buffer(32), Buffer(proofs.VERIFY_SCRATCH)
    addresses = [b.address for b in buffers]
    status = library[proofs.verify_proof](*addresses, len(proof), out.address, scratch.address)
    assert out.intact
    assert scratch.intact
    return int(status), bytes(out)
