"""What a machine's view holds, as the records of write sets: what it changed, and what it looked at."""

from __future__ import annotations

import numpy as np

from jovay.chain.types import EMPTY_CODE_HASH
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.state.world import BaseAccount, BaseSlot, any_slot
from jovay.native.records import dtype_of, positions_of

from .machine import NativeMachine
from .writes import Records, WriteSet, last_of

#: Storage epochs from here on come of overrides that replace storage.
OVERRIDDEN_EPOCH = 1 << 32


def changed(machine: NativeMachine) -> WriteSet:
    """What the view changed since it was reset, with the values that it has now.

    ``wiped`` is the account's storage epoch in the view: from ``OVERRIDDEN_EPOCH`` on, whatever was stored before is
    gone. New code is not listed.
    """
    view = machine.view
    listed = machine.arena.array(np.uint64, view.dirty.count, view.dirty.records)
    is_slot = listed & np.uint64(1) != 0
    accounts = positions_of(listed[~is_slot], machine.accounts())
    slots = positions_of(listed[is_slot], machine.slots())
    epochs = machine.accounts()["storage_epoch"]
    overridden = np.flatnonzero(epochs >= OVERRIDDEN_EPOCH)  # an override does not list them
    accounts = np.union1d(accounts, overridden)
    return WriteSet(_accounts(machine, accounts), _slots(machine, np.unique(slots)))


def looked_at(machine: NativeMachine) -> WriteSet:
    """Every account and slot of which the view has read the value, with the values that it has now.

    With an account that has storage but neither code nor nonce comes a slot that shows it (EIP-7610).
    """
    loaded = np.flatnonzero(machine.slots()["loaded"])
    slots = np.concatenate([_slots(machine, loaded), _bare_storage(machine)])
    return WriteSet(
        _accounts(machine, np.arange(machine.view.tables.account_count)), last_of(slots, ("address", "key"))
    )


def _bare_storage(machine: NativeMachine) -> Records:
    """A slot of each account in the view that has storage but neither code nor nonce: edits can make some."""
    tables, bases = machine.tables, machine.accounts()["base"]
    assert tables is not None, "a machine that is detached has looked at nothing"
    known = tables.accounts()[positions_of(bases[bases != 0], tables.accounts())]
    bare = (known["has_storage"] != 0) & (known["nonce"] == 0)
    bare &= known["code_hash"] == np.void(EMPTY_CODE_HASH[::-1])
    found = [
        tables.arena.record(BaseSlot, slot)
        for account in bases[bases != 0][bare].tolist()
        if (slot := machine.library[any_slot](tables, account))
    ]
    out = np.zeros(len(found), dtype_of(SlotChange))
    for row, slot in zip(out, found, strict=True):
        row["address"] = tables.arena.record(BaseAccount, slot.account).address.to_bytes(32, "little")
        row["key"], row["value"] = slot.key.to_bytes(32, "little"), slot.value.to_bytes(32, "little")
    return out


def _accounts(machine: NativeMachine, places: Records) -> Records:
    out = np.zeros(len(places), dtype_of(AccountChange))
    if not len(places):
        return out
    rows = machine.accounts()[places]
    for name in ("address", "balance", "code_hash", "nonce", "exists"):
        out[name] = rows[name]
    out["wiped"] = rows["storage_epoch"]
    for at in np.flatnonzero(rows["code"]).tolist():
        out["code_size"][at] = machine.code_size(int(rows["code"][at]))
    return out


def _slots(machine: NativeMachine, places: Records) -> Records:
    out = np.zeros(len(places), dtype_of(SlotChange))
    if not len(places):
        return out
    rows = machine.slots()[places]
    accounts = machine.accounts()[positions_of(rows["account"], machine.accounts())]
    out["address"], out["key"] = accounts["address"], rows["key"]
    living = rows["storage_epoch"] == accounts["storage_epoch"]  # else wiped after it was written
    out["value"][living] = rows["value"][living]
    return out
