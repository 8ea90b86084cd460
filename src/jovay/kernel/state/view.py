"""A machine's view of the world: records are copied on first use, changed in place and journalled.

``find_record`` and ``find_slot_record`` only say what the view has already. What it has not, a transaction must have
paid for before it is looked for in the world. A look-up there gives the null record when the key is not in memory (the
miss is listed) or may not be used by this conflict group; ``m.abort`` then says why, and the caller ends the
transaction with it.
"""

from ..evm import status
from ..evm.machine import ACCOUNT_SIZE, LOG_SIZE, MISS_SIZE, SLOT_SIZE, Account, Machine, Slot
from ..lang import U64, U256, Ptr, address_of, fill, kernel, load64, poison, store64, store256, unpoison
from .history import account_at_height, slot_at_height
from .journal import CHANGE, ENTRY, has_room, save
from .world import EMPTY_CODE_HASH, BaseSlot, Code, find_account, find_slot, hash_word, slot_hash

#: ``owner`` of records that several groups of a block may read and none may write: the block's stamp with this.
READ_ONLY_GROUP = 0xFFFFFFFF
#: An index entry has 32 bits for its generation. Beyond this one the indexes are cleared and counted from 1 again.
LAST_GENERATION = 1 << 31
#: ``Slot.loaded`` of a slot that is missing.
GUESSED = 2


@kernel
def forget_records(m: Machine) -> None:
    """Forget every record, every listed change and new code, which must be in the world by now or not wanted."""
    m.generation += 1
    if m.generation > LAST_GENERATION:
        fill(m.account_index, U64(0), (m.account_mask + 1) * 8)
        fill(m.slot_index, U64(0), (m.slot_mask + 1) * 8)
        m.generation = U64(1)
    poison(m.accounts, m.account_count * ACCOUNT_SIZE)
    poison(m.slots, m.slot_count * SLOT_SIZE)
    poison(m.dirty, m.dirty_count * 8)
    poison(m.misses, m.miss_count * MISS_SIZE)
    poison(m.journal, m.journal_count * ENTRY)
    poison(m.journal, m.written * ENTRY)  # kept until now, for who asks what was before
    poison(m.code_arena, m.code_used)
    m.account_count = U64(0)
    m.slot_count = U64(0)
    m.dirty_count = U64(0)
    m.dirty_stamp += 1
    m.code_used = U64(0)
    m.miss_count = U64(0)
    m.journal_count = U64(0)


@kernel
def reset_view(m: Machine) -> None:
    """Forget everything: records, listed changes, logs."""
    forget_records(m)
    poison(m.logs, m.log_count * LOG_SIZE)
    poison(m.log_data, m.log_data_used)
    m.log_count = U64(0)
    m.log_data_used = U64(0)
    m.transaction = U64(0)


@kernel
def forget_index(m: Machine) -> None:
    """Start another conflict group: it finds no record of the groups before, whose changes stay listed.

    Less than 2³¹ times between two resets of the view.
    """
    m.generation += 1


@kernel(inline=False)
def list_miss(m: Machine, kind: U64, address: U256, key: U256) -> None:
    """List a key that is not in memory: kind 0 account, 1 slot. Where there is no room, the next run misses it."""
    count = m.miss_count
    if count < m.miss_capacity:
        at = m.misses + count * MISS_SIZE
        unpoison(m.misses, at, U64(MISS_SIZE))
        store64(at, kind)
        store256(at + 32, address)
        store256(at + 64, key)
        m.miss_count = count + 1


@kernel
def miss(m: Machine, kind: U64, address: U256, key: U256) -> None:
    """List a key that is not in memory, for which the transaction is given up, unless it is already."""
    list_miss(m, kind, address, key)
    if m.abort == 0:
        m.abort = U64(status.MISS)


@kernel
def may_guess(m: Machine, kind: U64, address: U256, key: U256) -> bool:
    """List a missing key; whether the run may go on as if it were absent."""
    if m.guessing == 0 or m.miss_count == m.miss_capacity:
        miss(m, kind, address, key)
        return False
    list_miss(m, kind, address, key)
    m.guesses += U64(m.trusting == 0)
    return True


