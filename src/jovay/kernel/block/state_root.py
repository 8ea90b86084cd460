"""A write set as leaves of the zkTrie, and the state root that comes of it."""

from ..lang import U64, U256, Ptr, kernel, store256
from ..state.leaves import (
    BASIC,
    CODE_HASH,
    EMPTY_CODE_HASH,
    KEY_INPUT,
    SLOT,
    UPPER_BALANCE,
    basic_data,
    code_hash,
    derive_keys,
    key_input,
    slot_value,
    upper_balance,
)
from ..trie.multiproof_writer import Writer
from ..trie.nodes import Trie
from ..trie.zktrie import update_batch, update_proven, update_scratch
from .changes import ACCOUNT_CHANGE_SIZE, KEPT_CODE, KEPT_UPPER, SLOT_CHANGE_SIZE, AccountChange, SlotChange

#: Leaves that an account change sets: basic data, code hash, upper half of the balance.
LEAVES_PER_ACCOUNT = 3
OK, TOO_SMALL = 0, 64


@kernel(inline=True)
def leaves_scratch(n: U64) -> U64:
    """Bytes that ``n`` leaves take where ``write_leaves`` puts them: key, value, and the key's input."""
    return n * (KEY_INPUT + 64)


@kernel
def state_root_scratch(accounts: U64, slots: U64) -> U64:
    """Scratch bytes that ``update_state`` needs."""
    n = accounts * LEAVES_PER_ACCOUNT + slots
    return leaves_scratch(n) + update_scratch(n) + 192


@kernel
def write_changed_leaves(accounts: Ptr, account_count: U64, slots: Ptr, slot_count: U64, at: Ptr) -> U64:
    """Keys (32 bytes each) and behind them values of the leaves that changes set; answers their number.

    Behind those come ``KEY_INPUT`` bytes of scratch per leaf. Leaves that the changes left as they were (``kept``) are
    left out: most accounts need one of three.
    """
    return write_leaves(accounts, account_count, slots, slot_count, U64(0), U64(0), at)


@kernel
def write_proven_leaves(accounts: Ptr, account_count: U64, slots: Ptr, slot_count: U64, at: Ptr) -> U64:
    """The same of the leaves that a proof must show of accounts and slots as they are, so that they can change.

    Of an account's these are the basic data, which tells whether there are others, those others, and those that will
    be changed.
    """
    return write_leaves(accounts, account_count, slots, slot_count, U64(0), U64(KEPT_CODE | KEPT_UPPER), at)


@kernel
def write_claimed_leaves(accounts: Ptr, account_count: U64, slots: Ptr, slot_count: U64, at: Ptr) -> U64:
    """The same of the leaves that together say what accounts and slots are: the others follow from the basic data."""
    every = U64(KEPT_CODE | KEPT_UPPER)
    return write_leaves(accounts, account_count, slots, slot_count, every, every, at)


@kernel
def write_leaves(
    accounts: Ptr, account_count: U64, slots: Ptr, slot_count: U64, kept: U64, shown: U64, at: Ptr
) -> U64:
    """Keys and values of leaves; beyond ``kept`` of each account those in ``kept`` stay out, unless one of ``shown``
    is not empty.
    """
    n = slot_count
    for i in range(account_count):
        n += leaves_of(left_out(AccountChange(accounts + U64(i) * ACCOUNT_CHANGE_SIZE), kept, shown))
    values = at + n * 32
    inputs = values + n * 32
    written = U64(0)
    for i in range(account_count):
        change = AccountChange(accounts + U64(i) * ACCOUNT_CHANGE_SIZE)
        written = account_leaves(change, left_out(change, kept, shown), inputs, values, written)
    for i in range(slot_count):
        slot = SlotChange(slots + U64(i) * SLOT_CHANGE_SIZE)
        key_input(inputs + written * KEY_INPUT, U64(SLOT), slot.address, slot.key)
        slot_value(values + written * 32, slot.value)
        written += 1
    derive_keys(n, inputs, at)
    return n


@kernel(inline=True)
def left_out(change: AccountChange, kept: U64, shown: U64) -> U64:
    """Which of an account's two rare leaves are not written: bits as of ``kept``."""
    bits = (change.kept | kept) & (KEPT_CODE | KEPT_UPPER)
    if change.code_hash != EMPTY_CODE_HASH:
        bits &= ~(shown & KEPT_CODE)
    if change.balance >> 128 != 0:
        bits &= ~(shown & KEPT_UPPER)
    return bits


@kernel(inline=True)
def leaves_of(left_out: U64) -> U64:
    return U64(LEAVES_PER_ACCOUNT) - (left_out & 1) - ((left_out >> 1) & 1)


@kernel
def account_leaves(change: AccountChange, left_out: U64, inputs: Ptr, values: Ptr, n: U64) -> U64:
    """Append the leaves of one account, all zero where it is gone; answers how many leaves there are now."""
    exists = change.exists != 0
    at = values + n * 32
    key_input(inputs + n * KEY_INPUT, U64(BASIC), change.address, U256(0))
    if exists:
        basic_data(at, change.nonce, change.balance, change.code_size)
    else:
        store256(at, U256(0))
    n += 1
    if left_out & KEPT_CODE == 0:
        key_input(inputs + n * KEY_INPUT, U64(CODE_HASH), change.address, U256(0))
        code_hash(values + n * 32, change.code_hash if exists else EMPTY_CODE_HASH)
        n += 1
    if left_out & KEPT_UPPER == 0:
        key_input(inputs + n * KEY_INPUT, U64(UPPER_BALANCE), change.address, U256(0))
        upper_balance(values + n * 32, change.balance if exists else U256(0))
        n += 1
    return n


@kernel
def update_state(
    trie: Trie, accounts: Ptr, account_count: U64, slots: Ptr, slot_count: U64, scratch: Ptr, size: U64
) -> U64:
    """Bring a write set into the trie. OK, TOO_SMALL scratch, or a status of the trie."""
    if state_root_scratch(account_count, slot_count) > size:
        return U64(TOO_SMALL)
    n = write_changed_leaves(accounts, account_count, slots, slot_count, scratch)
    if n == 0:
        return U64(OK)
    return update_batch(trie, n, scratch, scratch + n * 32, scratch + n * 64)


@kernel
def update_proven_state(
    trie: Trie,
    accounts: Ptr,
    account_count: U64,
    slots: Ptr,
    slot_count: U64,
    proof: Writer,
    scratch: Ptr,
    size: U64,
) -> U64:
    """Bring accounts and slots in as they are now, changed or not, and write the multiproof of them as they were.

    Statuses as of ``update_state``; what ``write_proven_leaves`` leaves out must not have changed.
    """
    if state_root_scratch(account_count, slot_count) > size:
        return U64(TOO_SMALL)
    n = write_proven_leaves(accounts, account_count, slots, slot_count, scratch)
    return update_proven(trie, n, scratch, scratch + n * 32, proof, scratch + n * 64)
