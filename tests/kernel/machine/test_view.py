"""Views: copies on first use, who may use what, what is missing, and the way back by the journal."""

from __future__ import annotations

import ctypes
from operator import index

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jovay.kernel.lang import U64, U256, Bytes
from jovay.kernel.machine import marks, status, writing
from jovay.kernel.machine import view as kernel_view
from jovay.kernel.machine.account import Account, Slot
from jovay.kernel.machine.journal import CHANGE, undo_to
from jovay.kernel.machine.loading import READ_ONLY_GROUP
from jovay.kernel.machine.misses import MISS_SIZE, forget_guesses
from jovay.kernel.machine.view import LAST_GENERATION
from jovay.kernel.state.world import hash_word
from rigs.state import NO_CODE, State, account, call, colliding, slot

GROUP = (5 << 32) | 1
READ_ONLY = (5 << 32) | READ_ONLY_GROUP


def misses(machine):
    """The listed keys: (kind, address, key)."""
    raw = ctypes.string_at(machine.misses.entries, machine.misses.count * MISS_SIZE)
    words = [int.from_bytes(raw[at : at + 32], "little") for at in range(0, len(raw), 32)]
    return [(kind & 0xFF, address, key) for kind, address, key in zip(*[iter(words)] * 3, strict=True)]


def values(record, *names):
    return tuple(getattr(record, name) for name in names)


# ---- look-ups ------------------------------------------------------------------------------------------------


def test_records_are_copies_made_once():
    state = State()
    base = state.put_account(7, nonce=3, balance=5, storage_epoch=2)
    state.put_slot(base, 1, 11)
    machine = state.machine()
    a = account(machine, 7)
    assert values(a, "address", "nonce", "balance", "exists", "storage_epoch", "base") == (
        7,
        3,
        5,
        1,
        2,
        index(base),
    )
    s = slot(machine, a, 1)
    assert values(s, "key", "value", "original", "account") == (1, 11, 11, index(a))
    base.nonce = 99
    assert index(account(machine, 7)) == index(a)
    assert index(slot(machine, a, 1)) == index(s)
    assert a.nonce == 3
    assert machine.abort == 0


def test_what_a_complete_world_lacks_does_not_exist():
    machine = State(complete=True).machine()
    a = account(machine, 7)
    assert values(a, "exists", "nonce", "balance", "code_hash", "code", "base") == (0, 0, 0, NO_CODE, 0, 0)
    assert slot(machine, a, 5).value == 0
    assert (machine.abort, misses(machine)) == (0, [])


def test_what_an_incomplete_world_lacks_is_missing():
    state = State(complete=False)
    state.put_account(1)
    machine = state.machine()
    assert account(machine, 7) is None
    assert machine.abort == status.MISS
    assert slot(machine, account(machine, 1), 2**200) is None
    assert misses(machine) == [(0, 7, 0), (1, 1, 2**200)]
    # Nothing is stored under an account that does not exist: its slots are known.
    state.put_account(2, exists=0)
    assert slot(machine, account(machine, 2), 9).value == 0
    state.put_account(3, exists=0, has_storage=1)
    assert slot(machine, account(machine, 3), 9) is None


def test_more_misses_than_there_is_room_for_are_left_out():
    machine = State(complete=False).machine(misses=3)
    for address in range(5):
        assert account(machine, address) is None
    assert [m[1] for m in misses(machine)] == [0, 1, 2]


def test_several_views_of_a_block_need_a_record_of_everything():
    """Without a record in the world, two groups could not be told that they share a key."""
    machine = State(complete=True).machine()
    machine.isolation.parallel = 1
    assert account(machine, 7) is None
    assert (machine.abort, misses(machine)) == (status.MISS, [(0, 7, 0)])


def test_guesses_let_a_run_list_many_misses():
    state = State(complete=False)
    base, machine = state.put_account(8), state.machine()
    older = call(kernel_view.slot_entry, machine, account(machine, 8), 1)
    machine.misses.guessing = 1
    assert account(machine, 7).exists == 0
    assert slot(machine, account(machine, 8), 1).value == 0
    assert slot(machine, account(machine, 8), 2).value == 0
    assert (machine.abort, machine.misses.guesses) == (0, 3)
    assert misses(machine) == [(0, 7, 0), (1, 8, 1), (1, 8, 2)]
    state.put_account(7, nonce=4)
    state.put_slot(base, 1, 44)
    state.put_slot(base, 2, 55)
    call(kernel_view.forget_since, machine, 1, 1, 0)
    call(forget_guesses, machine)
    assert values(account(machine, 7), "exists", "nonce") == (1, 4)
    assert index(slot(machine, account(machine, 8), 1)) == older
    assert [slot(machine, account(machine, 8), key).value for key in (1, 2)] == [44, 55]