@kernel(inline=False)
def forget_guesses(m: Machine) -> None:
    """Make the view forget what it guessed of older slots, so that the next run looks again."""
    if m.parallel != 0:
        return  # every attempt has an index of its own
    for i in range(m.slot_count):
        s = Slot(m.slots + U64(i) * SLOT_SIZE)
        if s.loaded == GUESSED:
            s.loaded = U64(0)


@kernel(inline=False)
def confirm_guesses(m: Machine) -> U64:
    """Whether all that a trusting view guessed is absent, now that it has been loaded; then the view knows it.

    If not, what the view has is good for nothing.
    """
    for i in range(m.account_count):
        a = Account(m.accounts + U64(i) * ACCOUNT_SIZE)
        if a.guessed != 0:
            base = find_account(m.world, a.address)
            if address_of(base) == 0 or base.exists != 0 or base.has_storage != 0:
                return U64(0)
            a.base = base
            a.guessed = U64(0)
    for i in range(m.slot_count):
        s = Slot(m.slots + U64(i) * SLOT_SIZE)
        if s.loaded == GUESSED:
            stored = find_slot(m.world, s.account.base, s.key)
            if address_of(stored) == 0 or stored.value != 0:
                return U64(0)
            s.base = stored
            s.loaded = U64(1)
    return U64(1)


@kernel
def permission(m: Machine, owner: U64) -> U64:
    """What the running group may do with a record: 0 nothing, 1 read, 2 write."""
    if m.group == 0 or owner == m.group:
        return U64(2)
    return U64(1) if owner == m.group | READ_ONLY_GROUP else U64(0)


@kernel(inline=False)
def forget_since(m: Machine, accounts: U64, slots: U64, dirty: U64) -> None:
    """Forget the newest records and listed changes down to the given numbers, so that others find room.

    Taken out newest first, index entries leave the probe paths of the older ones as they were.
    """
    while m.dirty_count > dirty:
        m.dirty_count -= 1
        pointer = load64(m.dirty + m.dirty_count * 8)
        if pointer & 1 != 0:
            Slot(pointer - 1).listed = U64(0)
        else:
            Account(pointer).listed = U64(0)
        poison(m.dirty + m.dirty_count * 8, U64(8))
    while m.slot_count > slots:
        entry = (m.generation << 32) | m.slot_count
        m.slot_count -= 1
        s = Slot(m.slots + m.slot_count * SLOT_SIZE)
        free_entry(m.slot_index, m.slot_mask, slot_hash(m.seed, address_of(s.account), s.key), entry)
        poison(address_of(s), U64(SLOT_SIZE))
    while m.account_count > accounts:
        entry = (m.generation << 32) | m.account_count
        m.account_count -= 1
        a = Account(m.accounts + m.account_count * ACCOUNT_SIZE)
        free_entry(m.account_index, m.account_mask, hash_word(m.seed, a.address), entry)
        poison(address_of(a), U64(ACCOUNT_SIZE))


@kernel
def free_entry(index: Ptr, mask: U64, first: U64, entry: U64) -> None:
    """Free the place of ``entry``, which was put in on the probe path that begins at ``first``."""
    at = first & mask
    while load64(index + at * 8) != entry:
        at = (at + 1) & mask
    store64(index + at * 8, U64(0))


@kernel(inline=True)
def find_record(m: Machine, address: U256) -> tuple[Account, U64]:
    """The view's record of ``address``, or the null record if it has none; and the place of either in the index."""
    at = hash_word(m.seed, address) & m.account_mask
    while True:
        entry = load64(m.account_index + at * 8)
        if entry >> 32 != m.generation:
            return Account(U64(0)), at
        found = Account(m.accounts + ((entry & 0xFFFFFFFF) - 1) * ACCOUNT_SIZE)
        if found.address == address:
            return found, at
        at = (at + 1) & m.account_mask


