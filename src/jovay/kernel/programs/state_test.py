"""A state test of execution-spec-tests as one pure function: pre-state and transaction in, roots out.

Natively it is the engine of ``jovay evm statetest``; compiled to RISC-V it is the guest of the same command.

Input: ``StateTest``; per account ``PreAccount``, its code padded to 8 bytes, its slots as pairs of words (key, value,
little-endian); then the raw transaction. Output: ``Outcome``.
"""

from ..arenas.allocator import MOST, Allocator, allocate, open_allocator, scratch, unused
from ..arenas.sort import sort_by_key
from ..block.receipts import write_log
from ..evm.process import process_transaction
from ..hashes.keccak import keccak256, keccak256_word
from ..lang import (
    CHECKED,
    U64,
    U256,
    Bytes,
    Ptr,
    Record,
    address_of,
    copy,
    kernel,
    load64,
    load256,
    part,
    store64,
    store256be,
)
from ..machine.commit import commit_view
from ..machine.environment import Block
from ..machine.layout import MachineSizes, new_machine
from ..machine.log import LOG_SIZE, Log
from ..machine.machine import Machine
from ..machine.result import Result
from ..protocol.forks import NEWEST
from ..rlp import header_size, u64_size, u256_size, write_list_header, write_string, write_u64, write_u256
from ..state.code import intern_code
from ..state.layout import WorldSizes, new_world
from ..state.world import BaseAccount, World, account_at, insert_account, insert_slot, slot_at
from ..transaction.decode import decode
from ..transaction.record import TRANSACTION_SIZE, Transaction
from ..transaction.recovery import recover_sender
from ..transaction.signing import SIGNING_OVERHEAD
from ..trie.mpt import mpt_root, mpt_scratch
from .parts import padded


class StateTest(Record):
    """The environment (``hashes_known`` and ``hashes`` in it do not count) and what the rest of the input holds."""

    block: Bytes(Block.size)
    account_count: U64
    transaction_size: U64
    scale: U64  # arena sizes: 0 small (RISC-V), 1 large


class PreAccount(Record):
    address: U256
    balance: U256
    nonce: U64
    code_size: U64
    slot_count: U64


class Outcome(Record):
    status: U64  # 0: executed; else why the transaction is invalid or could not be run
    stage: U64  # 0 execution, 1 decoding, 2 sender recovery, 3 arenas
    gas_used: U64
    success: U64
    state_root: Bytes(32)
    logs_hash: Bytes(32)


STATE_TEST_SIZE, PRE_ACCOUNT_SIZE, RESULT_SIZE = StateTest.size, PreAccount.size, Result.size
BLOCK_SIZE = Block.size
#: Bytes that an account or slot takes on the way to the state root at most: its record, key, value, leaf and pointers.
ROOT_RECORD = 512
#: What a log's RLP has beside its data.
LOG_OVERHEAD = 192


@kernel
def sizes_for(scale: U64, world: WorldSizes, machine: MachineSizes) -> None:
    """Arena sizes: 0 for a guest, whose addresses have 31 bits, 1 for a host with plenty of address space."""
    big = scale != 0
    world.accounts = U64(4096)
    world.account_index = U64(16384)
    world.slots = U64(1 << 17) if big else U64(16384)
    world.slot_index = U64(1 << 19) if big else U64(65536)
    world.code_bytes = U64(1 << 26) if big else U64(1 << 22)
    world.code_index = U64(16384)
    world.history = U64(0)
    world.changed = U64(1 << 21) if big else U64(1 << 18)
    machine.accounts = U64(1 << 17)
    machine.account_index = U64(1 << 19)
    machine.slots = U64(1 << 21) if big else U64(1_200_000)
    machine.slot_index = U64(1 << 23) if big else U64(1 << 22)
    machine.misses = U64(16)
    machine.journal = U64(1 << 23) if big else U64(1 << 22)
    machine.stack_bytes = U64(34 << 20)
    machine.memory_bytes = U64(1 << 31) if big else U64(1 << 27)
    machine.code_bytes = U64(1 << 28) if big else U64(1 << 27)
    machine.return_bytes = U64(1 << 27) if big else U64(1 << 23)
    machine.logs = U64(1 << 18) if big else U64(1 << 17)
    machine.log_bytes = U64(1 << 27) if big else U64(1 << 26)
    machine.touched = U64(1 << 20) if big else U64(1 << 17)
    machine.scratch = U64(1 << 26) if big else U64(1 << 24)


