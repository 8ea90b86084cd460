"""One transaction: Υ of the Yellow Paper, as ``process_transaction`` of execution-specs."""

from ..hashes.keccak import keccak256_word
from ..lang import (
    CHECKED,
    U64,
    U256,
    Ptr,
    address_of,
    kernel,
    load64,
    load256be,
    poison,
    store8,
    store256be,
    unpoison,
)
from ..machine import status
from ..machine.account import Account, is_empty
from ..machine.frame import Frame
from ..machine.journal import clear_journal, has_room, save, undo_to
from ..machine.loading import clear_account
from ..machine.log import LOG_SIZE
from ..machine.machine import Machine
from ..machine.marks import warm_account
from ..machine.misses import forget_guesses
from ..machine.result import Result
from ..machine.view import account, forget_since, slot_entry
from ..machine.writing import (
    BALANCE_OFFSET,
    CODE_HASH_OFFSET,
    NONCE_OFFSET,
    may_write_account,
    set_balance,
    set_code,
    set_nonce,
)
from ..protocol import forks
from ..protocol.gas import GAS_PER_BLOB, PER_AUTH_BASE_COST, PER_EMPTY_ACCOUNT_COST, REFUND_QUOTIENT
from ..protocol.opcodes import CALL, CREATE
from ..rlp import Cursor
from ..state.code import code_footprint, place_code
from ..state.world import EMPTY_CODE_HASH, Code
from ..transaction.lists import (
    ACCESS_KEY_STRIDE,
    AccessEntry,
    Authorization,
    blob_hash,
    next_access_entry,
    next_authorization,
)
from ..transaction.record import BLOB, L1_MESSAGE, Transaction
from ..transaction.recovery import authority_of
from .addresses import create_address
from .frames import delegate_of, enter_call, forget_frames, leave, new_frame
from .instructions.system import enter_create
from .interpreter import run
from .validity import (
    ALL,
    ANY_BALANCE,
    BLOCK_GAS_EXHAUSTED,
    FREE,
    VALID,
    check_state,
    check_static,
    floor_gas,
    intrinsic_gas,
)

ADDRESS_MASK = U256((1 << 160) - 1)


@kernel
def word_of_address(at: Ptr) -> U256:
    """A 20-byte address as a word."""
    return load256be(at) >> 96


@kernel(inline=False)
def process_transaction(m: Machine, tx: Transaction, gas_left: U64, result: Result) -> U64:
    """Execute ``tx``. VALID with ``result`` filled; an invalidity or abort status leaves no trace of it.

    ``gas_left`` is what the block can still give.
    """
    begin(m, word_of_address(tx.sender))
    result.first_log = m.logs.count
    how = check_static(tx, m.block, m.tx.skipped)
    if tx.kind == L1_MESSAGE and tx.gas_limit > gas_left:  # of others, the state comes first
        how = U64(BLOCK_GAS_EXHAUSTED)
    if how == VALID:
        how = execute(m, tx, gas_left, result)
    return end(m, how, result)


@kernel
def end(m: Machine, how: U64, result: Result) -> U64:
    """Undo what may not stay. A run that guessed at missing keys is a MISS, whatever came of it."""
    if not is_over(how):
        return how
    if m.misses.guesses != 0:
        how = U64(status.MISS)
    if how != VALID:  # what it loaded or guessed must not be in the next run's way, nor count as used
        give_up(m, result.first_log)
        forget_since(m, m.checkpoint.accounts, m.checkpoint.slots, m.checkpoint.dirty)
    if m.misses.guesses != 0:
        forget_guesses(m)
    m.misses.guessing = U64(0)
    return how


@kernel
def is_over(how: U64) -> bool:
    """Whether a run that ended like this cannot be resumed."""
    return how != status.PAUSED and how != status.DETACHED and how != status.WAITING


