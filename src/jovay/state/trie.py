"""The zkTrie of the whole state in native memory: one writer, and proofs of its newest root."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from jovay.kernel.block import state_root as kernel_root
from jovay.kernel.lang import U64, U256
from jovay.kernel.state import leaves
from jovay.kernel.trie import multiproof, nodes, proofs, zktrie
from jovay.kernel.trie.hashing import VERSION
from jovay.kernel.trie.joined_proofs import Join, ProofPart, join_proofs, joined_scratch
from jovay.kernel.trie.multiproof_writer import OPAQUE_BYTES, Writer
from jovay.kernel.trie.nodes import BRANCH_SIZE, LEAF_SIZE, Trie
from jovay.native.arena import Arena, Buffer
from jovay.native.library import Library
from jovay.native.records import new_array, new_record

from .errors import TrieError, TrieFullError
from .writes import WriteSet

SCHEME = f"zktrie-poseidon2-v{VERSION}"
SCRATCH_BYTES = 1 << 33


class StateTrie:
    """Room for ``leaves`` leaves; only what is used takes memory."""

    def __init__(
        self, library: Library, leaf_capacity: int = 16_000_000, scratch_bytes: int = SCRATCH_BYTES
    ) -> None:
        self.library = library
        self._lock = threading.Lock()
        self._trie = Arena(4096, name="trie")
        self._branches = Arena((leaf_capacity + 2) * BRANCH_SIZE)
        self._leaves = Arena(leaf_capacity * LEAF_SIZE)
        self._scratch = Arena(scratch_bytes, name="trie.scratch")
        self.view = self._trie.record(Trie)
        library[nodes.trie_init](self._trie, self._branches, leaf_capacity + 2, self._leaves, leaf_capacity)

    @classmethod
    def partial(cls, library: Library, proof: bytes, root: bytes, room: int) -> StateTrie:
        """The part of the trie with ``root`` that a multiproof holds, with room for setting ``room`` leaves.

        Raises ``TrieError`` where the multiproof does not lead to the root.
        """
        made = cls(library, len(proof) // OPAQUE_BYTES + 2 * room + 64)
        status = library[multiproof.partial_trie](made._trie, proof, len(proof), root, made._scratch)
        if status:
            raise TrieError(status, 0, 0)
        return made

    def update(self, writes: WriteSet) -> bytes:
        """Bring a write set in; the new root. Raises ``TrieError`` when the trie is full."""
        accounts, slots = writes.accounts, writes.slots
        with self._lock:
            status = self.library[kernel_root.update_state](
                self._trie,
                accounts,
                len(accounts),
                slots,
                len(slots),
                self._scratch,
                self._scratch.size,
            )
            if status:
                raise self._failure(status, len(accounts), len(slots))
            return self.root()

    def update_proven(self, touched: WriteSet) -> tuple[bytes, bytes]:
        """Bring in what a block touched, as it is now; the new root, and ``multiproof`` of it as it was before.

        What ``kept`` says must be so. Raises ``TrieError`` when the trie is full or the multiproof has no room.
        """
        accounts, slots = touched.accounts, touched.slots
        with self._lock:
            half = self._scratch.size // 2
            space = self._scratch.array(np.uint8, 2 * half)[half:]
            begin = self._scratch.address + half
            proof = new_record(Writer, {"at": begin, "end": begin + half})
            status = self.library[kernel_root.update_proven_state](
                self._trie, accounts, len(accounts), slots, len(slots), proof, self._scratch, half
            )
            if status or proof.failed:
                raise self._failure(status, len(accounts), len(slots))
            return self.root(), space[: int(proof.at) - begin].tobytes()

    def _failure(self, status: int, accounts: int, slots: int) -> TrieError:
        if status == nodes.OUT_OF_MEMORY:
            return TrieFullError(status, accounts, slots, self.leaf_count(), int(self.view.leaf_capacity))
        return TrieError(status, accounts, slots)

    def root(self) -> bytes:
        """The newest root."""
        out = Buffer(32)
        self.library[nodes.root](self._trie, out)
        return bytes(out)

    def leaf_count(self) -> int:
        """Leaves in the trie."""
        return int(self.view.leaf_count)

    def key(self, kind: int, address: int, slot: int = 0) -> bytes:
        """Trie key of a leaf: see ``kernel.state.leaves``."""
        source, key = Buffer(leaves.KEY_INPUT), Buffer(32)
        self.library[leaves.key_input](source, U64(kind), U256(address), U256(slot))
        self.library[leaves.derive_keys](1, source, key)
        return bytes(key)

    def prove(self, key: bytes) -> tuple[bytes, ...]:
        """Nodes from the root to the leaf of ``key``, or to what shows that there is none.

        Raises ``TrieError`` where a partial trie does not know.
        """
        out = Buffer(proofs.MAXIMUM_PROOF)
        with self._lock:
            size = self.library[proofs.prove](self._trie, key, out, proofs.MAXIMUM_PROOF)
        if size > proofs.MAXIMUM_PROOF:
            raise TrieError(size, 0, 0)
        proof = out.read(size)
        return tuple(proof[at : at + proofs.NODE_SIZE] for at in range(0, size, proofs.NODE_SIZE))

    def multiproof(self, touched: WriteSet) -> bytes:
        """What shows the values of these accounts and slots, and lets them be changed.

        Where ``kept`` says that a leaf of an account stays as it is, that is shown only if it is there.
        """
        with self._lock:
            return self._proven(touched, lambda *keys: self.library[multiproof.prove_many](self._trie, *keys))

    @classmethod
    def joined(
        cls, library: Library, proofs: Sequence[bytes], roots: Sequence[bytes], touched: WriteSet
    ) -> bytes:
        """``multiproof`` of the trie with the first root, from those of consecutive tries that have its keys between
        them. Raises ``TrieError`` where one does not lead to its root, or lacks a key.
        """
        size = sum(map(len, proofs))
        shown = size // OPAQUE_BYTES + len(proofs) + 64
        kept = [Buffer(part) for pair in zip(proofs, roots, strict=True) for part in pair]
        parts, nodes_of = new_array(ProofPart, len(proofs)), 1 << (2 * shown).bit_length()
        parts["proof"], parts["root"] = [int(b) for b in kept[::2]], [int(b) for b in kept[1::2]]
        parts["size"] = [len(proof) for proof in proofs]
        join = new_record(Join, {"parts": parts, "count": len(proofs), "size": size, "nodes": nodes_of})
        keys = 3 * len(touched.accounts) + len(touched.slots)
        scratch = int(joined_scratch(U64(size), U64(nodes_of), U64(keys)))
        made = cls(library, shown, SCRATCH_BYTES + 2 * scratch)
        return made._proven(touched, lambda *keys: library[join_proofs](made._trie, join, *keys))

    def _proven(self, touched: WriteSet, prove: Callable[..., int]) -> bytes:
        """What ``prove`` writes for the leaves of accounts and slots: arguments as of ``prove_many``."""
        accounts, slots = touched.accounts, touched.slots
        scratch = self._scratch.array(np.uint8, self._scratch.size)
        write = self.library[kernel_root.write_proven_leaves]
        count = write(accounts, len(accounts), slots, len(slots), scratch)
        out, most = scratch[128 * count :], self._scratch.size // 4
        size = prove(count, scratch, out, most, out[most:])
        if size == proofs.NO_PROOF:
            raise TrieError(int(self.view.status) or size, len(accounts), len(slots))
        return out[:size].tobytes()

    def lookup(self, key: bytes) -> bytes | None:
        """Value of ``key``, None if it has none."""
        out = Buffer(32)
        with self._lock:
            found = self.library[zktrie.lookup](self._trie, key, out)
        return bytes(out) if found == zktrie.FOUND else None
