"""Transactions over a given pre-state, one after the other in one view, with everything that came of them as output.

It is the entry of differential tests: what a state test reduces to two roots is written out in full.

Input: ``Replay``; the pre-state as in ``state_test``; per transaction its size (8 bytes) and its raw bytes padded to 8.
Output: per transaction ``Executed``, its output padded to 8, its logs as ``ReplayLog`` with data padded to 8; then the
number of accounts (8 bytes) and per account ``PostAccount`` with its slots as pairs of words (key, value).
"""

from ..arenas.allocator import MOST, allocate, open_allocator
from ..evm.process import process_transaction
from ..lang import (
    U64,
    U256,
    Bytes,
    Ptr,
    Record,
    address_of,
    copy,
    fill,
    kernel,
    load64,
    part,
    store64,
    store256,
)
from ..machine.commit import commit_view
from ..machine.environment import Block
from ..machine.layout import MachineSizes, new_machine
from ..machine.log import LOG_SIZE, Log
from ..machine.machine import Machine
from ..machine.result import Result
from ..machine.view import reset_view
from ..state.layout import WorldSizes, new_world
from ..state.world import BaseAccount, World, account_at, slot_at
from ..transaction.decode import decode
from ..transaction.record import TRANSACTION_SIZE, Transaction
from ..transaction.recovery import recover_sender
from ..transaction.signing import SIGNING_OVERHEAD
from .parts import padded
from .state_test import RESULT_SIZE, chain_slots, load_pre_state, set_block, sizes_for

#: A ``scale``: the arenas have the sizes that stand in the input.
OWN_SIZES = 2


class Replay(Record):
    """``commit_each`` 1: every transaction sees the world through a fresh view, as if in a block of its own."""

    block: Bytes(Block.size)
    account_count: U64
    transaction_count: U64
    commit_each: U64
    scale: U64  # of the arenas, as in ``state_test``, or ``OWN_SIZES``
    output_capacity: U64
    hashes_known: U64
    hashes: Bytes(8192)  # of earlier blocks, as in ``Block``
    world_sizes: Bytes(WorldSizes.size)  # for ``OWN_SIZES``
    machine_sizes: Bytes(MachineSizes.size)


class Executed(Record):
    """``status`` 0: executed; else why not, at ``stage``: 0 execution, 1 decoding, 2 sender recovery."""

    status: U64
    stage: U64
    success: U64
    how: U64
    gas_used: U64
    gas_refunded: U64
    created: U256
    output_size: U64
    log_count: U64


class ReplayLog(Record):
    address: U256
    topic_count: U64
    data_size: U64
    topics: Bytes(128)


class PostAccount(Record):
    address: U256
    balance: U256
    nonce: U64
    code_hash: U256
    slot_count: U64


REPLAY_SIZE, EXECUTED_SIZE, REPLAY_LOG_SIZE, POST_SIZE = (
    Replay.size,
    Executed.size,
    ReplayLog.size,
    PostAccount.size,
)


@kernel
def run_one(
    m: Machine, raw: Ptr, size: U64, tx: Transaction, result: Result, gas_left: U64, out: Executed
) -> None:
    """Decode, recover the sender and execute."""
    result.first_log = m.logs.count
    result.log_count = U64(0)
    result.output_size = U64(0)
    result.gas_used = U64(0)
    fill(address_of(out), U64(0), U64(EXECUTED_SIZE))
    out.stage = U64(1)
    out.status = decode(raw, size, tx, m.scratch.start)  # the caller has compared the size with the scratch
    if out.status == 0:
        out.stage = U64(2)
        out.status = recover_sender(tx, m.scratch.start)
    if out.status == 0:
        out.stage = U64(0)
        out.status = process_transaction(m, tx, gas_left, result)
    if out.status == 0:
        out.success = result.status
        out.how = result.how
        out.gas_used = result.gas_used
        out.gas_refunded = result.gas_refunded
        out.created = result.created
        out.output_size = result.output_size
        out.log_count = result.log_count


@kernel
def write_executed(m: Machine, result: Result, out: Executed, at: Ptr, end: Ptr) -> Ptr:
    """Output and logs behind ``out``; the address behind them, 0 where there is no room."""
    size = padded(out.output_size)
    if size > end - at:
        return U64(0)
    copy(at, m.returned.data, out.output_size)
    at += size
    for i in range(out.log_count):
        log = Log(m.logs.records + (result.first_log + U64(i)) * LOG_SIZE)
        if padded(log.data_size) + REPLAY_LOG_SIZE > end - at:
            return U64(0)
        entry = ReplayLog(at)
        entry.address = log.address
        entry.topic_count = log.topic_count
        entry.data_size = log.data_size
        copy(entry.topics, log.topics, U64(128))
        copy(at + REPLAY_LOG_SIZE, log.data, log.data_size)
        at += padded(log.data_size) + REPLAY_LOG_SIZE
    return at