@kernel
def begin(m: Machine, origin: U256) -> None:
    m.stamp += 1
    clear_journal(m)
    poison(m.touched.accounts, m.touched.count * 8)
    m.calls.depth = U64(0)
    m.touched.count = U64(0)
    m.tx.refund = U64(0)
    m.returned.size = U64(0)
    m.abort = U64(0)
    m.misses.guessing = U64(1)
    m.misses.guesses = U64(0)
    m.preemption.pending = U64(0)
    m.tx.observed = U64(0)
    m.tx.ancestors = U64(0)
    m.preemption.pause_below = U64(0)
    m.checkpoint.log_data = m.logs.data_used
    m.checkpoint.code = m.code.used
    m.checkpoint.accounts = m.tables.account_count
    m.checkpoint.slots = m.tables.slot_count
    m.checkpoint.dirty = m.dirty.count
    m.tx.origin = origin


@kernel
def give_up(m: Machine, first_log: U64) -> None:
    """Undo an aborted or invalid transaction; ``first_log`` is the number of logs before it."""
    undo_to(m, U64(0))
    poison(m.logs.records + first_log * LOG_SIZE, (m.logs.count - first_log) * LOG_SIZE)
    poison(m.logs.data + m.checkpoint.log_data, m.logs.data_used - m.checkpoint.log_data)
    poison(m.code.start + m.checkpoint.code, m.code.used - m.checkpoint.code)
    if CHECKED:
        forget_frames(m)
    m.logs.count = first_log
    m.logs.data_used = m.checkpoint.log_data
    m.code.used = m.checkpoint.code
    m.calls.depth = U64(0)


@kernel
def execute(m: Machine, tx: Transaction, gas_left: U64, result: Result) -> U64:
    """The stages of Υ, with the transaction known to be well-formed."""
    sender = account(m, m.tx.origin)
    if address_of(sender) == 0:
        return m.abort
    how = U64(VALID)
    if tx.kind != L1_MESSAGE:
        how = check_state(m, tx, sender, gas_left)
        if how == VALID:
            how = buy_gas(m, tx, sender, result)
    else:
        m.tx.gas_price = U256(0)
        result.l1_fee = U256(0)
        result.blob_gas = U64(0)
    if how != VALID:
        return how
    if not set_nonce(m, sender, sender.nonce + 1):
        return m.abort
    how = prepare_access(m, tx, sender)
    if how == VALID:
        how = process_authorizations(m, tx)
    if how != VALID:
        return how
    intrinsic = intrinsic_gas(tx, m.block.fork)
    grant = tx.gas_limit - intrinsic if tx.gas_limit >= intrinsic else U64(0)
    how = enter_transaction(m, tx, sender, grant, result)
    if how == status.ENTER:
        if m.misses.suspending != 0:
            if m.misses.guesses != 0:  # before the first frame nothing can wait: it is done again
                return U64(status.MISS)
            m.misses.guessing = U64(0)
        how = run(m)
    elif how < status.ABORT and m.calls.depth != 0:
        how = leave(m, how)
    if how >= status.ABORT or m.misses.guesses != 0:
        return how
    return settle(m, tx, sender, how, result)


@kernel
def resume_transaction(m: Machine, tx: Transaction, result: Result) -> U64:
    """Go on with a transaction that was PAUSED or WAITING or, once ``run_detached`` has run, DETACHED."""
    how, m.preemption.pending = m.preemption.pending, U64(0)
    if how != 0 and how < status.ABORT:
        how = leave(m, how)
    if how == status.NEXT:
        how = run(m)
    if how < status.ABORT and m.misses.guesses == 0:
        sender = account(m, m.tx.origin)
        how = settle(m, tx, sender, how, result)
    return end(m, how, result)


@kernel
def abandon_transaction(m: Machine, result: Result) -> None:
    """Undo a transaction that could be resumed."""
    end(m, U64(status.MISS), result)


@kernel
def buy_gas(m: Machine, tx: Transaction, sender: Account, result: Result) -> U64:
    """Take the upfront cost from the sender (EIP-1559, EIP-4844, and the L1 data fee)."""
    block = m.block
    price = tx.max_fee
    if block.fork >= forks.LONDON and m.tx.skipped & FREE == 0:
        tip = tx.max_fee - block.base_fee
        price = block.base_fee + (tip if tip < tx.max_priority_fee else tx.max_priority_fee)
    m.tx.gas_price = price
    result.gas_price = price
    result.blob_gas = tx.blob_count * GAS_PER_BLOB
    result.l1_fee = block.l1_fee_per_byte * U256(tx.raw_size)
    cost = price * U256(tx.gas_limit) + block.blob_base_fee * U256(result.blob_gas) + result.l1_fee
    if m.tx.skipped & ANY_BALANCE != 0 and sender.balance < cost + tx.value:
        sender.balance = cost + tx.value  # a prediction pays with money that never leaves this view
    return U64(VALID) if set_balance(m, sender, sender.balance - cost) else m.abort


