"""Flat state at a checkpoint: accounts, storage slots and code, without a trie.

The recovery contract: what stands here is the state after block ``height``, except that keys changed by the
blocks up to ``target`` may already have their later value (a large checkpoint is written in pieces). Write
sets hold absolute values, so applying those of the blocks ``height + 1`` … newest gives the exact state;
``recover`` yields them, and refuses if the log does not reach ``target``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from .blocks import BlockStore
from .errors import CorruptStoreError, RecoveryGapError
from .kv import KV, META, Batch, prefix_end

ACCOUNTS, SLOTS, CODE = "accounts", "slots", "code"
TABLES = (ACCOUNTS, SLOTS, CODE)
ADDRESS, SLOT_KEY, SLOT_VALUE, HASH = 20, 52, 32, 32
ACCOUNT = np.dtype([("nonce", "<u8"), ("balance", np.uint8, (32,)), ("code_hash", np.uint8, (32,))])
"""A stored account: nonce, balance (little-endian, as kernel words are), code hash; 72 bytes."""
_HEIGHT, _TARGET, _BARE = b"state.height", b"state.target", b"state.bare"

Bytes2D = npt.NDArray[np.uint8]
Pieces = npt.NDArray[np.void] | list[bytes]


@dataclass(frozen=True, slots=True)
class StateChanges:
    """Absolute new values, as concatenated fixed-size keys and values.

    ``slots`` are address ‖ slot; a zero slot value deletes the slot. ``wiped`` are addresses that lose all
    slots; that comes before the slots written here. ``code_offsets`` cut ``codes``, one more than hashes.
    """

    accounts: bytes = b""
    account_values: bytes = b""
    deleted: bytes = b""
    slots: bytes = b""
    slot_values: bytes = b""
    wiped: bytes = b""
    code_hashes: bytes = b""
    code_offsets: Sequence[int] = (0,)
    codes: bytes = b""


def split(blob: bytes, size: int) -> list[bytes]:
    """Cut a blob into pieces of ``size`` bytes."""
    return _listed(_pieces(blob, size))


def _pieces(blob: bytes, size: int) -> npt.NDArray[np.void]:
    if len(blob) % size:
        raise ValueError(f"{len(blob)} bytes are not a multiple of {size}")
    return np.frombuffer(blob, f"V{size}")


def _order(keys: npt.NDArray[np.void]) -> npt.NDArray[np.intp]:
    """Indexes of ``keys``, ascending: the store inserts neighbours one after the other in less than half the time."""
    return np.argsort(keys.view(f"S{keys.dtype.itemsize}"))


def _listed(pieces: Pieces) -> list[bytes]:
    return pieces.tolist() if isinstance(pieces, np.ndarray) else pieces


def _rows(values: Sequence[bytes | None], size: int, table: str) -> tuple[npt.NDArray[np.bool_], Bytes2D]:
    """(which are there, values with zeros for those that are not)."""
    absent = bytes(size)
    blob = b"".join([absent if value is None else value for value in values])
    if len(blob) != size * len(values):
        raise CorruptStoreError(table, "length of a stored value", size)
    found = np.fromiter((value is not None for value in values), np.bool_, len(values))
    return found, np.frombuffer(blob, np.uint8).reshape(-1, size)


class StateStore:
    """Flat state in the tables ``accounts``, ``slots`` and ``code`` of a KV."""

    def __init__(self, kv: KV) -> None:
        self.kv = kv
        self.height, self.target = (self._read_number(key) for key in (_HEIGHT, _TARGET))
        """Checkpoint height (-1: no state yet), and the newest block whose changes may be partly in."""
        self.may_have_bare_storage = kv.get(META, _BARE) is not None
        """Whether there may be storage under accounts without code and nonce, which forbids creations there (EIP-7610).

        No transaction since Cancun brings that about, and no genesis; edits of the state can.
        """

    def _read_number(self, key: bytes) -> int:
        value = self.kv.get(META, key)
        return -1 if value is None else int.from_bytes(value, "big", signed=True)

    def read_accounts(self, addresses: bytes) -> tuple[npt.NDArray[np.bool_], Bytes2D]:
        """Accounts of concatenated addresses: (found, values of shape (n, 72), zero where absent)."""
        return _rows(self.kv.multi_get(ACCOUNTS, split(addresses, ADDRESS)), ACCOUNT.itemsize, ACCOUNTS)

    def read_slots(self, keys: bytes) -> Bytes2D:
        """Slots of concatenated address ‖ slot keys, shape (n, 32), zero where absent."""
        return _rows(self.kv.multi_get(SLOTS, split(keys, SLOT_KEY)), SLOT_VALUE, SLOTS)[1]

    def read_many(self, addresses: bytes, keys: bytes) -> tuple[npt.NDArray[np.bool_], Bytes2D, Bytes2D]:
        """Both in one call, for the misses of a batch: (accounts found, accounts, slots)."""
        return *self.read_accounts(addresses), self.read_slots(keys)

    def expect_bare_storage(self) -> None:
        """Note that there may be such storage from now on."""
        if not self.may_have_bare_storage:
            batch = Batch()
            batch.put(META, _BARE, b"\1")
            self.kv.write(batch, sync=True)
            self.may_have_bare_storage = True

    def first_slot(self, address: bytes) -> tuple[bytes, bytes] | None:
        """The first slot under an address, (address ‖ slot, value), if there is any."""
        return next(iter(self.kv.iterate(SLOTS, prefix=address)), None)

    def code(self, code_hash: bytes) -> bytes | None:
        """Code by its hash."""
        return self.kv.get(CODE, code_hash)

    def codes(self, hashes: bytes) -> list[bytes | None]:
        """Code of several concatenated hashes."""
        return self.kv.multi_get(CODE, split(hashes, HASH))

    def write(
        self,
        height: int,
        changes: StateChanges,
        *,
        sync: bool = False,
        piece: int = 4096,
        between: Callable[[], object] = lambda: None,
    ) -> None:
        """Move the checkpoint to ``height``, a block that is durable in the log.

        Up to ``piece`` keys this is one atomic batch; more go in several, the height with the last one, so
        that other threads are not kept from running for long, and ``between`` is called after each, for
        pauses. ``sync`` makes it durable against power loss, which is needed only before write sets up to
        ``height`` are pruned.
        """
        batch = self._start(height)
        for kind, table, keys, values in self._operations(changes):
            for start in range(0, len(keys), piece):
                if len(batch) >= piece:
                    self.kv.write(batch)
                    batch = Batch()
                    between()
                part = _listed(keys[start : start + piece])
                if kind == "put":
                    batch.put_many(table, part, _listed(values[start : start + piece]))
                else:
                    batch.delete_many(table, part)
        batch.put(META, _HEIGHT, height.to_bytes(8, "big", signed=True))
        self.kv.write(batch, sync=sync)
        self.height = height

    def clear(self) -> None:
        """Remove all state, so that nothing of it stays below a new beginning."""
        batch = Batch()
        for table in TABLES:
            batch.delete_range(table, b"", b"\xff" * (SLOT_KEY + 1))
        batch.delete_many(META, [_HEIGHT, _TARGET, _BARE])
        self.kv.write(batch, sync=True)
        self.height = self.target = -1
        self.may_have_bare_storage = False

    def _start(self, height: int) -> Batch:
        batch = Batch()
        batch.put(META, _TARGET, height.to_bytes(8, "big", signed=True))
        self.target = height
        return batch

    def _operations(self, changes: StateChanges) -> Iterator[tuple[str, str, Pieces, Pieces]]:
        wiped = split(changes.wiped, ADDRESS)
        if wiped:
            self._wipe(wiped)
        keys, values = _pieces(changes.accounts, ADDRESS), _pieces(changes.account_values, ACCOUNT.itemsize)
        if len(keys) != len(values):
            raise ValueError(f"{len(keys)} accounts but {len(values)} values")
        order = _order(keys)
        yield "put", ACCOUNTS, keys[order], values[order]
        yield "delete", ACCOUNTS, _pieces(changes.deleted, ADDRESS), []
        hashes, cuts = split(changes.code_hashes, HASH), changes.code_offsets
        if len(cuts) != len(hashes) + 1 or cuts[-1] != len(changes.codes):
            raise ValueError(f"{len(cuts)} code offsets for {len(hashes)} code hashes")
        codes = [changes.codes[cuts[i] : cuts[i + 1]] for i in range(len(hashes))]
        yield "put", CODE, hashes, codes
        if (
            len(changes.slots) % SLOT_KEY
            or len(changes.slot_values) * SLOT_KEY != len(changes.slots) * SLOT_VALUE
        ):
            raise ValueError(f"{len(changes.slots)} bytes of slots but {len(changes.slot_values)} of values")
        slots, values = _pieces(changes.slots, SLOT_KEY), _pieces(changes.slot_values, SLOT_VALUE)
        order = _order(slots)
        filled = values.view(np.uint64).reshape(-1, SLOT_VALUE // 8)[order].any(axis=1)
        yield "put", SLOTS, slots[order[filled]], values[order[filled]]
        yield "delete", SLOTS, slots[order[~filled]], []

    def _wipe(self, addresses: list[bytes]) -> None:
        batch = self._start(self.target)
        for address in addresses:
            batch.delete_range(SLOTS, address, prefix_end(address) or address + b"\xff" * 33)
        self.kv.write(batch)

    def accounts(self, chunk: int = 1 << 16) -> Iterator[tuple[Bytes2D, npt.NDArray[np.void]]]:
        """All accounts in address order, in pieces: addresses (n, 20), values as ``ACCOUNT`` records (n,)."""
        for keys, values in self._chunks(ACCOUNTS, chunk):
            yield _matrix(keys, ADDRESS, ACCOUNTS), np.frombuffer(b"".join(values), ACCOUNT)

    def slots(self, chunk: int = 1 << 16, address: bytes = b"") -> Iterator[tuple[Bytes2D, Bytes2D]]:
        """All slots (or those of one address) in key order, in pieces: keys (n, 52) and values (n, 32)."""
        for keys, values in self._chunks(SLOTS, chunk, address):
            yield _matrix(keys, SLOT_KEY, SLOTS), _matrix(values, SLOT_VALUE, SLOTS)

    def all_codes(self) -> Iterator[tuple[bytes, bytes]]:
        """All (code hash, code)."""
        return self.kv.iterate(CODE)

    def _chunks(
        self, table: str, chunk: int, prefix: bytes = b""
    ) -> Iterator[tuple[list[bytes], list[bytes]]]:
        pairs = self.kv.iterate(table, prefix=prefix)
        while piece := list(islice(pairs, chunk)):
            yield [key for key, _ in piece], [value for _, value in piece]

    def recover(self, blocks: BlockStore) -> Iterator[tuple[int, bytes]]:
        """(number, write set) of the blocks after the checkpoint, to be applied in this order at a start.

        Raises ``RecoveryGapError`` if the log ends before ``target`` or begins after ``height + 1``.
        """
        beyond = blocks.latest < max(self.height, self.target)
        if beyond or (blocks.latest > self.height and blocks.oldest > self.height + 1):
            raise RecoveryGapError(self.height, max(self.target, self.height), blocks.latest)
        for number in range(self.height + 1, blocks.latest + 1):
            yield number, blocks.writes(number)


def _matrix(values: list[bytes], size: int, table: str) -> Bytes2D:
    blob = b"".join(values)
    if len(blob) != size * len(values):
        raise CorruptStoreError(table, "length of a stored key or value", size)
    return np.frombuffer(blob, np.uint8).reshape(-1, size)