@kernel(inline=True)
def account(m: Machine, address: U256) -> Account:
    """The view's record of ``address``, loaded from the world if need be."""
    found, at = find_record(m, address)
    return found if address_of(found) != 0 else load_account(m, address, at)


@kernel(inline=False)
def load_account(m: Machine, address: U256, at: U64) -> Account:
    """Copy an account from the world into index position ``at``."""
    nothing = Account(U64(0))
    if m.isolated != 0:
        miss(m, U64(0), address, U256(0))
        return nothing
    base = find_account(m.world, address)
    known = address_of(base) != 0
    guessed = not known and (m.world.complete == 0 or m.parallel != 0)
    allowed = U64(2)
    if known:
        allowed = permission(m, base.owner)
        if allowed == 0:
            m.abort = U64(status.LEFT_SET)
            return nothing
    elif guessed and not may_guess(m, U64(0), address, U256(0)):
        return nothing
    if m.parallel != 0 and address == m.block.coinbase:  # its balance is known only when all fees are
        m.abort = U64(status.LEFT_SET)
        return nothing
    position = m.account_count
    if position * 2 > m.account_mask or position == m.account_capacity:
        m.abort = U64(status.ARENA_FULL)
        return nothing
    a = Account(m.accounts + position * ACCOUNT_SIZE)
    unpoison(m.accounts, address_of(a), U64(ACCOUNT_SIZE))
    a.address = address
    a.base = base
    a.read_only = U64(allowed == 1)
    a.group = m.group
    a.guessed = U64(guessed)
    a.prepaid = U64(0)
    a.warm = U64(0)
    a.created = U64(0)
    a.destructed = U64(0)
    a.touched = U64(0)
    a.listed = U64(0)
    a.seen = U64(0)
    if not known:
        clear_account(a)
        a.storage_epoch = U64(0)
    elif not account_at_height(m.world, base, m.height, a):
        miss(m, U64(0), address, U256(0))
        poison(address_of(a), U64(ACCOUNT_SIZE))
        return nothing
    m.account_count = position + 1
    store64(m.account_index + at * 8, (m.generation << 32) | (position + 1))
    return a


@kernel
def clear_account(a: Account) -> None:
    """Make an account absent; its storage epoch stays."""
    a.balance = U256(0)
    a.nonce = U64(0)
    a.code_hash = EMPTY_CODE_HASH
    a.code = Code(U64(0))
    a.exists = U64(0)


@kernel(inline=True)
def find_slot_record(m: Machine, a: Account, key: U256) -> tuple[Slot, U64]:
    """The view's record of a slot, or the null record if it has none; and the place of either in the index."""
    at = slot_hash(m.seed, address_of(a), key) & m.slot_mask
    while True:
        entry = load64(m.slot_index + at * 8)
        if entry >> 32 != m.generation:
            return Slot(U64(0)), at
        found = Slot(m.slots + ((entry & 0xFFFFFFFF) - 1) * SLOT_SIZE)
        if found.key == key and found.account == a:
            return found, at
        at = (at + 1) & m.slot_mask


@kernel(inline=True)
def slot_entry(m: Machine, a: Account, key: U256) -> Slot:
    """The view's record of a slot, made if need be; its persistent value may not be loaded yet."""
    found, at = find_slot_record(m, a, key)
    return found if address_of(found) != 0 else add_slot(m, a, key, at)


@kernel(inline=False)
def add_slot(m: Machine, a: Account, key: U256, at: U64) -> Slot:
    position = m.slot_count
    if position * 2 > m.slot_mask or position == m.slot_capacity:
        m.abort = U64(status.ARENA_FULL)
        return Slot(U64(0))
    s = Slot(m.slots + position * SLOT_SIZE)
    unpoison(m.slots, address_of(s), U64(SLOT_SIZE))
    s.key = key
    s.account = a
    s.storage_epoch = a.storage_epoch
    s.value = U256(0)
    s.original_stamp = U64(0)
    s.loaded = U64(0)
    s.base = BaseSlot(U64(0))
    s.warm = U64(0)
    s.listed = U64(0)
    s.read_only = U64(0)
    s.prepaid = U64(0)
    s.transient_stamp = U64(0)
    m.slot_count = position + 1
    store64(m.slot_index + at * 8, (m.generation << 32) | (position + 1))
    return s