@kernel
def prepare_access(m: Machine, tx: Transaction, sender: Account) -> U64:
    """Warm the sender, the recipient and the access list (EIP-2929, EIP-2930); note the blob hashes."""
    warm_account(m, sender)
    sender.seen = m.stamp
    m.tx.blob_count = tx.blob_count
    if tx.kind == BLOB:
        m.tx.blob_hashes = m.scratch.start + m.scratch.capacity - 32 * tx.blob_count
        for i in range(tx.blob_count):
            store256be(m.tx.blob_hashes + U64(i) * 32, load256be(blob_hash(tx, U64(i))))
    if tx.has_to != 0:
        target = account(m, word_of_address(tx.to))
        if address_of(target) == 0:
            return m.abort
        warm_account(m, target)
        target.seen = m.stamp
    at, end = tx.access_list, tx.access_list + tx.access_list_size
    entry = AccessEntry(m.scratch.start)
    while at != end:
        at = next_access_entry(at, entry)
        listed = account(m, word_of_address(entry.account))
        if address_of(listed) == 0:
            return m.abort
        listed.prepaid = m.stamp
        for k in range(entry.key_count):
            s = slot_entry(m, listed, load256be(entry.keys + U64(k) * ACCESS_KEY_STRIDE))
            if address_of(s) == 0:
                return m.abort
            s.prepaid = m.stamp
    return U64(VALID)


@kernel
def process_authorizations(m: Machine, tx: Transaction) -> U64:
    """Set the delegations of a type 4 transaction; a void tuple is passed over (EIP-7702)."""
    at, end = tx.authorizations, tx.authorizations + tx.authorizations_size
    authorization, cursor, work = (
        Authorization(m.scratch.start),
        Cursor(m.scratch.start + 512),
        m.scratch.start + 1024,
    )
    while at != end:
        at = next_authorization(at, cursor, authorization)
        chain = authorization.chain_id
        if (chain == 0 or chain == U256(m.block.chain_id)) and authorization.nonce != ALL:
            if authority_of(authorization, work) == 0:
                how = delegate(m, authorization)
                if how != VALID:
                    return how
    return U64(VALID)


@kernel
def delegate(m: Machine, authorization: Authorization) -> U64:
    """Point the authority's code to the target, if its nonce and present code allow it."""
    a = account(m, word_of_address(authorization.authority))
    if address_of(a) == 0:
        return m.abort
    warm_account(m, a)
    a.seen = m.stamp
    if a.code_hash != EMPTY_CODE_HASH and delegate_of(a.code) == 0:
        return U64(VALID)
    if a.nonce != authorization.nonce:
        return U64(VALID)
    if a.exists != 0:
        m.tx.refund += PER_EMPTY_ACCOUNT_COST - PER_AUTH_BASE_COST
    target = word_of_address(authorization.target)
    written = True
    if target == 0:
        if a.code_hash != EMPTY_CODE_HASH:
            written = set_code(m, a, Code(U64(0)), EMPTY_CODE_HASH)
    else:
        text = m.scratch.start + 2048
        store8(text, U64(0xEF))
        store8(text + 1, U64(1))
        store8(text + 2, U64(0))
        store256be(text + 3, target << 96)
        if m.code.used + code_footprint(U64(23)) > m.code.capacity:
            return U64(status.ARENA_FULL)
        unpoison(m.code.start, m.code.start + m.code.used, code_footprint(U64(23)))
        code = place_code(m.code.start + m.code.used, text, U64(23), keccak256_word(text, U64(23)))
        m.code.used += code_footprint(U64(23))
        written = set_code(m, a, code, code.hash)
    if not written or not set_nonce(m, a, a.nonce + 1):
        return m.abort
    return U64(VALID)