@kernel
def load_pre_state(world: World, at: Ptr, end: Ptr, count: U64) -> Ptr:
    """Fill the world; the address behind the accounts, 0 if the world is too small or the input ends before."""
    if count > (end - at) // PRE_ACCOUNT_SIZE:
        return U64(0)
    for _ in range(count):
        if end - at < PRE_ACCOUNT_SIZE:
            return U64(0)
        pre = PreAccount(at)
        at += PRE_ACCOUNT_SIZE
        a = insert_account(world, pre.address)
        if address_of(a) == 0 or pre.code_size > MOST or padded(pre.code_size) > end - at:
            return U64(0)
        a.exists = U64(1)
        a.balance = pre.balance
        a.nonce = pre.nonce
        if pre.code_size != 0:
            a.code_hash = keccak256_word(at, pre.code_size)
            a.code = address_of(intern_code(world, at, pre.code_size, a.code_hash))
            if a.code == 0:
                return U64(0)
        at += padded(pre.code_size)
        if pre.slot_count > (end - at) // 64:
            return U64(0)
        for _k in range(pre.slot_count):
            slot = insert_slot(world, a, load256(at))
            if address_of(slot) == 0:
                return U64(0)
            slot.value = load256(at + 32)
            if slot.value != 0:
                a.has_storage = U64(1)
            at += 64
    return at


@kernel
def set_block(m: Machine, allocator: Allocator, block: Block) -> bool:
    """Give ``m`` a copy of a block from the input, without hashes of earlier ones; false if it cannot be one."""
    at = allocate(allocator, U64(BLOCK_SIZE))
    if at == 0 or block.fork > NEWEST:  # tables of prices have no entry for it
        return False
    copy(at, address_of(block), U64(BLOCK_SIZE))
    m.block = Block(at)
    m.block.hashes_known = U64(0)
    return True


@kernel
def chain_slots(world: World) -> None:
    """Chain the slots that are not 0 from their account's ``first_user``; links are positions + 1."""
    for i in range(world.account_count):
        account_at(world, U64(i)).first_user = U64(0)
    for i in range(world.slot_count):
        slot = slot_at(world, U64(i))
        a = slot.account
        if slot.value != 0 and slot.storage_epoch == a.storage_epoch:
            slot.first_user = a.first_user
            a.first_user = U64(i) + 1


@kernel
def storage_root(world: World, a: BaseAccount, at: Ptr, out: Ptr) -> Ptr:
    """Keccak MPT root of the slots chained from ``a.first_user``; answers the address behind what it used."""
    n, position, start = U64(0), a.first_user, at
    while position != 0:
        slot = slot_at(world, position - 1)
        position = slot.first_user
        store256be(at + 32, slot.key)
        keccak256(at + 32, U64(32), at)
        end = write_u256(at + 40, slot.value)
        store64(at + 32, end - at - 40)
        at += 80
        n += 1
    return sorted_root(n, start, U64(80), out, at)


@kernel
def sorted_root(n: U64, records: Ptr, stride: U64, out: Ptr, at: Ptr) -> Ptr:
    """Root of ``n`` records: a 32-byte key, the value's size, the value. Answers the address behind what it used."""
    pointers = at
    keys = pointers + n * 8
    values = keys + n * 32
    scratch = values + n * 16
    total = U64(0)
    for i in range(n):
        store64(pointers + U64(i) * 8, records + U64(i) * stride)
    sort_by_key(n, pointers)
    for i in range(n):
        record = load64(pointers + U64(i) * 8)
        copy(keys + U64(i) * 32, record, U64(32))
        store64(values + U64(i) * 16, record + 40)
        size = load64(record + 32)
        store64(values + U64(i) * 16 + 8, size)
        total += size
    mpt_root(n, keys, U64(32), values, out, scratch)
    return scratch + mpt_scratch(n, total)


@kernel
def state_root(world: World, at: Ptr, out: Ptr) -> None:
    """Keccak MPT root of the whole world; ``at`` is free memory."""
    chain_slots(world)
    n, records = U64(0), at
    at += world.account_count * 160
    for i in range(world.account_count):
        a = account_at(world, U64(i))
        if a.exists != 0:
            write_account(world, a, records + n * 160, at)
            n += 1
    sorted_root(n, records, U64(160), out, at)