def test_a_miss_does_not_hide_that_an_arena_is_full():
    """Who waits for a key goes on where it stands, but nobody may go on whose journal has lost an entry."""
    machine = State(complete=False).machine()
    machine.abort = status.ARENA_FULL
    assert account(machine, 7) is None
    assert machine.abort == status.ARENA_FULL


@pytest.mark.parametrize(
    ("owner", "readable", "writable"),
    [
        (GROUP, True, True),
        (READ_ONLY, True, False),
        (GROUP + 1, False, False),
        (0, False, False),
        (4 << 32 | 1, False, False),
    ],
    ids=["own", "read only", "another group's", "nobody's", "of an older block"],
)
def test_groups_use_what_they_own(owner, readable, writable):
    state = State()
    base = state.put_account(7, balance=100, owner=GROUP)
    kept = state.put_account(8, balance=100, owner=owner)
    state.put_slot(base, 1, 11, owner=owner)
    machine = state.machine()
    machine.isolation.group, machine.isolation.parallel = GROUP, 1
    a = account(machine, 7)
    for find, change in (
        (lambda: account(machine, 8), writing.set_balance),
        (lambda: slot(machine, a, 1), writing.set_slot),
    ):
        machine.abort = 0
        found = find()
        assert (found is not None) == readable
        assert machine.abort == (0 if readable else status.LEFT_SET)
        if readable:
            assert call(change, machine, found, 1) == writable
            assert machine.abort == (0 if writable else status.LEFT_SET)
    assert kept.balance == 100


def test_the_coinbase_is_nobodys_while_fees_are_summed():
    state = State()
    state.put_account(0xC01, owner=GROUP)
    machine = state.machine()
    machine.isolation.group, machine.isolation.parallel = GROUP, 1
    assert account(machine, 0xC01) is None
    assert machine.abort == status.LEFT_SET


@pytest.mark.parametrize("sizes", [{"accounts": 4}, {"account_index": 8}], ids=["records", "index"])
def test_full_view(sizes):
    machine = State().machine(**sizes)
    found = [account(machine, address) for address in range(8)]
    full = found.index(None)
    assert full in (4, 5)
    assert found[full:] == [None] * (8 - full)
    assert machine.abort == status.ARENA_FULL
    assert index(account(machine, 0)) == index(found[0])


def test_keys_that_share_their_place():
    state = State()
    machine = state.machine(seed=2)
    addresses = colliding(9, 255, lambda k: int(hash_word(U64(2), U256(k))))
    records = {a: index(account(machine, a)) for a in addresses}
    assert len(set(records.values())) == 9
    assert {a: index(account(machine, a)) for a in addresses} == records


@pytest.mark.parametrize("generation", [1, LAST_GENERATION - 1, LAST_GENERATION, 2**32 - 2])
def test_generations_never_meet_their_past(generation):
    """Entries carry 32 bits of their generation, and a machine lives for more than 2³² of them."""
    state = State()
    state.put_account(7, nonce=1)
    machine = state.machine()
    machine.tables.generation = generation
    for nonce in range(2, 6):
        a = account(machine, 7)
        assert index(account(machine, 7)) == index(a)
        assert index(slot(machine, a, 1)) == index(slot(machine, a, 1))
        assert a.nonce == nonce - 1
        state.put_account(7, nonce=nonce)
        call(kernel_view.reset_view, machine)
        assert 0 < machine.tables.generation <= LAST_GENERATION
        assert machine.tables.account_count == machine.tables.slot_count == 0


def test_a_group_does_not_see_the_records_of_another():
    state = State()
    state.put_account(7, balance=1)
    machine = state.machine()
    first = account(machine, 7)
    call(writing.set_balance, machine, first, 50)
    call(kernel_view.forget_index, machine)
    second = account(machine, 7)
    assert (index(second) != index(first), second.balance, first.balance) == (True, 1, 50)
    assert machine.dirty.count == 1


