"""prestateTracer: the touched state before a transaction, or what it changed."""

from __future__ import annotations

from typing import Any

from jovay.rpc.codec import data, quantity, word
from jovay.rpc.tracers.base import Place, flag
from jovay.simulation.requests import CallResult, TouchedAccount, TraceParts


class PrestateTracer:
    """State by account; with ``diffMode`` only what changed, before and after."""

    parts = TraceParts.STATE

    def __init__(self, config: dict[str, Any]) -> None:
        self.diff = flag(config, "diffMode")
        self.code = not flag(config, "disableCode")
        self.storage = not flag(config, "disableStorage")
        self.empty = flag(config, "includeEmpty")
        if self.diff and self.empty:
            raise ValueError("cannot use diffMode with includeEmpty")

    def form(self, result: CallResult, place: Place) -> dict[str, Any]:
        """Accounts by address, or ``pre`` and ``post``."""
        touched = result.trace.touched if result.trace is not None else {}
        if not self.diff:
            return {
                data(address): self._before(account, place, set(account.slots_before))
                for address, account in touched.items()
                if self.empty or not _was_empty(account)
            }
        before, after = {}, {}
        for address, account in touched.items():
            changed = {slot for slot, value in account.slots_before.items() if _after(account, slot) != value}
            if not account.exists and account.existed:
                before[data(address)] = self._before(account, place, set())
                continue
            post = self._changes(account, place, changed if self.storage else set())
            if post is None:
                continue
            after[data(address)] = post
            if not _was_empty(account):
                kept = {slot for slot in changed if account.slots_before[slot]}
                before[data(address)] = self._before(account, place, kept)
        return {"post": after, "pre": before}

    def _before(self, account: TouchedAccount, place: Place, slots: set[int]) -> dict[str, Any]:
        form: dict[str, Any] = {"balance": quantity(account.balance_before)}
        if account.code_before:
            if self.code:
                form["code"] = data(account.code_before)
            form["codeHash"] = data(place.keccak(account.code_before))
        if account.nonce_before:
            form["nonce"] = account.nonce_before
        if self.storage and slots:
            form["storage"] = {word(slot): word(account.slots_before[slot]) for slot in sorted(slots)}
        return form

    def _changes(self, account: TouchedAccount, place: Place, slots: set[int]) -> dict[str, Any] | None:
        form: dict[str, Any] = {}
        if account.balance_after != account.balance_before:
            form["balance"] = quantity(account.balance_after)
        if account.code_after != account.code_before:
            if self.code:
                form["code"] = data(account.code_after)
            form["codeHash"] = data(place.keccak(account.code_after))
        if account.nonce_after != account.nonce_before:
            form["nonce"] = account.nonce_after
        if not form and not slots:
            return None
        storage = {word(slot): word(_after(account, slot)) for slot in sorted(slots) if _after(account, slot)}
        if storage:
            form["storage"] = storage
        return form


def _after(account: TouchedAccount, slot: int) -> int:
    return account.slots_after.get(slot, account.slots_before.get(slot, 0))


def _was_empty(account: TouchedAccount) -> bool:
    return not (account.nonce_before or account.balance_before or account.code_before)