@kernel
def write_slots(world: World, a: BaseAccount, post: PostAccount, at: Ptr, end: Ptr) -> Ptr:
    """The slots chained from ``a.first_user``; the address behind them, 0 where there is no room."""
    position, count = a.first_user, U64(0)
    while position != 0:
        slot = slot_at(world, position - 1)
        position = slot.first_user
        if end - at < 64:
            return U64(0)
        store256(at, slot.key)
        store256(at + 32, slot.value)
        at += 64
        count += 1
    post.slot_count = count
    return at


@kernel
def write_world(world: World, at: Ptr, end: Ptr) -> Ptr:
    """All accounts that exist; the address behind them, 0 where there is no room."""
    chain_slots(world)
    if end - at < 8:
        return U64(0)
    head, count = at, U64(0)
    at += 8
    for i in range(world.account_count):
        a = account_at(world, U64(i))
        if a.exists != 0:
            if end - at < POST_SIZE:
                return U64(0)
            post = PostAccount(at)
            post.address, post.balance, post.nonce, post.code_hash = (
                a.address,
                a.balance,
                a.nonce,
                a.code_hash,
            )
            count += 1
            at = write_slots(world, a, post, at + POST_SIZE, end)
            if at == 0:
                return U64(0)
    store64(head, count)
    return at


@kernel
def run_transactions(
    m: Machine,
    replay: Replay,
    at: Ptr,
    input_end: Ptr,
    tx: Transaction,
    result: Result,
    output: Ptr,
    end: Ptr,
) -> Ptr:
    """Execute the transactions at ``at``; the address behind what was written, 0 where something did not fit."""
    gas_left = m.block.gas_limit
    if replay.transaction_count > (input_end - at) // 8:
        return U64(0)
    for _ in range(replay.transaction_count):
        if input_end - at < 8 or end - output < EXECUTED_SIZE:
            return U64(0)
        size = load64(at)
        if size > input_end - at - 8 or size + SIGNING_OVERHEAD > m.scratch.capacity:
            return U64(0)
        out = Executed(output)
        run_one(m, at + 8, size, tx, result, gas_left, out)
        gas_left -= result.gas_used
        output = write_executed(m, result, out, output + EXECUTED_SIZE, end)
        if output == 0:
            return U64(0)
        if replay.commit_each != 0:
            if commit_view(m) != 0:
                return U64(0)
            m.world.height += 1
            reset_view(m)
        at += padded(size) + 8
        if at > input_end:
            at = input_end
    return output if commit_view(m) == 0 else U64(0)


@kernel
def replay_transactions(input: Ptr, size: U64, output: Ptr, arena: Ptr, arena_size: U64) -> U64:
    """The whole replay in zeroed, 64-byte aligned memory. Bytes of output, or 0 where an arena was too small."""
    if size < REPLAY_SIZE or size > MOST or arena_size < 1024:
        return U64(0)
    replay, end = Replay(input), output + Replay(input).output_capacity
    part(arena, U64(1024), "head")
    allocator = open_allocator(arena, arena, arena_size)
    allocate(allocator, U64(1024))
    world_sizes, machine_sizes = WorldSizes(replay.world_sizes), MachineSizes(replay.machine_sizes)
    if replay.scale != OWN_SIZES:
        world_sizes, machine_sizes = WorldSizes(arena + 256), MachineSizes(arena + 512)
        sizes_for(replay.scale, world_sizes, machine_sizes)
    world = new_world(allocator, world_sizes, U64(1))
    if address_of(world) == 0:
        return U64(0)
    world.complete = U64(1)
    world.height = U64(1)
    m = new_machine(allocator, machine_sizes, world, U64(2))
    if address_of(m) == 0 or not set_block(m, allocator, Block(replay.block)):
        return U64(0)
    m.block.hashes = replay.hashes
    m.block.hashes_known = replay.hashes_known
    tx, result = (
        Transaction(allocate(allocator, U64(TRANSACTION_SIZE))),
        Result(allocate(allocator, U64(RESULT_SIZE))),
    )
    transactions = load_pre_state(world, input + REPLAY_SIZE, input + size, replay.account_count)
    if transactions == 0 or address_of(tx) == 0 or address_of(result) == 0:
        return U64(0)
    at = run_transactions(m, replay, transactions, input + size, tx, result, output, end)
    if at != 0:
        at = write_world(world, at, end)
    return at - output if at != 0 else U64(0)
