"""One block as a pure function: pre-state witness and block in, post-state root and receipts root out.

It is what the TEE and the zkVM run. Nothing is believed: claimed values are checked against the witness's multiproof,
whose root is the parent's state root; code is hashed here; senders are recovered here; a key that execution needs and
the witness does not hold is an error.

Input: ``Witness``; then, each part padded to 8 bytes: AccountChange records and SlotChange records with the values
before the block; per code its size and bytes; the multiproof; the hashes of up to 256 blocks before this one (oldest
first); per transaction its size and raw bytes. Output: ``Execution``.
"""

from .block.changes import (
    ACCOUNT_CHANGE_SIZE,
    SLOT_CHANGE_SIZE,
    AccountChange,
    Changes,
    collect_changes,
    load_accounts,
    load_slots,
)
from .block.receipts import RECEIPT_SIZE, STORED_LOG_SIZE, BlockReceipts, build_receipts
from .block.run import RUN_SIZE, RUN_STRIDE, run_at
from .block.state_root import state_root_scratch, update_state, write_leaves
from .block.system import begin_block
from .evm.machine import Block, Machine, Result
from .evm.process import process_transaction
from .hashes.keccak import keccak256_word
from .lang import U64, U256, Bytes, Ptr, Record, address_of, copy, kernel, load64, load256, load256be, store64
from .setup import MachineSizes, WorldSizes, aligned, init_machine, init_world
from .state.code import find_code, intern_code
from .state.commit import commit_view
from .state.world import EMPTY_CODE_HASH, World
from .transaction.decode import decode
from .transaction.record import TRANSACTION_SIZE, Transaction
from .transaction.recovery import recover_sender
from .trie.multiproof import partial_trie
from .trie.nodes import BRANCH_SIZE, LEAF_SIZE, Trie, root, trie_init
from .trie.zktrie import FOUND, lookup

OK = 0
BAD_MULTIPROOF = 1
WRONG_VALUE = 2  # a claimed value is not what the trie holds
TABLES_FULL = 3  # or a slot without its account
BAD_TRANSACTION = 4  # does not decode, or its sender cannot be recovered
INVALID_TRANSACTION = 5  # may not be in the block, or needs a key that the witness lacks
RECEIPTS_TOO_LARGE = 6
INCOMPLETE_TRIE = 7  # the new root needs a part of the trie that the witness lacks
MALFORMED = 8
MISSING_CODE = 9


class Witness(Record):
    """The block's environment (pointers in it do not count) and what the rest of the input holds."""

    block: Bytes(Block.size)
    parent_hash: U256
    parent_root: Bytes(32)
    account_count: U64
    slot_count: U64
    code_count: U64
    multiproof_size: U64
    hash_count: U64
    transaction_count: U64
    size: U64  # of the whole input
    scale: U64  # arena sizes: 0 a guest's, 1 a host's


class Execution(Record):
    """What came of it. ``detail`` and ``at`` say more where ``status`` is not OK."""

    status: U64
    detail: U64
    at: U64
    gas_used: U64
    log_count: U64
    state_root: Bytes(32)
    receipts_root: Bytes(32)
    transactions_root: Bytes(32)
    bloom: Bytes(256)


class Job(Record):
    """The parts of one execution, and where free memory begins."""

    witness: Witness
    out: Execution
    world: World
    machine: Machine
    trie: Trie
    free: Ptr
    input: Ptr
    end: Ptr
    runs: Ptr
    receipts: Bytes(BlockReceipts.size)
    changes: Bytes(Changes.size)


WITNESS_SIZE, JOB_SIZE, TRIE_SIZE, BLOCK_SIZE = Witness.size, Job.size, Trie.size, Block.size
LOG_RECORDS, LOG_BYTES = 1 << 16, 1 << 24


@kernel(inline=True)
def padded(size: U64) -> U64:
    return (size + 7) & ~U64(7)


