"""Write sets of many blocks as one change of the flat state: the latest value of each key, in the store's encoding.

All is visited from the newest to the oldest, so that the first value met of a key is the one that counts.
"""

from ..arenas.index import next_match, put
from ..lang import U64, U256, Ptr, Record, address_of, kernel, load64, store64, store256, store256be
from ..state.world import hash_word, mix
from .changes import ACCOUNT_CHANGE_SIZE, SLOT_CHANGE_SIZE, AccountChange, SlotChange

ADDRESS, SLOT_KEY, ACCOUNT_VALUE, SLOT_VALUE = 20, 52, 72, 32
LOW = 0xFFFFFFFF


class Latest(Record):
    """Where the changes go. Arrays have room for all records that are visited and 16 bytes, its index for twice that.

    ``seen`` holds the addresses of the records that counted, behind the zeroed ``index`` over ``mask`` + 1 words.
    """

    index: Ptr
    mask: U64
    seed: U64
    seen: Ptr
    count: U64
    accounts: Ptr
    account_values: Ptr  # nonce, balance little-endian; code hash as bytes
    account_count: U64
    deleted: Ptr
    deleted_count: U64
    wiped: Ptr
    wiped_count: U64
    slots: Ptr
    slot_values: Ptr
    slot_count: U64


@kernel
def store_address(at: Ptr, address: U256) -> None:
    """20 bytes big-endian, and 12 zeros behind them."""
    store256be(at, address << 96)


@kernel
def is_first(out: Latest, tag: U64, record: Ptr, size: U64) -> bool:
    """Whether no record with the same first ``size`` bytes was seen; it is from now on. ``size``: a multiple of 8."""
    at = tag & out.mask
    while True:
        at = next_match(out.index, out.mask, at, tag)
        found = load64(out.index + at * 8) & LOW
        if found == 0:
            break
        other, k = load64(out.seen + found * 8 - 8), U64(0)
        while k < size and load64(other + k) == load64(record + k):
            k += 8
        if k == size:
            return False
        at = (at + 1) & out.mask
    store64(out.seen + out.count * 8, record)
    put(out.index, out.mask, tag, out.count)
    out.count += 1
    return True


@kernel
def latest_accounts(out: Latest, n: U64, records: Ptr, counts: Ptr) -> None:
    """Of ``n`` arrays of ``AccountChange`` records, the oldest first: arrays of their addresses and lengths."""
    for back in range(n):
        at = n - 1 - U64(back)
        left = load64(counts + at * 8)
        while left != 0:
            left -= 1
            account_change(out, AccountChange(load64(records + at * 8) + left * ACCOUNT_CHANGE_SIZE))


@kernel
def account_change(out: Latest, change: AccountChange) -> None:
    tag = hash_word(out.seed, change.address) >> 32
    if not is_first(out, tag, address_of(change), U64(32)):
        return
    if change.exists != 0:
        value = out.account_values + out.account_count * ACCOUNT_VALUE
        store_address(out.accounts + out.account_count * ADDRESS, change.address)
        store64(value, change.nonce)
        store256(value + 8, change.balance)
        store256be(value + 40, change.code_hash)
        out.account_count += 1
        return
    store_address(out.deleted + out.deleted_count * ADDRESS, change.address)
    out.deleted_count += 1
    if change.wiped != 0:
        store_address(out.wiped + out.wiped_count * ADDRESS, change.address)
        out.wiped_count += 1


@kernel
def latest_slots(out: Latest, n: U64, records: Ptr, counts: Ptr) -> None:
    """The same for ``SlotChange`` records; the index must be empty again."""
    out.count = U64(0)
    for back in range(n):
        at = n - 1 - U64(back)
        left = load64(counts + at * 8)
        while left != 0:
            left -= 1
            slot_change(out, SlotChange(load64(records + at * 8) + left * SLOT_CHANGE_SIZE))


@kernel
def slot_change(out: Latest, change: SlotChange) -> None:
    tag = hash_word(mix(out.seed ^ U64(change.address)), change.key) >> 32
    if not is_first(out, tag, address_of(change), U64(64)):
        return
    key = out.slots + out.slot_count * SLOT_KEY
    store_address(key, change.address)
    store256be(key + ADDRESS, change.key)
    store256be(out.slot_values + out.slot_count * SLOT_VALUE, change.value)
    out.slot_count += 1