@kernel
def enter_transaction(m: Machine, tx: Transaction, sender: Account, gas: U64, result: Result) -> U64:
    """Start the outermost frame. ENTER, or how it ended at once."""
    result.created = U256(0)
    if tx.has_to == 0:
        address = create_address(m, sender.address, sender.nonce - 1)
        created = account(m, address)
        if address_of(created) == 0:
            return m.abort
        result.created = address
        return enter_create(m, U64(CREATE), created, sender, tx.value, tx.data, tx.data_size, gas)
    target = account(m, word_of_address(tx.to))
    if m.block.fork >= forks.PRAGUE and delegate_of(target.code) != 0:
        other = account(m, delegate_of(target.code) & ADDRESS_MASK)
        if address_of(other) == 0:
            return m.abort
        warm_account(m, other)
        other.seen = m.stamp
    f = new_frame(m, gas)
    f.input = tx.data
    f.input_size = tx.data_size
    f.out_offset = U64(0)
    f.out_size = U64(0)
    f.static = U64(0)
    f.address = target.address
    f.caller = sender.address
    f.value = tx.value
    return enter_call(m, U64(CALL), target, target, sender, tx.value, True, f)


@kernel
def settle(m: Machine, tx: Transaction, sender: Account, how: U64, result: Result) -> U64:
    """Refund, pay the coinbase, remove what must go (EIP-3529, EIP-7623, EIP-1559, EIP-161, EIP-6780)."""
    fork = m.block.fork
    # The outermost frame's record is still there; a create that collided never had one and loses all.
    left = U64(0) if how == status.ADDRESS_COLLISION else outermost_gas(m)
    used = tx.gas_limit - left
    refund = used // REFUND_QUOTIENT[fork]
    if m.tx.refund < refund:
        refund = m.tx.refund
    if tx.kind == L1_MESSAGE:
        refund = U64(0)
    used -= refund
    floor = floor_gas(tx, fork)
    if used < floor and tx.kind != L1_MESSAGE:
        used = floor
    result.gas_used = used
    result.gas_refunded = refund
    result.how = how
    result.status = U64(how <= status.RETURN)
    result.log_count = m.logs.count - result.first_log
    result.output_size = m.returned.size
    result.ancestors = m.tx.ancestors
    if tx.kind != L1_MESSAGE:
        if not set_balance(m, sender, sender.balance + m.tx.gas_price * U256(tx.gas_limit - used)):
            return m.abort
        fee = m.tx.gas_price * U256(used) + result.l1_fee
        if fork >= forks.LONDON and m.block.fees_to_coinbase == 0 and m.tx.skipped & FREE == 0:
            fee -= m.block.base_fee * U256(used)
        paid = pay_coinbase(m, fee, result)
        if paid != VALID:
            return paid
    else:
        result.gas_price = U256(0)
        result.fee = U256(0)
    if m.misses.guesses != 0:  # the coinbase was missing
        return U64(status.MISS)
    if not finalise(m):
        return m.abort
    m.journal.finished = m.journal.count
    m.journal.count = U64(0)
    m.tx.index += 1
    return U64(VALID)


@kernel
def outermost_gas(m: Machine) -> U64:
    return Frame(m.calls.frames).gas


@kernel
def pay_coinbase(m: Machine, fee: U256, result: Result) -> U64:
    """Serially at once; among parallel views the block sums the fees up, since adding commutes."""
    result.fee = fee
    if m.isolation.parallel != 0:
        return U64(VALID)
    coinbase = account(m, m.block.coinbase)
    if address_of(coinbase) == 0 or not set_balance(m, coinbase, coinbase.balance + fee):
        return m.abort
    return U64(VALID)


@kernel
def finalise(m: Machine) -> bool:
    """Remove destructed accounts and those touched and left empty."""
    fork = m.block.fork
    if m.abort != 0 or not has_room(m, m.touched.count * 3):
        return False
    for i in range(m.touched.count):
        a = Account(load64(m.touched.accounts + U64(i) * 8))
        gone = a.destructed == m.stamp
        if fork >= forks.SPURIOUS and a.touched == m.stamp and is_empty(a):
            gone = True
        if gone and a.exists != 0:
            if not may_write_account(m, a):
                return False
            save(m, address_of(a) + BALANCE_OFFSET)
            save(m, address_of(a) + CODE_HASH_OFFSET)
            save(m, address_of(a) + NONCE_OFFSET)
            clear_account(a)
            a.storage_epoch += 1
    return True
