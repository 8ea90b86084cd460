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
from ..trie.nodes import Trie
from ..trie.zktrie import update_batch, update_scratch
from .changes import ACCOUNT_CHANGE_SIZE, KEPT_CODE, KEPT_UPPER, SLOT_CHANGE_SIZE, AccountChange, SlotChange

#: Leaves that an account change sets: basic data, code hash, upper half of the balance.
LEAVES_PER_ACCOUNT = 3
OK, TOO_SMALL = 0, 64


@kernel
def account_leaves(change: AccountChange, inputs: Ptr, values: Ptr) -> None:
    """Key inputs and values of the three leaves of an account; all values are zero where it is gone."""
    key_input(inputs, U64(BASIC), change.address, U256(0))
    key_input(inputs + KEY_INPUT, U64(CODE_HASH), change.address, U256(0))
    key_input(inputs + 2 * KEY_INPUT, U64(UPPER_BALANCE), change.address, U256(0))
    if change.exists == 0:
        store256(values, U256(0))
        store256(values + 32, U256(0))
        store256(values + 64, U256(0))
        return
    basic_data(values, change.nonce, change.balance, change.code_size)
    code_hash(values + 32, change.code_hash)
    upper_balance(values + 64, change.balance)


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
def write_leaves(accounts: Ptr, account_count: U64, slots: Ptr, slot_count: U64, at: Ptr) -> U64:
    """Keys (32 bytes each) and behind them values of all leaves at ``at``; answers their number.

    Behind those come ``KEY_INPUT`` bytes of scratch per leaf.
    """
    n = account_count * LEAVES_PER_ACCOUNT + slot_count
    values = at + n * 32
    inputs = values + n * 32
    for i in range(account_count):
        change = AccountChange(accounts + U64(i) * ACCOUNT_CHANGE_SIZE)
        account_leaves(change, inputs + U64(i) * (3 * KEY_INPUT), values + U64(i) * 96)
    write_slot_leaves(slots, slot_count, inputs, values, account_count * LEAVES_PER_ACCOUNT)
    derive_keys(n, inputs, at)
    return n


@kernel
def write_slot_leaves(slots: Ptr, slot_count: U64, inputs: Ptr, values: Ptr, first: U64) -> None:
    for i in range(slot_count):
        change = SlotChange(slots + U64(i) * SLOT_CHANGE_SIZE)
        key_input(inputs + (first + U64(i)) * KEY_INPUT, U64(SLOT), change.address, change.key)
        slot_value(values + (first + U64(i)) * 32, change.value)


@kernel
def write_changed_leaves(accounts: Ptr, account_count: U64, slots: Ptr, slot_count: U64, at: Ptr) -> U64:
    """The same without the leaves that the changes left as they were: most accounts need one of three."""
    n = slot_count
    for i in range(account_count):
        n += leaves_of(AccountChange(accounts + U64(i) * ACCOUNT_CHANGE_SIZE).kept)
    values = at + n * 32
    inputs = values + n * 32
    written = U64(0)
    for i in range(account_count):
        change = AccountChange(accounts + U64(i) * ACCOUNT_CHANGE_SIZE)
        written = changed_account_leaves(change, inputs, values, written)
    write_slot_leaves(slots, slot_count, inputs, values, written)
    derive_keys(n, inputs, at)
    return n


@kernel(inline=True)
def leaves_of(kept: U64) -> U64:
    return U64(LEAVES_PER_ACCOUNT) - (kept & 1) - ((kept >> 1) & 1)


@kernel
def changed_account_leaves(change: AccountChange, inputs: Ptr, values: Ptr, n: U64) -> U64:
    """Append the leaves of one account; answers how many leaves there are now."""
    exists = change.exists != 0
    at = values + n * 32
    key_input(inputs + n * KEY_INPUT, U64(BASIC), change.address, U256(0))
    if exists:
        basic_data(at, change.nonce, change.balance, change.code_size)
    else:
        store256(at, U256(0))
    n += 1
    if change.kept & KEPT_CODE == 0:
        key_input(inputs + n * KEY_INPUT, U64(CODE_HASH), change.address, U256(0))
        code_hash(values + n * 32, change.code_hash if exists else EMPTY_CODE_HASH)
        n += 1
    if change.kept & KEPT_UPPER == 0:
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