@kernel(inline=True)
def slot(m: Machine, a: Account, key: U256) -> Slot:
    """The view's record of a slot with its value, loaded from the world if need be."""
    s = slot_entry(m, a, key)
    return with_value(m, a, s) if address_of(s) != 0 else s


@kernel(inline=True)
def with_value(m: Machine, a: Account, s: Slot) -> Slot:
    """A slot's record with its value loaded and its value at the transaction's start noted; null if it cannot be."""
    if s.loaded == 0 and not load_slot(m, a, s):
        return Slot(U64(0))
    if s.storage_epoch != a.storage_epoch:  # the account was wiped since
        s.storage_epoch = a.storage_epoch
        s.value = U256(0)
    if s.original_stamp != m.stamp:
        s.original = s.value
        s.original_stamp = m.stamp
    return s


@kernel(inline=False)
def load_slot(m: Machine, a: Account, s: Slot) -> bool:
    """Copy a slot's value from the world; false when it is missing or not ours."""
    if m.isolated != 0:
        miss(m, U64(1), a.address, s.key)
        return False
    s.value = U256(0)
    base_account = a.base
    if address_of(base_account) == 0 or a.storage_epoch > base_account.storage_epoch:
        s.loaded = U64(1)
        return True
    base = find_slot(m.world, base_account, s.key)
    if address_of(base) != 0:
        allowed = permission(m, base.owner)
        if allowed == 0:
            m.abort = U64(status.LEFT_SET)
            return False
        s.read_only = U64(allowed == 1)
        s.base = base
        if not slot_at_height(m.world, base, m.height, s):
            miss(m, U64(1), a.address, s.key)
            return False
        s.loaded = U64(1)
        return True
    if base_account.exists == 0 and base_account.has_storage == 0 and base_account.version <= m.height:
        s.loaded = U64(1)  # nothing can be stored under an account that does not exist
        return True
    if m.world.complete == 0 or m.parallel != 0:
        if not may_guess(m, U64(1), a.address, s.key):
            return False
        s.loaded = U64(GUESSED)
        return True
    s.loaded = U64(1)
    return True


# ---- changes -------------------------------------------------------------------------------------------------


@kernel
def may_write_account(m: Machine, a: Account) -> bool:
    """List ``a`` as changed; false when the group may only read it, or where the journal is full."""
    if a.read_only != 0:
        m.abort = U64(status.LEFT_SET)
        return False
    if not has_room(m, U64(CHANGE)):
        return False
    if a.listed != m.dirty_stamp:
        if not list_dirty(m, address_of(a)):
            return False
        a.listed = m.dirty_stamp
    return True


@kernel
def list_dirty(m: Machine, pointer: Ptr) -> bool:
    """List a record as changed. It is listed once: ``listed`` is never undone, so there is room for all records."""
    if m.dirty_count == m.dirty_capacity:
        m.abort = U64(status.ARENA_FULL)
        return False
    unpoison(m.dirty, m.dirty + m.dirty_count * 8, U64(8))
    store64(m.dirty + m.dirty_count * 8, pointer)
    m.dirty_count += 1
    return True


BALANCE_OFFSET = Account.fields["balance"][1]
NONCE_OFFSET = Account.fields["nonce"][1]
CODE_HASH_OFFSET = Account.fields["code_hash"][1]
WARM_OFFSET = Account.fields["warm"][1]
SLOT_VALUE_OFFSET = Slot.fields["value"][1]
SLOT_WARM_OFFSET = Slot.fields["warm"][1]
SLOT_TRANSIENT_OFFSET = Slot.fields["transient"][1]
SLOT_TRANSIENT_STAMP_OFFSET = Slot.fields["transient_stamp"][1]