@kernel
def write_account(world: World, a: BaseAccount, record: Ptr, at: Ptr) -> None:
    """The record of one account: hashed address, size and RLP [nonce, balance, storage root, code hash]."""
    store256be(at, a.address << 96)
    keccak256(at, U64(20), record)
    store256be(at + 32, a.code_hash)
    storage_root(world, a, at + 64, at)
    payload = u64_size(a.nonce) + u256_size(a.balance) + 66
    p = write_list_header(record + 40, payload)
    p = write_u256(write_u64(p, a.nonce), a.balance)
    p = write_string(write_string(p, at, U64(32)), at + 32, U64(32))
    store64(record + 32, p - record - 40)


@kernel
def logs_hash(m: Machine, first: U64, count: U64, at: Ptr, out: Ptr) -> None:
    """Keccak-256 of the RLP of the logs."""
    body = at + 16
    p = body
    for i in range(count):
        p = write_log(Log(m.logs.records + (first + U64(i)) * LOG_SIZE), p)
    size = p - body
    start = body - header_size(size)
    write_list_header(start, size)
    keccak256(start, p - start, out)


@kernel
def roots_scratch(world: World, m: Machine) -> U64:
    """What ``state_root`` takes at most, and ``logs_hash`` at another time: both are bounded by arenas."""
    records = (world.account_count + world.slot_count) * ROOT_RECORD + 2 * mpt_scratch(U64(0), U64(0))
    logs = m.logs.data_used + m.logs.count * LOG_OVERHEAD
    return (records if records > logs else logs) + 256


@kernel
def fail(out: Outcome, status: U64, stage: U64) -> U64:
    out.status, out.stage = status, stage
    return U64(1)


@kernel
def run_state_test(input: Ptr, size: U64, output: Ptr, arena: Ptr, arena_size: U64) -> U64:
    """The whole test; ``arena`` is zeroed memory, 64-byte aligned, large enough for ``sizes_for(scale)``."""
    test, out = StateTest(input), Outcome(output)
    if size < STATE_TEST_SIZE or size > MOST or arena_size < 1024:
        return fail(out, U64(1), U64(3))
    part(arena, U64(1024), "head")
    allocator = open_allocator(arena, arena, arena_size)
    allocate(allocator, U64(1024))
    world_sizes, machine_sizes = WorldSizes(arena + 256), MachineSizes(arena + 512)
    sizes_for(test.scale, world_sizes, machine_sizes)
    world = new_world(allocator, world_sizes, U64(1))
    if address_of(world) == 0:
        return fail(out, U64(1), U64(3))
    world.complete = U64(1)
    world.height = U64(1)
    m = new_machine(allocator, machine_sizes, world, U64(2))
    if address_of(m) == 0 or not set_block(m, allocator, Block(test.block)):
        return fail(out, U64(1), U64(3))
    end = input + size
    raw = load_pre_state(world, input + STATE_TEST_SIZE, end, test.account_count)
    if raw == 0 or test.transaction_size > end - raw:
        return fail(out, U64(1), U64(3))
    tx, result = (
        Transaction(allocate(allocator, U64(TRANSACTION_SIZE))),
        Result(allocate(allocator, U64(RESULT_SIZE))),
    )
    if address_of(tx) == 0 or address_of(result) == 0:
        return fail(out, U64(1), U64(3))
    how = execute(m, raw, test.transaction_size, tx, result, out)
    if how != 0 or roots_scratch(world, m) > unused(allocator):
        return fail(out, U64(1), U64(3))
    if CHECKED:
        scratch(allocator, roots_scratch(world, m))
    state_root(world, allocator.free, out.state_root)
    logs_hash(m, result.first_log, result.log_count, allocator.free, out.logs_hash)
    return U64(0)


@kernel
def execute(m: Machine, raw: Ptr, size: U64, tx: Transaction, result: Result, out: Outcome) -> U64:
    """Decode, recover the sender, execute and commit; how it went is in ``out``. 1 where the world is too small."""
    result.first_log, result.log_count = U64(0), U64(0)
    if size + SIGNING_OVERHEAD > m.scratch.capacity:
        return U64(1)
    out.stage = U64(1)
    out.status = decode(raw, size, tx, m.scratch.start)
    if out.status == 0:
        out.stage = U64(2)
        out.status = recover_sender(tx, m.scratch.start)
    if out.status == 0:
        out.stage = U64(0)
        out.status = process_transaction(m, tx, m.block.gas_limit, result)
    if out.status != 0:
        result.log_count = U64(0)
        return U64(0)
    out.gas_used = result.gas_used
    out.success = result.status
    return commit_view(m)
