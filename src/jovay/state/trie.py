"""The zkTrie of the whole state in native memory: one writer, and proofs of its newest root."""

from __future__ import annotations

import ctypes
import threading

from jovay.kernel.block import state_root as kernel_root
from jovay.kernel.lang import U64, U256
from jovay.kernel.state import leaves
from jovay.kernel.trie import multiproof, nodes, proofs, zktrie
from jovay.kernel.trie.hashing import VERSION
from jovay.kernel.trie.multiproof_writer import OPAQUE_BYTES, Writer
from jovay.kernel.trie.nodes import BRANCH_SIZE, LEAF_SIZE, Trie
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.records import View, new_record

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
        self._record = Arena(4096, name="trie")
        self._branches = Arena((leaf_capacity + 2) * BRANCH_SIZE)
        self._leaves = Arena(leaf_capacity * LEAF_SIZE)
        self._scratch = Arena(scratch_bytes, name="trie.scratch")
        self.view = View(Trie, self._record.address)
        library[nodes.trie_init](
            self._record.address,
            self._branches.address,
            leaf_capacity + 2,
            self._leaves.address,
            leaf_capacity,
        )

    @classmethod
    def partial(cls, library: Library, proof: bytes, root: bytes, room: int) -> StateTrie:
        """The part of the trie with ``root`` that a multiproof holds, with room for setting ``room`` leaves.

        Raises ``TrieError`` where the multiproof does not lead to the root.
        """
        made = cls(library, len(proof) // OPAQUE_BYTES + 2 * room + 64)
        given = ctypes.create_string_buffer(proof + root, len(proof) + 32)
        at = ctypes.addressof(given)
        status = library[multiproof.partial_trie](
            made._record.address, at, len(proof), at + len(proof), made._scratch.address
        )
        if status:
            raise TrieError(status, 0, 0)
        return made

    def update(self, writes: WriteSet) -> bytes:
        """Bring a write set in; the new root. Raises ``TrieError`` when the trie is full."""
        accounts, slots = writes.accounts, writes.slots
        with self._lock:
            status = self.library[kernel_root.update_state](
                self._record.address,
                accounts.ctypes.data if len(accounts) else 0,
                len(accounts),
                slots.ctypes.data if len(slots) else 0,
                len(slots),
                self._scratch.address,
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
            half, at = self._scratch.size // 2, self._scratch.address
            proof = new_record(Writer, {"at": at + half, "end": at + 2 * half})
            status = self.library[kernel_root.update_proven_state](
                self._record.address,
                accounts.ctypes.data if len(accounts) else 0,
                len(accounts),
                slots.ctypes.data if len(slots) else 0,
                len(slots),
                ctypes.addressof(proof),
                at,
                half,
            )
            written = View(Writer, ctypes.addressof(proof))
            if status or written.failed:
                raise self._failure(status, len(accounts), len(slots))
            return self.root(), ctypes.string_at(at + half, int(written.at) - at - half)

    def _failure(self, status: int, accounts: int, slots: int) -> TrieError:
        if status == nodes.OUT_OF_MEMORY:
            return TrieFullError(status, accounts, slots, self.leaf_count(), int(self.view.leaf_capacity))
        return TrieError(status, accounts, slots)

    def root(self) -> bytes:
        """The newest root."""
        out = ctypes.create_string_buffer(32)
        self.library[nodes.root](self._record.address, ctypes.addressof(out))
        return out.raw

    def leaf_count(self) -> int:
        """Leaves in the trie."""
        return int(self.view.leaf_count)

    def key(self, kind: int, address: int, slot: int = 0) -> bytes:
        """Trie key of a leaf: see ``kernel.state.leaves``."""
        block = ctypes.create_string_buffer(leaves.KEY_INPUT + 32)
        at = ctypes.addressof(block)
        self.library[leaves.key_input](at, U64(kind), U256(address), U256(slot))
        self.library[leaves.derive_keys](1, at, at + leaves.KEY_INPUT)
        return block.raw[leaves.KEY_INPUT :]

    def prove(self, key: bytes) -> tuple[bytes, ...]:
        """Nodes from the root to the leaf of ``key``, or to what shows that there is none.

        Raises ``TrieError`` where a partial trie does not know.
        """
        out = ctypes.create_string_buffer(proofs.MAXIMUM_PROOF)
        given = ctypes.create_string_buffer(key, 32)
        with self._lock:
            size = self.library[proofs.prove](
                self._record.address, ctypes.addressof(given), ctypes.addressof(out), proofs.MAXIMUM_PROOF
            )
        if size > proofs.MAXIMUM_PROOF:
            raise TrieError(size, 0, 0)
        return tuple(out.raw[at : at + proofs.NODE_SIZE] for at in range(0, size, proofs.NODE_SIZE))

    def multiproof(self, touched: WriteSet) -> bytes:
        """What shows the values of these accounts and slots, and lets them be changed.

        Where ``kept`` says that a leaf of an account stays as it is, that is shown only if it is there.
        """
        accounts, slots = touched.accounts, touched.slots
        with self._lock:
            at, library = self._scratch.address, self.library
            count = library[kernel_root.write_proven_leaves](
                accounts.ctypes.data if len(accounts) else 0,
                len(accounts),
                slots.ctypes.data if len(slots) else 0,
                len(slots),
                at,
            )
            out, half = at + 128 * count, self._scratch.size // 4
            scratch = out + half
            size = library[multiproof.prove_many](self._record.address, count, at, out, half, scratch)
            if size == 0xFFFFFFFFFFFFFFFF:
                raise TrieError(size, len(accounts), len(slots))
            return ctypes.string_at(out, size)

    def lookup(self, key: bytes) -> bytes | None:
        """Value of ``key``, None if it has none."""
        out, given = ctypes.create_string_buffer(32), ctypes.create_string_buffer(key, 32)
        with self._lock:
            found = self.library[zktrie.lookup](
                self._record.address, ctypes.addressof(given), ctypes.addressof(out)
            )
        return out.raw if found == zktrie.FOUND else None
