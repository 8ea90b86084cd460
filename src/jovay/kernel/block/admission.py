"""What the pool asks of a decoded transaction: the static rules, and the sender's account as it is now."""

from ..evm.frames import delegate_of
from ..evm.process import word_of_address
from ..evm.validity import (
    INSUFFICIENT_FUNDS,
    NONCE_TOO_LOW,
    SENDER_NOT_EOA,
    VALID,
    check_static,
    wide_product,
)
from ..lang import U64, U256, Ptr, Record, address_of, kernel, load32, load64
from ..machine import status
from ..machine.environment import Block
from ..protocol.gas import GAS_PER_BLOB
from ..state.world import EMPTY_CODE_HASH, Code, World, account_at, find_account, hash_word
from ..transaction.record import L1_MESSAGE, TRANSACTION_SIZE, Transaction


class Admission(Record):
    """The pool's view of one transaction. ``cost`` is the most it can take from the sender (all ones: too much)."""

    status: U64
    nonce: U64  # of the sender's account
    balance: U256
    cost: U256
    spent: U256  # the most that the sender's ready transactions cost
    tip: U256  # wei per gas above the base fee; of one refused for that, the least that would have done
    delegated: U64  # the sender's account runs code (EIP-7702)


ADMISSION_SIZE = Admission.size


@kernel
def admit_batch(world: World, block: Block, n: U64, records: Ptr, statuses: Ptr, out: Ptr) -> U64:
    """Judge the decoded transactions with status 0; the others keep their status. Answers how many senders are missing.

    A missing sender's status is MISS: load the account and call again (judged ones are judged anew).
    """
    warm(world, n, records, out)
    missing = U64(0)
    for i in range(n):
        verdict = Admission(out + U64(i) * ADMISSION_SIZE)
        verdict.status = load64(statuses + U64(i) * 8)
        verdict.delegated = U64(0)
        if verdict.status == 0:
            tx = Transaction(records + U64(i) * TRANSACTION_SIZE)
            verdict.status = admit(world, block, tx, verdict)
            missing += U64(verdict.status == status.MISS)
    return missing


@kernel(inline=False)
def warm(world: World, n: U64, records: Ptr, out: Ptr) -> None:
    """Bring the senders' accounts into the cache: look-ups that do not wait for each other. Scribbles in ``out``."""
    for i in range(n):
        tx = Transaction(records + U64(i) * TRANSACTION_SIZE)
        at = hash_word(world.seed, word_of_address(tx.sender)) & world.account_mask
        Admission(out + U64(i) * ADMISSION_SIZE).nonce = U64(load32(world.account_index + at * 4))
    for i in range(n):
        verdict = Admission(out + U64(i) * ADMISSION_SIZE)
        if verdict.nonce != 0:
            account = account_at(world, verdict.nonce - 1)
            verdict.delegated = account.nonce + U64(account.address)
        verdict.nonce = U64(0)


@kernel
def admit(world: World, block: Block, tx: Transaction, verdict: Admission) -> U64:
    verdict.nonce = U64(0)
    verdict.balance = U256(0)
    verdict.spent = U256(0)
    how = check_static(tx, block, U64(0))
    if how != VALID:
        return how
    account = find_account(world, word_of_address(tx.sender))
    verdict.cost = most_it_costs(block, tx)
    verdict.tip = tip_of(block, tx)
    if address_of(account) == 0:
        return U64(status.MISS)
    verdict.nonce = account.nonce
    verdict.balance = account.balance
    verdict.delegated = U64(account.code_hash != EMPTY_CODE_HASH)
    if tx.kind == L1_MESSAGE:
        return U64(VALID)
    if account.code != 0 and delegate_of(Code(account.code)) == 0:
        return U64(SENDER_NOT_EOA)
    if tx.nonce < account.nonce:
        return U64(NONCE_TOO_LOW)
    return U64(VALID) if verdict.cost <= account.balance else U64(INSUFFICIENT_FUNDS)


@kernel
def tip_of(block: Block, tx: Transaction) -> U256:
    """What a transaction pays above the base fee, wei per gas."""
    above = tx.max_fee - block.base_fee if tx.max_fee > block.base_fee else U256(0)
    return above if above < tx.max_priority_fee else tx.max_priority_fee


@kernel
def most_it_costs(block: Block, tx: Transaction) -> U256:
    """Value, gas and blobs at their caps, and the L1 data fee; all ones where the sum does not fit."""
    ceiling = ~U256(0)
    total = wide_product(tx.max_fee, tx.gas_limit)
    blobs = wide_product(tx.max_blob_fee, tx.blob_count * GAS_PER_BLOB)
    data = wide_product(block.l1_fee_per_byte, tx.raw_size)
    if total == ceiling or blobs == ceiling or data == ceiling:
        return ceiling
    more = total + blobs + data
    if more < total or more + tx.value < more:
        return ceiling
    return more + tx.value
