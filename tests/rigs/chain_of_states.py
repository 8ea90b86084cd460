"""Blocks of random changes to a small state, and a dictionary that remembers every height."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from jovay.kernel.block import changes
from jovay.kernel.block.changes import AccountChange, Changes, SlotChange
from jovay.kernel.lang import KernelFunction
from jovay.kernel.machine import commit, view, writing
from jovay.native.records import new_record
from jovay.state.writes import WriteSet

from .records import array_at
from .state import NO_CODE, State, account, call, slot

ADDRESSES, KEYS = range(3), range(3)


@dataclass
class Snapshot:
    """The state after a block: what exists, and the slots that are not zero."""

    accounts: dict[int, tuple[int, int]] = field(default_factory=dict)  # nonce, balance
    slots: dict[tuple[int, int], int] = field(default_factory=dict)

    def copy(self) -> Snapshot:
        return Snapshot(dict(self.accounts), dict(self.slots))


@dataclass(frozen=True)
class Step:
    """A change: of a slot where there is a key, the end of an account where ``gone``."""

    address: int
    value: int
    key: int | None = None
    gone: bool = False


class Chain:
    """A world that goes from block to block, with what it must say of each of them."""

    def __init__(self, **sizes: int) -> None:
        self.state = State(True, 1, **sizes)
        self.machine = self.state.machine()
        self.reader = self.state.machine(seed=3)
        self.height = 0
        self.past = [Snapshot()]
        memory = self.state.memory
        self._accounts = memory.take(1024 * AccountChange.size)
        self._slots = memory.take(1024 * SlotChange.size)

    def block(self, parts: Iterable[Iterable[Step]]) -> WriteSet:
        """Make a block: each part is changed in a fresh view and then committed. Its write set."""
        self.height += 1
        self.state.world.height = self.height
        now = self.past[-1].copy()
        ended: set[int] = set()
        for part in parts:
            for step in part:
                # An account that ended comes back in a later block at the earliest, as under EIP-6780.
                if step.address not in ended:
                    self._apply(step, now)
                if step.gone:
                    ended.add(step.address)
            assert call(commit.commit_view, self.machine) == 0
            call(view.reset_view, self.machine)
        self.past.append(now)
        return self.collect()

    def _apply(self, step: Step, now: Snapshot) -> None:
        self.machine.stamp += 1
        self.machine.journal.count = 0
        a = account(self.machine, step.address)
        assert a is not None
        if step.gone:
            assert call(writing.set_balance, self.machine, a, 0)
            a.exists = a.nonce = a.code = 0
            a.code_hash = NO_CODE
            a.storage_epoch += 1
            now.accounts.pop(step.address, None)
            now.slots = {key: value for key, value in now.slots.items() if key[0] != step.address}
        elif step.key is None:
            nonce = now.accounts.get(step.address, (0, 0))[0] + 1
            assert call(writing.set_balance, self.machine, a, step.value)
            assert call(writing.set_nonce, self.machine, a, nonce)
            now.accounts[step.address] = nonce, step.value
        elif step.address in now.accounts:
            s = slot(self.machine, a, step.key)
            assert s is not None
            assert call(writing.set_slot, self.machine, s, step.value)
            now.slots.pop((step.address, step.key), None)
            if step.value:
                now.slots[step.address, step.key] = step.value

    def collect(self) -> WriteSet:
        """The write set of the newest block."""
        found = new_record(Changes, {"accounts": self._accounts, "slots": self._slots})
        call(changes.collect_changes, self.state.world, self.height, found)
        accounts = array_at(self._accounts, found.account_count, AccountChange).copy()
        return WriteSet(accounts, array_at(self._slots, found.slot_count, SlotChange).copy())

    def read(
        self, height: int
    ) -> tuple[dict[int, tuple[int, int] | None], dict[tuple[int, int], int | None]]:
        """What a view of an older block sees: accounts (absent ones left out) and all slots; None: not kept."""
        self.reader.tables.height = height
        call(view.reset_view, self.reader)
        accounts: dict[int, tuple[int, int] | None] = {}
        slots: dict[tuple[int, int], int | None] = {}
        for address in ADDRESSES:
            a = account(self.reader, address)
            if a is None:
                accounts[address] = None
                continue
            if a.exists:
                accounts[address] = a.nonce, a.balance
            for key in KEYS:
                s = slot(self.reader, a, key)
                slots[address, key] = None if s is None else s.value
        return accounts, slots


class Follower:
    """A world that is given write sets only."""

    def __init__(self, **sizes: int) -> None:
        self.state = State(True, 1, **sizes)
        self.height = 0

    def follow(self, writes: WriteSet) -> None:
        """Load what the write set changes and is not there yet, then apply it."""
        self.height += 1
        for change in writes.accounts:
            self._load(changes.load_accounts, change)
        for change in writes.slots:
            self._load(changes.load_slots, change)
        arrays: list[npt.NDArray[np.void]] = [writes.accounts, writes.slots]
        spec = new_record(
            Changes,
            {
                "accounts": arrays[0],
                "slots": arrays[1],
                "account_count": len(arrays[0]),
                "slot_count": len(arrays[1]),
            },
        )
        assert call(changes.apply_changes, self.state.world, spec, self.height) == 0

    def _load(self, function: KernelFunction, change: np.void) -> None:
        """An absent record where there is none: the source's answer for a key it does not know."""
        record, names = np.zeros(1, change.dtype), change.dtype.names or ()
        for name in {"address", "key"}.intersection(names):
            record[name] = change[name]
        if "code_hash" in names:
            record["code_hash"] = NO_CODE.to_bytes(32, "little")
        assert call(function, self.state.world, record.ctypes.data, 1, 0) == 1
