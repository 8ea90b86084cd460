"""State at a height: accounts, code and slots, from the world's records, their older versions, or the flat state.

A read never puts a key into the world, so that questions about unknown addresses cost no memory. What is not in the
world has not changed since the world was opened, so the flat state holds its value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from jovay.chain.types import Account, Address
from jovay.kernel.state.history import Version
from jovay.kernel.state.world import BaseAccount, BaseSlot, find_account, find_slot
from jovay.native.records import View

from .errors import HistoryUnavailableError
from .misses import Misses
from .world import NativeWorld

Value = TypeVar("Value")


class AccountState(NamedTuple):
    """An account at a height, as the kernel keeps it. ``code`` is the address of its Code record, 0 for none, and good
    only as long as the world's lock is held."""

    exists: bool
    nonce: int
    balance: int
    code_hash: bytes
    code: int
    storage_epoch: int


class StateReader:
    """Reads the state of one world; thread-safe."""

    def __init__(self, world: NativeWorld) -> None:
        self._world = world
        self._find_account = world.library[find_account]
        self._find_slot = world.library[find_slot]

    # ---- what clients ask ------------------------------------------------------------------------------------

    def account(self, address: Address, height: int) -> Account:
        """Basic data of an account after block ``height``."""
        found = self.account_state(address, height)
        return Account(found.nonce, found.balance, found.code_hash) if found.exists else Account()

    def code(self, address: Address, height: int) -> bytes:
        """Code of an account after block ``height``."""

        def in_source() -> bytes:
            codes = self._world.source.read(Misses([_word(address)], []))[2]
            return codes[0] if codes else b""

        return self._find(lambda: self._code_in_world(address, height), in_source, height)

    def storage(self, address: Address, slot: int, height: int) -> int:
        """Value of a slot after block ``height``."""

        def in_source() -> int:
            record = self._world.source.read(Misses([], [(_word(address), slot)]))[1][0]
            return int.from_bytes(record["value"].tobytes(), "little")

        return self._find(lambda: self._slot_in_world(address, slot, height), in_source, height)

    def _find(
        self, in_world: Callable[[], Value | None], in_source: Callable[[], Value], height: int
    ) -> Value:
        """A value as of ``height``: the world's, or the flat state's where the world does not know the key.

        The world is asked again after the flat state: the key may have been loaded and changed meanwhile.
        """
        if (value := in_world()) is not None:
            return value
        stored = in_source()
        if (value := in_world()) is not None:
            return value
        if height < self._world.version:
            raise HistoryUnavailableError(height)
        return stored

    # ---- accounts --------------------------------------------------------------------------------------------

    def account_state(self, address: Address, height: int) -> AccountState:
        """An account as the kernel keeps it, after block ``height``."""

        def in_source() -> AccountState:
            record = self._world.source.read(Misses([_word(address)], []))[0][0]
            balance = int.from_bytes(record["balance"].tobytes(), "little")
            code_hash = record["code_hash"].tobytes()[::-1]
            return AccountState(bool(record["exists"]), int(record["nonce"]), balance, code_hash, 0, 0)

        return self._find(lambda: self._account_in_world(address, height), in_source, height)

    def _account_in_world(self, address: Address, height: int) -> AccountState | None:
        world = self._world
        with world.lock.read():
            at = self._find_account(world, _word(address))
            return self._account_at(at, height) if at else None

    def _code_in_world(self, address: Address, height: int) -> bytes | None:
        world = self._world
        with world.lock.read():
            at = self._find_account(world, _word(address))
            if not at:
                return None
            place = self._account_at(at, height).code
            return world.tables.code(place) if place else b""

    def _account_at(self, at: int, height: int) -> AccountState:
        """The account record at ``at`` as of ``height`` (the caller holds the lock)."""
        found = self._world.tables.arena.record(BaseAccount, at)
        if found.version > height:
            found = self._version(found.history, height)
        digest = found.code_hash.to_bytes(32, "big")
        return AccountState(
            bool(found.exists), found.nonce, found.balance, digest, found.code, found.storage_epoch
        )

    def _version(self, link: int, height: int) -> View:
        """The newest older version at or below ``height`` on a record's chain."""
        view = self._world.view
        base, capacity, newest = view.history, view.history_capacity, view.history_next
        while link and link + capacity > newest:
            found = self._world.tables.arena.record(Version, base + (link - 1) % capacity * Version.size)
            if found.version <= height:
                return found
            link = found.older
        raise HistoryUnavailableError(height)

    # ---- slots -----------------------------------------------------------------------------------------------

    def _slot_in_world(self, address: Address, slot: int, height: int) -> int | None:
        """Value of a slot, None if the world cannot say."""
        world = self._world
        with world.lock.read():
            at = self._find_account(world, _word(address))
            if not at:
                return None
            place = self._find_slot(world, at, slot)
            if not place:
                return None
            epoch = self._account_at(at, height).storage_epoch
            found = world.tables.arena.record(BaseSlot, place)
            if found.version <= height:
                value, written = found.value, found.storage_epoch
            else:
                older = self._version(found.history, height)
                value, written = older.balance, older.storage_epoch
            return int(value) if written == epoch else 0


def _word(address: Address) -> int:
    return int.from_bytes(address, "big")
