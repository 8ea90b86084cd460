"""The world: the account and slot tables that all executions read. Only ``commit`` and the loaders write them.

Both tables are append-only arrays of records plus an open-addressing index of 32-bit positions (0 is free). Older
values of a record hang on its history chain, so a reader may ask for the state after any retained block.
"""

from ..lang import U64, U256, Ptr, Record, address_of, kernel, load32, store32, unpoison


class BaseAccount(Record):
    """An account as of block ``version``. ``owner`` is the conflict group that may use it in the running block."""

    address: U256
    balance: U256
    code_hash: U256
    nonce: U64
    code: Ptr  # Code record, 0 when the code is empty or not loaded
    exists: U64
    has_storage: U64  # 1 once a slot that is not zero is known: no contract can be created here (EIP-7610)
    storage_epoch: U64  # slots of older epochs read as zero
    version: U64
    history: Ptr
    owner: U64
    first_user: U64  # scheduler's scratch
    changed: U64  # CODE_CHANGED, UPPER_CHANGED: parts that the running block changed; FOUNDED


class BaseSlot(Record):
    """A storage slot as of block ``version``."""

    key: U256
    value: U256
    account: BaseAccount
    storage_epoch: U64
    version: U64
    history: Ptr
    owner: U64
    first_user: U64


class Code(Record):
    """Contract code: ``bytes`` points to it, 33 zero bytes follow; ``jumpdests`` to its bitmap."""

    hash: U256
    size: U64
    bytes: Ptr
    jumpdests: Ptr


class World(Record):
    accounts: Ptr
    account_count: U64
    account_capacity: U64
    account_index: Ptr
    account_mask: U64
    slots: Ptr
    slot_count: U64
    slot_capacity: U64
    slot_index: Ptr
    slot_mask: U64
    complete: U64  # 1: what is not in the tables does not exist
    seed: U64  # of the index hash; the host draws it
    history: Ptr  # ring of Version records
    history_capacity: U64
    history_next: U64  # versions ever written; ring position is this modulo capacity
    codes: Ptr  # arena of Code records with their bytes
    codes_used: U64
    codes_capacity: U64
    code_index: Ptr  # open addressing over code hashes: 64-bit addresses of Code records
    code_mask: U64
    code_count: U64
    height: U64
    changed: Ptr  # records changed in the running block: BaseAccount, or BaseSlot with bit 0 set
    changed_count: U64
    changed_capacity: U64


BASE_ACCOUNT_SIZE = BaseAccount.size
BASE_SLOT_SIZE = BaseSlot.size
GOLDEN = 0x9E3779B97F4A7C15
#: Rarely changed parts of an account: its code hash, the upper half of its balance.
CODE_CHANGED, UPPER_CHANGED = 1, 2
#: The account came about in the running block, so that no storage lies under it but what is in the tables.
FOUNDED = 4


@kernel(inline=True)
def mix(x: U64) -> U64:
    """A finaliser that spreads every bit (xor-shift-multiply)."""
    x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93
    x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93
    return x ^ (x >> 32)


@kernel(inline=True)
def hash_word(seed: U64, word: U256) -> U64:
    """Seeded hash of a 256-bit word."""
    h = mix(seed ^ U64(word)) + U64(word >> 64)
    h = mix(h) + U64(word >> 128)
    return mix(mix(h) + U64(word >> 192))


@kernel(inline=True)
def account_at(world: World, position: U64) -> BaseAccount:
    return BaseAccount(world.accounts + position * BASE_ACCOUNT_SIZE)


@kernel(inline=True)
def slot_at(world: World, position: U64) -> BaseSlot:
    return BaseSlot(world.slots + position * BASE_SLOT_SIZE)


@kernel(inline=True)
def slot_hash(seed: U64, account: Ptr, key: U256) -> U64:
    return hash_word(seed ^ (account * GOLDEN), key)


@kernel
def find_account(world: World, address: U256) -> BaseAccount:
    """The record of ``address``, or the null record."""
    at = hash_word(world.seed, address) & world.account_mask
    while True:
        position = load32(world.account_index + at * 4)
        if position == 0:
            return BaseAccount(U64(0))
        account = account_at(world, position - 1)
        if account.address == address:
            return account
        at = (at + 1) & world.account_mask


@kernel
def find_slot(world: World, account: BaseAccount, key: U256) -> BaseSlot:
    """The record of a slot, or the null record."""
    at = slot_hash(world.seed, address_of(account), key) & world.slot_mask
    while True:
        position = load32(world.slot_index + at * 4)
        if position == 0:
            return BaseSlot(U64(0))
        slot = slot_at(world, position - 1)
        if slot.key == key and slot.account == account:
            return slot
        at = (at + 1) & world.slot_mask


@kernel(inline=False)
def any_slot(world: World, account: BaseAccount) -> BaseSlot:
    """A slot of ``account`` that is not zero, or the null record: a search through all."""
    for i in range(world.slot_count):
        slot = slot_at(world, U64(i))
        if slot.account == account and slot.value != 0 and slot.storage_epoch == account.storage_epoch:
            return slot
    return BaseSlot(U64(0))


@kernel(inline=True)
def is_bare(nonce: U64, code_hash: U256) -> bool:
    """Whether an account has neither code nor a nonce, so that a contract could be created there."""
    return nonce == 0 and code_hash == EMPTY_CODE_HASH


@kernel
def insert_account(world: World, address: U256) -> BaseAccount:
    """The record of ``address``, appended as an absent account if new; null when the table is full."""
    found = find_account(world, address)
    if address_of(found) != 0:
        return found
    if world.account_count == world.account_capacity:
        return found
    position = world.account_count
    world.account_count = position + 1
    account = account_at(world, position)
    unpoison(world.accounts, address_of(account), U64(BASE_ACCOUNT_SIZE))
    account.address = address
    account.balance = U256(0)
    account.code_hash = EMPTY_CODE_HASH
    account.nonce = U64(0)
    account.code = U64(0)
    account.exists = U64(0)
    account.has_storage = U64(0)
    account.storage_epoch = U64(0)
    account.version = U64(0)
    account.history = U64(0)
    account.owner = U64(0)
    account.changed = U64(0)
    account.first_user = U64(0)
    at = hash_word(world.seed, address) & world.account_mask
    while load32(world.account_index + at * 4) != 0:
        at = (at + 1) & world.account_mask
    store32(world.account_index + at * 4, position + 1)
    return account


@kernel
def insert_slot(world: World, account: BaseAccount, key: U256) -> BaseSlot:
    """The record of a slot, appended with value 0 if new; null when the table is full."""
    found = find_slot(world, account, key)
    if address_of(found) != 0:
        return found
    if world.slot_count == world.slot_capacity:
        return found
    position = world.slot_count
    world.slot_count = position + 1
    slot = slot_at(world, position)
    unpoison(world.slots, address_of(slot), U64(BASE_SLOT_SIZE))
    slot.key = key
    slot.value = U256(0)
    slot.account = account
    slot.storage_epoch = account.storage_epoch
    slot.version = U64(0)
    slot.history = U64(0)
    slot.owner = U64(0)
    slot.first_user = U64(0)
    at = slot_hash(world.seed, address_of(account), key) & world.slot_mask
    while load32(world.slot_index + at * 4) != 0:
        at = (at + 1) & world.slot_mask
    store32(world.slot_index + at * 4, position + 1)
    return slot


EMPTY_CODE_HASH = U256(0xC5D2460186F7233C927E7DB2DCC703C0E500B653CA82273B7BFAD8045D85A470)