@kernel
def set_balance(m: Machine, a: Account, balance: U256) -> bool:
    if not may_write_account(m, a):
        return False
    save(m, address_of(a) + BALANCE_OFFSET)
    a.balance = balance
    if a.exists == 0:
        save(m, address_of(a) + NONCE_OFFSET)
        a.exists = U64(1)
    touch(m, a)
    return True


@kernel
def set_nonce(m: Machine, a: Account, nonce: U64) -> bool:
    if not may_write_account(m, a):
        return False
    save(m, address_of(a) + NONCE_OFFSET)
    a.nonce = nonce
    a.exists = U64(1)
    return True


@kernel
def set_code(m: Machine, a: Account, code: Code, code_hash: U256) -> bool:
    if not may_write_account(m, a):
        return False
    save(m, address_of(a) + CODE_HASH_OFFSET)
    save(m, address_of(a) + NONCE_OFFSET)
    a.code_hash = code_hash
    a.code = code
    a.exists = U64(1)
    return True


@kernel
def set_slot(m: Machine, s: Slot, value: U256) -> bool:
    if s.read_only != 0:
        m.abort = U64(status.LEFT_SET)
        return False
    if not has_room(m, U64(CHANGE)):
        return False
    if s.listed != m.dirty_stamp:
        if not list_dirty(m, address_of(s) | 1):
            return False
        s.listed = m.dirty_stamp
    save(m, address_of(s) + SLOT_VALUE_OFFSET)
    s.value = value
    return True


@kernel
def touch(m: Machine, a: Account) -> None:
    """EIP-161: an account that is touched and empty at the end of its transaction is removed."""
    if a.touched != m.stamp:
        save(m, address_of(a) + WARM_OFFSET)
        a.touched = m.stamp
        list_touched(m, a)


@kernel
def list_touched(m: Machine, a: Account) -> None:
    count = m.touched_count
    if count == m.touched_capacity:
        m.abort = U64(status.ARENA_FULL)  # the frame's end aborts the transaction
        return
    unpoison(m.touched, m.touched + count * 8, U64(8))
    store64(m.touched + count * 8, address_of(a))
    m.touched_count = count + 1


@kernel(inline=True)
def warm_account(m: Machine, a: Account) -> bool:
    """Mark as accessed in this transaction (EIP-2929); true if it was cold."""
    if a.warm == m.stamp:
        return False
    save(m, address_of(a) + WARM_OFFSET)
    a.warm = m.stamp
    return True


@kernel(inline=True)
def warm_slot(m: Machine, s: Slot) -> bool:
    if s.warm == m.stamp:
        return False
    save(m, address_of(s) + SLOT_WARM_OFFSET)
    s.warm = m.stamp
    return True


@kernel
def mark_destructed(m: Machine, a: Account) -> bool:
    """Remove ``a`` at the end of its transaction; false if the group may not write it."""
    if not may_write_account(m, a):
        return False
    save(m, address_of(a) + WARM_OFFSET)
    a.destructed = m.stamp
    list_touched(m, a)
    return True


@kernel
def mark_created(m: Machine, a: Account) -> None:
    save(m, address_of(a) + WARM_OFFSET)
    a.created = m.stamp


@kernel(inline=True)
def is_empty(a: Account) -> bool:
    """EIP-161: no nonce, no balance, no code."""
    return a.nonce == 0 and a.balance == 0 and a.code_hash == EMPTY_CODE_HASH


@kernel(inline=True)
def transient(m: Machine, s: Slot) -> U256:
    """EIP-1153."""
    return s.transient if s.transient_stamp == m.stamp else U256(0)


@kernel
def set_transient(m: Machine, s: Slot, value: U256) -> None:
    save(m, address_of(s) + SLOT_TRANSIENT_OFFSET)
    save(m, address_of(s) + SLOT_TRANSIENT_STAMP_OFFSET)
    s.transient = value
    s.transient_stamp = m.stamp


@kernel(inline=True)
def code_size(a: Account) -> U64:
    return a.code.size if address_of(a.code) != 0 else U64(0)