def test_wiped_accounts_have_no_storage():
    state = State()
    base = state.put_account(7, storage_epoch=4)
    state.put_slot(base, 1, 11)
    state.put_slot(base, 2, 22, storage_epoch=3)  # of a life before
    machine = state.machine()
    a = account(machine, 7)
    seen = slot(machine, a, 1)
    assert (seen.value, slot(machine, a, 2).value) == (11, 0)
    a.storage_epoch = 5
    assert slot(machine, a, 1).value == 0
    assert slot(machine, a, 3).value == 0
    call(writing.set_slot, machine, slot(machine, a, 1), 77)
    assert slot(machine, a, 1).value == 77


# ---- the journal ---------------------------------------------------------------------------------------------


def test_a_full_journal_refuses_changes_and_can_still_be_undone():
    state = State()
    state.put_account(7, balance=1, nonce=1)
    machine = state.machine(journal=10)
    a = account(machine, 7)
    assert call(writing.set_balance, machine, a, 2)
    done = 0
    while call(writing.set_nonce, machine, a, 100 + done):
        done += 1
    assert 0 < done < 10
    assert machine.abort == status.ARENA_FULL
    assert machine.journal.count <= 10
    assert machine.journal.count + CHANGE > 10
    assert values(a, "balance", "nonce") == (2, 99 + done)
    call(undo_to, machine, 0)
    assert values(a, "balance", "nonce", "exists") == (1, 1, 1)


def listed(machine):
    """Entries of the list of changes."""
    return memoryview(ctypes.string_at(machine.dirty.records, machine.dirty.count * 8)).cast("Q").tolist()


def test_what_is_undone_stays_listed():
    """A slot that is warmed and written in a frame that reverts, again and again, is listed once."""
    state = State()
    state.put_slot(state.put_account(7), 1, 11)
    machine = state.machine()
    for _ in range(1000):
        mark = machine.journal.count
        s = slot(machine, account(machine, 7), 1)
        assert call(marks.warm_slot, machine, s)
        assert call(writing.set_slot, machine, s, 12)
        call(undo_to, machine, mark)
    assert listed(machine) == [index(s) | 1]
    assert s.value == 11


def test_a_full_list_of_changes_refuses_them():
    state = State()
    machine = state.machine()
    machine.dirty.capacity = 1
    first, second = account(machine, 1), account(machine, 2)
    assert call(writing.set_balance, machine, first, 5)
    assert not call(writing.set_balance, machine, second, 5)
    assert machine.abort == status.ARENA_FULL
    assert (listed(machine), second.balance, second.listed) == ([index(first)], 0, 0)


#: Of each record: what a revert undoes. Whatever else stands there outlives it.
UNDONE = {
    Account: {
        *("balance", "code_hash", "nonce", "code", "exists", "storage_epoch"),
        *("warm", "created", "destructed", "touched"),
    },
    Slot: {"value", "transient", "transient_stamp", "warm", "padding"},
}


def test_the_journal_saves_nothing_that_outlives_a_revert():
    """The 32 bytes from each saved field on hold only fields that a revert undoes."""
    offsets = {
        name: value for name, value in (vars(writing) | vars(marks)).items() if name.endswith("_OFFSET")
    }
    assert len(offsets) == 8
    for name, start in offsets.items():
        record = Slot if name.startswith("SLOT_") else Account
        saved = set()
        for field, (kind, offset) in record.fields.items():
            size = kind.size if isinstance(kind, Bytes) else getattr(kind, "bits", 64) // 8
            if offset < start + 32 and start < offset + size:
                saved.add(field)
        assert saved <= UNDONE[record], name
        assert start + 32 <= record.size


words = st.one_of(st.just(0), st.integers(1, 3), st.integers(0, 2**256 - 1))
addresses, slot_keys = st.integers(0, 2), st.integers(0, 2)


