"""Keys that are not in memory: the list of them, and guesses that they are absent."""

from ..lang import U64, U256, address_of, kernel, store64, store256, unpoison
from ..state.world import find_account, find_slot
from . import status
from .account import ACCOUNT_SIZE, SLOT_SIZE, Account, Slot
from .machine import Machine

MISS_SIZE = 96
#: ``Slot.loaded`` of a slot that is missing.
GUESSED = 2


@kernel(inline=False)
def list_miss(m: Machine, kind: U64, address: U256, key: U256) -> None:
    """List a key that is not in memory: kind 0 account, 1 slot. Where there is no room, the next run misses it."""
    count = m.misses.count
    if count < m.misses.capacity:
        at = m.misses.entries + count * MISS_SIZE
        unpoison(m.misses.entries, at, U64(MISS_SIZE))
        store64(at, kind)
        store256(at + 32, address)
        store256(at + 64, key)
        m.misses.count = count + 1


@kernel
def miss(m: Machine, kind: U64, address: U256, key: U256) -> None:
    """List a key that is not in memory, for which the transaction is given up, unless it is already."""
    list_miss(m, kind, address, key)
    if m.abort == 0:
        m.abort = U64(status.MISS)


@kernel
def may_guess(m: Machine, kind: U64, address: U256, key: U256) -> bool:
    """List a missing key; whether the run may go on as if it were absent."""
    if m.misses.guessing == 0 or m.misses.count == m.misses.capacity:
        miss(m, kind, address, key)
        return False
    list_miss(m, kind, address, key)
    m.misses.guesses += U64(m.misses.trusting == 0)
    return True


@kernel(inline=False)
def forget_guesses(m: Machine) -> None:
    """Make the view forget what it guessed of older slots, so that the next run looks again."""
    if m.isolation.parallel != 0:
        return  # every attempt has an index of its own
    for i in range(m.tables.slot_count):
        s = Slot(m.tables.slots + U64(i) * SLOT_SIZE)
        if s.loaded == GUESSED:
            s.loaded = U64(0)


@kernel(inline=False)
def confirm_guesses(m: Machine) -> U64:
    """Whether all that a trusting view guessed is absent, now that it has been loaded; then the view knows it.

    If not, what the view has is good for nothing.
    """
    for i in range(m.tables.account_count):
        a = Account(m.tables.accounts + U64(i) * ACCOUNT_SIZE)
        if a.guessed != 0:
            base = find_account(m.world, a.address)
            if address_of(base) == 0 or base.exists != 0 or base.has_storage != 0:
                return U64(0)
            a.base = base
            a.guessed = U64(0)
    for i in range(m.tables.slot_count):
        s = Slot(m.tables.slots + U64(i) * SLOT_SIZE)
        if s.loaded == GUESSED:
            stored = find_slot(m.world, s.account.base, s.key)
            if address_of(stored) == 0 or stored.value != 0:
                return U64(0)
            s.base = stored
            s.loaded = U64(1)
    return U64(1)
