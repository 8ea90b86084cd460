"""State overrides of calls, applied to a view before anything is executed in it."""

from __future__ import annotations

from collections.abc import Mapping

from jovay.chain.types import Address
from jovay.kernel.machine import state_override as kernel
from jovay.kernel.precompiles.table import PRECOMPILES
from jovay.native.records import new_record

from .errors import OverrideError
from .requests import AccountOverride
from .session import Session

SLOTS_AT_ONCE = 1_000


class StateOverrides:
    """The overrides of one request, bundle after bundle. Precompiles that moved are back in the next bundle."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._moved: dict[int, int] = {}

    def apply(self, state: Mapping[Address, AccountOverride], fork: int) -> None:
        """Change the view. Raises ``OverrideError`` for precompiles that cannot be moved."""
        self._move_precompiles(state, fork)
        for address, override in state.items():
            override_one(self._session, int.from_bytes(address, "big"), override)

    def _move_precompiles(self, state: Mapping[Address, AccountOverride], fork: int) -> None:
        """Whatever is overridden at the address of a precompile replaces it, unless it is moved."""
        self._moved = {}
        taken: set[int] = set()
        for key, override in state.items():
            address, target = int.from_bytes(key, "big"), override.move_precompile_to
            if address in taken:
                raise OverrideError(f"account 0x{key.hex()} has already been overridden by a precompile")
            number = self._precompile_at(address, fork)
            if target is not None:
                if not number:
                    raise OverrideError(f"account 0x{key.hex()} is not a precompile")
                if target in state:
                    raise OverrideError(f"account 0x{target.hex()} is already overridden")
                self._moved[int.from_bytes(target, "big")] = number
                taken.add(int.from_bytes(target, "big"))
            if number:
                self._moved[address] = 0
        entries = [a.to_bytes(32, "little") + n.to_bytes(8, "little") for a, n in self._moved.items()]
        self._session.view.relocations.entries = b"".join(entries)
        self._session.view.relocations.count = len(entries)

    def _precompile_at(self, address: int, fork: int) -> int:
        if address in self._moved:
            return self._moved[address]
        row = PRECOMPILES.get(address)
        return address if row is not None and row.since <= fork else 0


def override_one(session: Session, address: int, override: AccountOverride) -> None:
    """Change one account of the view, many slots in several steps, between which blocks can go on."""
    slots = override.state if override.state is not None else override.state_diff or {}
    words = [k.to_bytes(32, "little") + v.to_bytes(32, "little") for k, v in slots.items()]
    _override(session, address, override, words[:SLOTS_AT_ONCE])
    for start in range(SLOTS_AT_ONCE, len(words), SLOTS_AT_ONCE):
        _override(session, address, AccountOverride(), words[start : start + SLOTS_AT_ONCE])


def _override(session: Session, address: int, override: AccountOverride, words: list[bytes]) -> None:
    pairs, code = b"".join(words), override.code or b""
    parts = kernel.BALANCE if override.balance is not None else 0
    parts |= kernel.NONCE if override.nonce is not None else 0
    parts |= kernel.CODE if override.code is not None else 0
    parts |= kernel.WIPE if override.state is not None else 0
    record = new_record(
        kernel.Override,
        {
            "address": address,
            "balance": override.balance or 0,
            "nonce": override.nonce or 0,
            "parts": parts,
            "code": code,
            "code_size": len(code),
            "slots": pairs,
            "slot_count": len(words),
        },
    )
    session.call(session.machine.library[kernel.override_account], record)