class JournalMachine(RuleBasedStateMachine):
    """Any changes and checkpoints, undone to any checkpoint, against copies of a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        for address in range(2):
            base = self.state.put_account(address, balance=address, nonce=address)
            self.state.put_slot(base, 1, 111)
        self.machine = self.state.machine(journal=20_000)
        self.now: dict[tuple, int] = {}
        self.checkpoints: list[tuple[int, dict[tuple, int]]] = []

    def account(self, address):
        return account(self.machine, address)

    def slot(self, address, key):
        return slot(self.machine, self.account(address), key)

    @rule(address=addresses, value=words)
    def balance(self, address, value):
        assert call(writing.set_balance, self.machine, self.account(address), value)
        self.now["balance", address], self.now["exists", address] = value, 1
        self.now["touched", address] = 1

    @rule(address=addresses, value=st.integers(0, 2**64 - 1))
    def nonce(self, address, value):
        assert call(writing.set_nonce, self.machine, self.account(address), value)
        self.now["nonce", address], self.now["exists", address] = value, 1

    @rule(address=addresses, code=st.integers(0, 2**64 - 1), digest=words)
    def code(self, address, code, digest):
        assert call(writing.set_code, self.machine, self.account(address), code, digest)
        self.now["code", address], self.now["code_hash", address] = code, digest
        self.now["exists", address] = 1

    @rule(address=addresses, key=slot_keys, value=words)
    def value(self, address, key, value):
        assert call(writing.set_slot, self.machine, self.slot(address, key), value)
        self.now["slot", address, key] = value

    @rule(address=addresses, key=slot_keys, value=words)
    def transient(self, address, key, value):
        call(marks.set_transient, self.machine, self.slot(address, key), value)
        self.now["transient", address, key] = value

    @rule(address=addresses)
    def warm(self, address):
        cold = call(marks.warm_account, self.machine, self.account(address))
        assert cold == (1 - self.now.get(("warm", address), 0))
        self.now["warm", address] = 1

    @rule(address=addresses, key=slot_keys)
    def warm_slot(self, address, key):
        cold = call(marks.warm_slot, self.machine, self.slot(address, key))
        assert cold == (1 - self.now.get(("warm slot", address, key), 0))
        self.now["warm slot", address, key] = 1

    @rule(address=addresses)
    def destruct(self, address):
        assert call(writing.mark_destructed, self.machine, self.account(address))
        self.now["destructed", address] = 1

    @rule(address=addresses)
    def create(self, address):
        call(marks.mark_created, self.machine, self.account(address))
        self.now["created", address] = 1

    @rule()
    def checkpoint(self):
        self.checkpoints.append((self.machine.journal.count, dict(self.now)))

    @precondition(lambda self: self.checkpoints)
    @rule(data=st.data())
    def undo(self, data):
        keep = data.draw(st.integers(0, len(self.checkpoints) - 1))
        (mark, self.now), self.checkpoints = self.checkpoints[keep], self.checkpoints[:keep]
        call(undo_to, self.machine, mark)

    @rule()
    def next_transaction(self):
        """Marks hold for one transaction, and so do transient values; what was changed stays."""
        self.machine.stamp += 1
        self.machine.journal.count = 0
        self.checkpoints.clear()
        lasting = ("balance", "nonce", "exists", "code", "code_hash", "slot")
        self.now = {key: value for key, value in self.now.items() if key[0] in lasting}

    @invariant()
    def lists_every_change_once(self):
        entries = listed(self.machine)
        assert len(set(entries)) == len(entries)
        for address in range(3):
            a = self.account(address)
            assert (a.listed == self.machine.dirty.stamp) == (index(a) in entries)
            for key in range(3):
                s = self.slot(address, key)
                assert (s.listed == self.machine.dirty.stamp) == (index(s) | 1 in entries)

    @invariant()
    def agrees(self):
        stamp = self.machine.stamp
        for address in range(3):
            a = self.account(address)
            first = {"balance": address, "nonce": address, "exists": 1} if address < 2 else {}
            for name in ("balance", "nonce", "exists", "code"):
                assert getattr(a, name) == self.now.get((name, address), first.get(name, 0)), name
            assert a.code_hash == self.now.get(("code_hash", address), NO_CODE)
            for name in ("warm", "created", "destructed", "touched"):
                assert (getattr(a, name) == stamp) == bool(self.now.get((name, address), 0)), name
            for key in range(3):
                s = self.slot(address, key)
                stored = 111 if address < 2 and key == 1 else 0
                assert s.value == self.now.get(("slot", address, key), stored)
                found = call(marks.transient, self.machine, s)
                assert found == self.now.get(("transient", address, key), 0)


JournalMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestJournal = JournalMachine.TestCase
