"""Edits of the state in development: each is a block without transactions whose write set carries the change.

So an edit is part of the chain's log like everything else: the root follows it, and recovery, older heights and the
way back know of it. Re-executing such a block does not give its root; the block has no transactions that would.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from jovay.chain.types import Address
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.native.records import dtype_of
from jovay.rpc.backend.errors import BackendError
from jovay.sequencer.sequencer import Sequencer
from jovay.state.reader import StateReader
from jovay.state.writes import WriteSet, account_records, slot_records
from jovay.storage import snapshot
from jovay.storage.errors import SnapshotError
from jovay.storage.state import ACCOUNT, ACCOUNTS, ADDRESS, CODE, HASH, SLOT_KEY, SLOT_VALUE, SLOTS


class Editor:
    """Edits the state of one chain; every edit is visible when its method returns."""

    def __init__(self, sequencer: Sequencer, state: StateReader) -> None:
        self._sequencer, self._state = sequencer, state

    def _commit(self, edit: Callable[[int], WriteSet]) -> None:
        self._sequencer.data.state.expect_bare_storage()
        block = self._sequencer.make_block(edit=edit)
        assert block is not None
        self._sequencer.drain()

    def set_account(self, address: Address, **values: int) -> None:
        """Change ``nonce`` or ``balance``."""
        self._commit(lambda height: WriteSet(self._account(address, height, values), no_slots()))

    def set_code(self, address: Address, code: bytes) -> None:
        """Change the code."""
        digest = int.from_bytes(self._sequencer.keccak(code), "big")

        def edit(height: int) -> WriteSet:
            record = self._account(address, height, {"code_hash": digest})
            record["code_size"] = len(code)
            return WriteSet(record, no_slots(), [code] if code else [])

        self._commit(edit)

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        """Change a slot, of an account that exists by then."""

        def edit(height: int) -> WriteSet:
            key = address + slot.to_bytes(32, "big")
            rows = np.frombuffer(value.to_bytes(32, "big"), np.uint8).reshape(1, 32)
            return WriteSet(self._account(address, height, {}), slot_records(key, rows))

        self._commit(edit)

    def _account(self, address: Address, height: int, values: dict[str, int]) -> Any:
        """The account's record as of now, with other values."""
        record = np.zeros(1, dtype_of(AccountChange))
        found = self._state.account_state(address, height)
        old = {
            "balance": found.balance,
            "nonce": found.nonce,
            "code_hash": int.from_bytes(found.code_hash, "big"),
        }
        new = old | values
        record["address"] = np.void(address[::-1] + bytes(12))
        record["nonce"], record["exists"] = new["nonce"], 1
        record["balance"] = np.void(new["balance"].to_bytes(32, "little"))
        record["code_hash"] = np.void(new["code_hash"].to_bytes(32, "little"))
        record["code_size"] = len(self._state.code(address, height))
        return record

    # ---- the whole state -------------------------------------------------------------------------------------

    def dump(self) -> bytes:
        """The state as a snapshot file without blocks."""
        sequencer = self._sequencer

        def save() -> bytes:
            sequencer.persistence.checkpoint(sync=True)
            with TemporaryDirectory() as folder:
                path = Path(folder) / "state"
                snapshot.save(sequencer.data, path, recent=0)
                return path.read_bytes()

        with sequencer.paused():
            return sequencer.persistence.call(save)

    def load(self, content: bytes) -> None:
        """Put the state of a dump in the place of the present one."""
        tables = read_tables(content)
        sequencer = self._sequencer
        with sequencer.paused():
            sequencer.persistence.call(lambda: sequencer.persistence.checkpoint(sync=True))
            old_accounts = {bytes(a) for rows, _ in sequencer.data.state.accounts() for a in rows}
            old_slots = {bytes(k) for keys, _ in sequencer.data.state.slots() for k in keys}
            writes = replacement(tables, old_accounts, old_slots)
            self._commit(lambda height: writes)


def no_slots() -> Any:
    """No slot records."""
    return np.zeros(0, dtype_of(SlotChange))


def read_tables(content: bytes) -> dict[str, dict[bytes, bytes]]:
    """Tables of a dump; ``BackendError`` for anything that is none."""
    tables: dict[str, dict[bytes, bytes]] = {ACCOUNTS: {}, SLOTS: {}, CODE: {}}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        path.write_bytes(content)
        try:
            for name, pairs in snapshot.pairs(path):
                if name in tables:
                    tables[name].update(pairs)
        except SnapshotError as error:
            raise BackendError(f"not a state of this node: {error}") from error
    for name, key_size, value_size in (
        (ACCOUNTS, ADDRESS, ACCOUNT.itemsize),
        (SLOTS, SLOT_KEY, SLOT_VALUE),
        (CODE, HASH, None),
    ):
        for key, value in tables[name].items():
            if len(key) != key_size or (value_size is not None and len(value) != value_size):
                raise BackendError(
                    f"not a state of this node: a pair of {len(key)} and {len(value)} bytes in {name}"
                )
    return tables


def replacement(
    tables: dict[str, dict[bytes, bytes]], old_accounts: set[bytes], old_slots: set[bytes]
) -> WriteSet:
    """The write set that turns a state with these keys into the one of ``tables``."""
    addresses = sorted(tables[ACCOUNTS].keys() | old_accounts)
    found = np.array([address in tables[ACCOUNTS] for address in addresses], np.bool_)
    absent = bytes(ACCOUNT.itemsize)
    rows = np.frombuffer(b"".join(tables[ACCOUNTS].get(a, absent) for a in addresses), ACCOUNT)
    accounts = account_records(b"".join(addresses), found, rows)
    sizes = {digest: len(code) for digest, code in tables[CODE].items()}
    accounts["code_size"] = [sizes.get(row["code_hash"].tobytes(), 0) for row in rows]
    keys = sorted(tables[SLOTS].keys() | old_slots)
    values = np.frombuffer(b"".join(tables[SLOTS].get(key, bytes(32)) for key in keys), np.uint8)
    return WriteSet(
        accounts, slot_records(b"".join(keys), values.reshape(-1, 32)), list(tables[CODE].values())
    )