@kernel
def sizes_for(scale: U64, accounts: U64, slots: U64, world: WorldSizes, machine: MachineSizes) -> None:
    """Arena sizes: tables for twice what the witness names, execution arenas by scale."""
    big = scale != 0
    n, k = accounts * 2 + 1024, slots * 2 + 4096
    world.accounts = n
    world.account_index = power_of_two(n * 2)
    world.slots = k
    world.slot_index = power_of_two(k * 2)
    world.code_bytes = U64(1 << 26) if big else U64(1 << 22)
    world.code_index = U64(1 << 14)
    world.history = U64(0)
    world.changed = n + k
    machine.accounts = n * 2
    machine.account_index = power_of_two(n * 4 + 2)
    machine.slots = k * 2
    machine.slot_index = power_of_two(k * 4 + 2)
    machine.misses = U64(16)
    machine.journal = U64(1 << 20) if big else U64(1 << 16)
    machine.stack_bytes = U64(34 << 20)
    machine.memory_bytes = U64(1 << 27) if big else U64(1 << 24)
    machine.code_bytes = U64(1 << 27) if big else U64(1 << 24)
    machine.return_bytes = U64(1 << 27) if big else U64(1 << 23)
    machine.logs = U64(LOG_RECORDS)
    machine.log_bytes = U64(LOG_BYTES)
    machine.touched = U64(1 << 18) if big else U64(1 << 14)
    machine.scratch = U64(1 << 26) if big else U64(1 << 23)


@kernel
def power_of_two(least: U64) -> U64:
    size = U64(16)
    while size < least:
        size = size << 1
    return size


@kernel
def fail(job: Job, status: U64, detail: U64, at: U64) -> U64:
    out = job.out
    out.status, out.detail, out.at = status, detail, at
    return status


@kernel
def take(job: Job, size: U64) -> Ptr:
    """Memory of ``size`` bytes, 64-byte aligned."""
    at = job.free
    job.free = at + aligned(size)
    return at


@kernel
def read_part(job: Job, size: U64) -> Ptr:
    """The next ``size`` bytes of the input; 0 if it ends before."""
    at = job.input
    if size > job.end - at:
        return U64(0)
    job.input = at + padded(size)
    if job.input > job.end:
        job.input = job.end
    return at


@kernel
def execute_block(input: Ptr, size: U64, output: Ptr, arena: Ptr) -> U64:
    """The whole function; ``arena`` is zeroed memory, 64-byte aligned. Answers ``Execution.status``."""
    job = Job(arena)
    job.witness, job.out = Witness(input), Execution(output)
    job.free = arena + aligned(U64(JOB_SIZE))
    job.input, job.end = input + WITNESS_SIZE, input + size
    w = job.witness
    if size < WITNESS_SIZE or w.size != size:
        return fail(job, U64(MALFORMED), size, U64(0))
    if w.account_count > size or w.slot_count > size or w.transaction_count > size or w.hash_count > 256:
        return fail(job, U64(MALFORMED), size, U64(1))
    prepare(job)
    how = load_state(job)
    if how == OK:
        how = run_transactions(job)
    if how == OK:
        how = finish(job)
    return how


@kernel
def prepare(job: Job) -> None:
    """Lay out world, machine, trie and the block's arrays."""
    w = job.witness
    world_sizes, machine_sizes = WorldSizes(take(job, U64(256))), MachineSizes(take(job, U64(256)))
    sizes_for(w.scale, w.account_count, w.slot_count, world_sizes, machine_sizes)
    job.world = World(job.free)
    job.free = init_world(job.free, world_sizes, U64(1))
    job.world.height = U64(0)
    job.machine = Machine(job.free)
    job.free = init_machine(job.free, machine_sizes, job.world, U64(2))
    job.machine.block = Block(take(job, U64(BLOCK_SIZE)))  # a copy: the input is read-only
    copy(address_of(job.machine.block), w.block, U64(BLOCK_SIZE))
    job.trie = Trie(take(job, U64(TRIE_SIZE)))
    nodes = w.multiproof_size // 33 + w.account_count * 6 + w.slot_count * 2 + 64
    branches, leaves = take(job, nodes * BRANCH_SIZE), take(job, nodes * LEAF_SIZE)
    trie_init(job.trie, branches, nodes, leaves, nodes)
    job.runs = take(job, w.transaction_count * (RUN_STRIDE + TRANSACTION_SIZE + 64) + 64)


