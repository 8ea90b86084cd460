"""Accounts and storage slots as a machine's view sees them."""

from ..lang import U64, U256, Bytes, Record, address_of, kernel
from ..state.world import EMPTY_CODE_HASH, BaseAccount, BaseSlot, Code


class Account(Record):
    """An account as this view sees it.

    The journal saves 32 bytes from a field on, so fields that are undone together lie together, and none that must
    outlive a revert is among them.
    """

    address: U256
    balance: U256
    code_hash: U256
    nonce: U64  # from here on 32 bytes are undone together
    code: Code
    exists: U64
    storage_epoch: U64
    base: BaseAccount
    group: U64  # conflict group for which it was loaded; other groups must not see it
    read_only: U64  # 1: predicted as read only
    guessed: U64  # 1: not known, taken for absent
    prepaid: U64  # transaction stamp: the access list names it
    warm: U64  # transaction stamps: equal to the machine's stamp means «in this transaction»; undone together
    created: U64
    destructed: U64
    touched: U64
    listed: U64  # stamp of the dirty list it is on, never undone
    seen: U64  # transaction stamp, never undone: named by the transaction, or by an instruction that paid for it


class Slot(Record):
    """A storage slot as this view sees it; it also carries the transient value of the same key.

    Of the fields that the journal saves, ``value`` and ``transient`` fill its 32 bytes, and the marks behind them have
    only each other and padding behind them.
    """

    key: U256
    account: Account
    storage_epoch: U64
    value: U256
    original: U256
    original_stamp: U64  # of the transaction that accessed the value last, never undone
    loaded: U64  # 0: only the transient value is known; GUESSED: the value is taken for zero
    base: BaseSlot
    listed: U64  # as an account's, never undone
    read_only: U64
    prepaid: U64  # transaction stamp: the access list names it
    transient: U256
    transient_stamp: U64
    warm: U64  # transaction stamp: an instruction accessed the value, which is loaded then
    padding: Bytes(24)


@kernel(inline=True)
def is_empty(a: Account) -> bool:
    """EIP-161: no nonce, no balance, no code."""
    return a.nonce == 0 and a.balance == 0 and a.code_hash == EMPTY_CODE_HASH


@kernel(inline=True)
def code_size(a: Account) -> U64:
    return a.code.size if address_of(a.code) != 0 else U64(0)


ACCOUNT_SIZE = Account.size
SLOT_SIZE = Slot.size
