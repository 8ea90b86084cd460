"""Transactions that are executed beside the blocks: alone in a machine, over the state after a block.

Such a run holds no lock. It sees the world only while the host fetches a key for it; otherwise it is isolated, and an
instruction that needs another key waits. Its result becomes part of a later block as it stands if no key that it used
has changed by then, and if the block is as it was told wherever it asked.
"""

from ..evm.process import process_transaction
from ..evm.validity import SET_ASIDE, VALID
from ..lang import U64, U256, Ptr, address_of, copy, kernel, load64, load256
from ..machine.account import ACCOUNT_SIZE, SLOT_SIZE, Account, Slot
from ..machine.commit import commit_range
from ..machine.environment import PARENT, POSITION, PRICE, Block
from ..machine.machine import Machine
from ..machine.misses import MISS_SIZE
from ..machine.result import Result
from ..machine.view import account, reset_view, slot
from ..transaction.record import Transaction
from .run import DROPPED, EXECUTED, RESULT_SIZE, run_at

#: Answers of ``include_aside``: beside OK and WORLD_FULL of commits.
CHANGED = 2


@kernel
def begin_aside(m: Machine, tx: Transaction, result: Result) -> U64:
    """Begin ``tx`` in an empty view, as far as its first instruction: PAUSED, or how it ended before that."""
    reset_view(m)
    m.isolation.group = U64(0)
    m.isolation.parallel = U64(1)
    m.tx.skipped = U64(0)
    m.preemption.on = U64(1)
    m.misses.suspending = U64(1)
    m.isolation.sealed = U64(0)
    m.preemption.gas_left = U64(0)
    how = process_transaction(m, tx, ~U64(0), result)
    m.isolation.sealed = U64(1)
    return how


@kernel
def fetch_missed(m: Machine) -> U64:
    """Bring the key that an isolated run missed last into its view.

    0, MISS if the world has not got it, or its account, in memory (it is listed alone), or why it must not be used.
    """
    if m.misses.count == 0:
        return U64(0)
    at = m.misses.entries + (m.misses.count - 1) * MISS_SIZE
    is_slot, address, key = load64(at) != 0, load256(at + 32), load256(at + 64)
    m.misses.count = U64(0)
    m.isolation.sealed = U64(0)
    m.abort = U64(0)
    a = account(m, address)
    if address_of(a) != 0 and is_slot:
        slot(m, a, key)
    how = m.abort
    m.abort = U64(0)
    m.isolation.sealed = U64(1)
    return how


@kernel
def is_unchanged(m: Machine, height: U64) -> U64:
    """1 if no key in the view has changed since block ``height``, else 0."""
    for i in range(m.tables.account_count):
        known = Account(m.tables.accounts + U64(i) * ACCOUNT_SIZE).base
        if address_of(known) != 0 and known.version > height:
            return U64(0)
    for i in range(m.tables.slot_count):
        stored = Slot(m.tables.slots + U64(i) * SLOT_SIZE).base
        if address_of(stored) != 0 and stored.version > height:
            return U64(0)
    return U64(1)


@kernel
def fits(m: Machine, block: Block) -> bool:
    """Whether a run would have had the same answers in ``block``, but for the price of gas."""
    told = m.block
    if told.fork != block.fork or told.coinbase != block.coinbase or told.gas_limit != block.gas_limit:
        return False
    if m.tx.observed & POSITION != 0 and (told.number != block.number or told.timestamp != block.timestamp):
        return False
    return m.tx.observed & PARENT == 0


@kernel
def reprice(m: Machine, tx: Transaction, result: Result, block: Block) -> bool:
    """Let the sender pay the price of ``block``; false if it offers less, or the run could see what it paid.

    Before it runs, the sender has what it may cost at most; and without code it spends nothing while it runs.
    """
    told = m.block
    if told.blob_base_fee != block.blob_base_fee or told.l1_fee_per_byte != block.l1_fee_per_byte:
        return False
    if told.base_fee == block.base_fee:
        return True
    sender = account(m, m.tx.origin)
    if m.tx.observed & PRICE != 0 or address_of(sender.code) != 0 or tx.max_fee < block.base_fee:
        return False
    tip = tx.max_fee - block.base_fee
    price = block.base_fee + (tip if tip < tx.max_priority_fee else tx.max_priority_fee)
    used = U256(result.gas_used)
    sender.balance += (result.gas_price - price) * used
    result.gas_price = price
    result.fee = price * used + result.l1_fee
    if block.fees_to_coinbase == 0:
        result.fee -= block.base_fee * used
    return True


@kernel
def include_aside(m: Machine, runs: Ptr, index: U64, result: Result, block: Block, stamp: U64) -> U64:
    """Make a run that was executed aside the run ``index`` of ``block``, and commit it. OK, WORLD_FULL or CHANGED.

    The machine's ``height`` is that of the state it used.
    """
    r = run_at(runs, index)
    r.machine = m
    r.state = U64(DROPPED)
    r.status = U64(SET_ASIDE)
    if (
        is_unchanged(m, m.tables.height) == 0
        or not fits(m, block)
        or not reprice(m, r.transaction, result, block)
    ):
        return U64(CHANGED)
    mark_used(m, stamp)
    copy(address_of(r.result), address_of(result), U64(RESULT_SIZE))
    r.state = U64(EXECUTED)
    r.status = U64(VALID)
    r.first_account = r.first_slot = U64(0)
    r.account_end = m.tables.account_count
    r.slot_end = m.tables.slot_count
    r.first_dirty = m.dirty.count  # what the block's end need not commit again
    r.dirty_end = m.dirty.count
    return commit_range(m, U64(0), m.dirty.count)


@kernel
def mark_used(m: Machine, stamp: U64) -> None:
    """The running block has used all records in the view, and its scheduler none of them yet."""
    for i in range(m.tables.account_count):
        known = Account(m.tables.accounts + U64(i) * ACCOUNT_SIZE).base
        if address_of(known) != 0:
            known.owner = stamp << 32
            known.first_user = U64(0)
    for i in range(m.tables.slot_count):
        stored = Slot(m.tables.slots + U64(i) * SLOT_SIZE).base
        if address_of(stored) != 0:
            stored.owner = stamp << 32
            stored.first_user = U64(0)