@kernel
def load_state(job: Job) -> U64:
    """Read accounts, slots and code, and check every value against the multiproof."""
    w = job.witness
    accounts = read_part(job, w.account_count * ACCOUNT_CHANGE_SIZE)
    slots = read_part(job, w.slot_count * SLOT_CHANGE_SIZE)
    if accounts == 0 or slots == 0:
        return fail(job, U64(MALFORMED), U64(0), U64(2))
    for i in range(w.code_count):
        at = read_part(job, U64(8))
        size = load64(at) if at != 0 else U64(0)
        code = read_part(job, size) if at != 0 else U64(0)
        if code == 0:
            return fail(job, U64(MALFORMED), U64(i), U64(3))
        if address_of(intern_code(job.world, code, size, keccak256_word(code, size))) == 0:
            return fail(job, U64(TABLES_FULL), U64(i), U64(0))
    proof = read_part(job, w.multiproof_size)
    if proof == 0:
        return fail(job, U64(MALFORMED), U64(0), U64(4))
    scratch = job.free
    status = partial_trie(job.trie, proof, w.multiproof_size, w.parent_root, scratch)
    if status != 0:
        return fail(job, U64(BAD_MULTIPROOF), status, U64(0))
    how = check_values(job, accounts, slots)
    if how != OK:
        return how
    fits = load_accounts(job.world, accounts, w.account_count, U64(0)) == w.account_count
    if not fits or load_slots(job.world, slots, w.slot_count, U64(0)) != w.slot_count:
        return fail(job, U64(TABLES_FULL), U64(0), U64(1))
    return U64(OK)


@kernel
def check_values(job: Job, accounts: Ptr, slots: Ptr) -> U64:
    """Every claimed leaf is in the trie with its value, or absent where the value is zero."""
    w = job.witness
    n = write_leaves(accounts, w.account_count, slots, w.slot_count, job.free)
    values = job.free + n * 32
    found = values + n * 96
    for i in range(n):
        claimed = load256(values + U64(i) * 32)
        status = lookup(job.trie, job.free + U64(i) * 32, found)
        held = load256(found) if status == FOUND else U256(0)
        if status > FOUND or held != claimed:
            return fail(job, U64(WRONG_VALUE), status, U64(i))
    for i in range(w.account_count):
        a = AccountChange(accounts + U64(i) * ACCOUNT_CHANGE_SIZE)
        empty = a.nonce == 0 and a.balance == 0 and a.code_hash == EMPTY_CODE_HASH
        if a.address >> 160 != 0 or a.wiped != 0 or a.exists > 1 or (a.exists == 1) == empty:
            return fail(job, U64(WRONG_VALUE), a.exists, U64(i))
        if a.code_hash != EMPTY_CODE_HASH:
            code = find_code(job.world, a.code_hash)
            if address_of(code) == 0 or code.size != a.code_size:
                return fail(job, U64(MISSING_CODE), a.code_size, U64(i))
    return U64(OK)


