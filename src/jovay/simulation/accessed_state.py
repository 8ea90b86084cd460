"""What a transaction touched, read from the view's records after it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.chain.types import AccessEntry, Address
from jovay.kernel.machine import journal as kernel_overrides
from jovay.native.records import int_of, positions_of

from .requests import TouchedAccount
from .session import Session

Rows = npt.NDArray[Any]
#: The journal restores 32 bytes from any field, which may reach behind the last record.
_OVERHANG = 64


def _seen(accounts: Rows, stamp: int) -> npt.NDArray[np.int64]:
    """Positions of the accounts that the transaction or its instructions named."""
    return np.flatnonzero(accounts["seen"] == stamp)


def _seen_slots(slots: Rows, stamp: int) -> npt.NDArray[np.int64]:
    """Positions of the slots that the transaction's instructions named."""
    return np.flatnonzero(slots["original_stamp"] == stamp)


def _tables(session: Session) -> tuple[Rows, Rows]:
    return session.machine.accounts(), session.machine.slots()


def address_of(row: np.void) -> Address:
    """Address of an account record."""
    return bytes(row["address"])[19::-1]


def access_list(session: Session) -> tuple[AccessEntry, ...]:
    """Accounts and slots that the last transaction and its instructions named, reverted ones too.

    A contract that the transaction created is among them only if its slots are.
    """
    accounts, slots = _tables(session)
    stamp = session.view.stamp
    keys: dict[int, list[bytes]] = {int(i): [] for i in _seen(accounts, stamp)}
    for i in _seen_slots(slots, stamp):
        position = _owner(accounts, slots[i])
        keys.setdefault(position, []).append(bytes(slots[i]["key"])[::-1])
    return tuple(
        [
            AccessEntry(address_of(accounts[position]), tuple(found))
            for position, found in keys.items()
            if found or int(accounts[position]["created"]) != stamp
        ]
    )


def touched_accounts(session: Session, also: Iterable[int]) -> dict[Address, TouchedAccount]:
    """Accounts that the last transaction named, and the addresses in ``also``, before and after it."""
    for address in also:
        session.account(address).seen = session.view.stamp
    after, slots_after = _tables(session)
    before, slots_before = _before(session)
    stamp = session.view.stamp
    slots: dict[int, list[int]] = {}
    for i in _seen_slots(slots_after, stamp):
        if slots_after[i]["loaded"]:
            position = _owner(after, slots_after[i])
            slots.setdefault(position, []).append(int(i))
    found = {}
    for position in dict.fromkeys([*_seen(after, stamp).tolist(), *slots]):
        old, new, places = before[position], after[position], slots.get(position, [])
        found[address_of(new)] = TouchedAccount(
            existed=bool(old["exists"]),
            exists=bool(new["exists"]),
            nonce_before=int(old["nonce"]),
            nonce_after=int(new["nonce"]),
            balance_before=int_of(old["balance"]),
            balance_after=int_of(new["balance"]),
            code_before=_code(session, old),
            code_after=_code(session, new),
            slots_before=_values(slots_before, places, old),
            slots_after=_values(slots_after, places, new),
        )
    return found


def _before(session: Session) -> tuple[Rows, Rows]:
    """Copies of the tables as they were when the last transaction began."""
    accounts, slots = map(_copy, _tables(session))
    restore = session.machine.library[kernel_overrides.restore_before]
    restore(session.machine, accounts, slots)
    return accounts, slots


def _copy(table: Rows) -> Rows:
    whole = np.zeros(table.nbytes + _OVERHANG, np.uint8)
    whole[: table.nbytes] = table.view(np.uint8)
    return whole[: table.nbytes].view(table.dtype)


def _owner(accounts: Rows, slot: np.void) -> int:
    """Position of a slot's account."""
    return int(positions_of(slot["account"], accounts))


def _code(session: Session, row: np.void) -> bytes:
    return session.machine.code(int(row["code"])) if row["code"] else b""


def _values(slots: Rows, places: list[int], account: np.void) -> dict[int, int]:
    """Values by key; slots of an earlier life of the account are zero."""
    epoch = int(account["storage_epoch"])
    return {
        int_of(slots[i]["key"]): int_of(slots[i]["value"]) if int(slots[i]["storage_epoch"]) == epoch else 0
        for i in places
    }