@kernel
def run_transactions(job: Job) -> U64:
    """The system writes, then every transaction in order."""
    w, m = job.witness, job.machine
    block = m.block
    block.hashes = take(job, U64(256 * 32))
    for k in range(w.hash_count):
        at = read_part(job, U64(32))
        if at == 0:
            return fail(job, U64(MALFORMED), U64(k), U64(5))
        number = block.number - w.hash_count + U64(k)
        copy(block.hashes + (number & 255) * 32, at, U64(32))
    block.hashes_known = w.hash_count
    if w.hash_count != 0 and load256be(block.hashes + ((block.number - 1) & 255) * 32) != w.parent_hash:
        return fail(job, U64(MALFORMED), U64(0), U64(6))
    job.world.height = U64(1)
    how = begin_block(m, w.parent_hash, U256(0))
    if how != 0:
        return fail(job, U64(INVALID_TRANSACTION), how, w.transaction_count)
    gas_left = block.gas_limit
    for i in range(w.transaction_count):
        how = run_transaction(job, U64(i), gas_left)
        if how != OK:
            return how
        gas_left -= run_at(job.runs, U64(i)).result.gas_used
    if commit_view(m) != 0:
        return fail(job, U64(TABLES_FULL), U64(0), U64(2))
    return U64(OK)


@kernel
def run_transaction(job: Job, index: U64, gas_left: U64) -> U64:
    w, m = job.witness, job.machine
    r = run_at(job.runs, index)
    r.result = Result(job.runs + index * RUN_STRIDE + RUN_SIZE)
    r.machine = m
    r.transaction = Transaction(job.runs + w.transaction_count * RUN_STRIDE + index * TRANSACTION_SIZE)
    at = read_part(job, U64(8))
    size = load64(at) if at != 0 else U64(0)
    raw = read_part(job, size) if at != 0 else U64(0)
    if raw == 0:
        return fail(job, U64(MALFORMED), index, U64(7))
    how = decode(raw, size, r.transaction, m.scratch)
    if how == 0:
        how = recover_sender(r.transaction, m.scratch)
    if how != 0:
        return fail(job, U64(BAD_TRANSACTION), how, index)
    how = process_transaction(m, r.transaction, gas_left, r.result)
    if how != 0:
        return fail(job, U64(INVALID_TRANSACTION), how, index)
    return U64(OK)


@kernel
def finish(job: Job) -> U64:
    """Roots over transactions, receipts and the new state."""
    w, out = job.witness, job.out
    order = take(job, w.transaction_count * 8)
    for i in range(w.transaction_count):
        store64(order + U64(i) * 8, U64(i))
    receipts = BlockReceipts(job.receipts)
    receipts.receipts = take(job, w.transaction_count * RECEIPT_SIZE)
    receipts.log_capacity, receipts.log_data_capacity = U64(LOG_RECORDS), U64(LOG_BYTES)
    receipts.logs, receipts.log_data = (
        take(job, U64(LOG_RECORDS * STORED_LOG_SIZE)),
        take(job, U64(LOG_BYTES)),
    )
    receipts.scratch, receipts.scratch_size = job.free, U64(1 << 40)
    if build_receipts(receipts, job.runs, order, w.transaction_count) != 0:
        return fail(job, U64(RECEIPTS_TOO_LARGE), receipts.log_count, U64(0))
    changes = Changes(job.changes)
    n = job.world.changed_count
    changes.accounts, changes.slots = take(job, n * ACCOUNT_CHANGE_SIZE), take(job, n * SLOT_CHANGE_SIZE)
    collect_changes(job.world, U64(1), changes)
    size = state_root_scratch(changes.account_count, changes.slot_count)
    how = update_state(
        job.trie,
        changes.accounts,
        changes.account_count,
        changes.slots,
        changes.slot_count,
        job.free,
        size,
    )
    if how != 0:
        return fail(job, U64(INCOMPLETE_TRIE), how, U64(0))
    root(job.trie, out.state_root)
    copy(out.receipts_root, receipts.receipts_root, U64(32))
    copy(out.transactions_root, receipts.transactions_root, U64(32))
    copy(out.bloom, receipts.bloom, U64(256))
    out.gas_used, out.log_count = receipts.gas_used, receipts.log_count
    out.status = U64(OK)
    return U64(OK)
