"""What the stateless programs share: reading their input, laying out memory, the pre-state, transactions, roots.

Nothing of the input is believed. Claimed values are checked against a multiproof, whose root is that of the state
before; code is hashed here; senders are recovered here; a key that execution needs and the input lacks is an error.

An account has storage only if it has code or a nonce: a genesis with any other is refused, and no execution makes one.
So a witness need not show that the address of a contract to be created has none (EIP-7610). And an account's basic data
say whether there are leaves for its code hash and for the upper half of its balance, so that what is not there need not
be shown to be absent.
"""

from ..arenas.allocator import (
    ALLOCATOR_SIZE,
    Allocator,
    allocate,
    allocate_many,
    open_allocator,
    release,
    scratch,
    unused,
)
from ..block.changes import (
    ACCOUNT_CHANGE_SIZE,
    SLOT_CHANGE_SIZE,
    AccountChange,
    Changes,
    collect_changes,
    load_accounts,
    load_slots,
)
from ..block.receipts import RECEIPT_SIZE, STORED_LOG_SIZE, BlockReceipts, build_receipts, receipts_scratch
from ..block.run import RUN_SIZE, RUN_STRIDE, run_at
from ..block.state_root import (
    LEAVES_PER_ACCOUNT,
    leaves_scratch,
    state_root_scratch,
    update_state,
    write_claimed_leaves,
)
from ..curves.secp256k1 import RECOVERY_SCRATCH, recover_batch
from ..evm.capacities import LISTED_GAS, machine_sizes, power_of_two
from ..evm.process import process_transaction
from ..hashes.keccak import keccak256_word
from ..lang import (
    CHECKED,
    U64,
    U256,
    Bytes,
    Ptr,
    Record,
    address_of,
    kernel,
    load64,
    load256,
    part,
    store64,
)
from ..machine.commit import commit_view
from ..machine.environment import Block
from ..machine.layout import MachineSizes, new_machine
from ..machine.machine import Machine
from ..machine.result import Result
from ..machine.status import ARENA_FULL
from ..machine.view import forget_records
from ..protocol.forks import OSAKA
from ..protocol.gas import LOG, LOG_DATA, PER_EMPTY_ACCOUNT_COST
from ..protocol.limits import TX_MAX_GAS_LIMIT
from ..state.code import code_footprint, find_code, intern_code
from ..state.layout import WorldSizes, new_world
from ..state.world import EMPTY_CODE_HASH, World, mix
from ..transaction.batch import SIGNATURE_SIZE, decode_batch, senders_from_keys, signatures_of
from ..transaction.record import TRANSACTION_SIZE, Transaction
from ..transaction.signing import SIGNING_OVERHEAD
from ..trie.multiproof import partial_scratch, partial_trie
from ..trie.multiproof_writer import OPAQUE_BYTES
from ..trie.node_table import index_leaves, known, leaf_table_size
from ..trie.nodes import BRANCH_SIZE, LEAF_SIZE, MOST_NODES, OPAQUE, Trie, leaf_at, trie_init
from ..trie.zktrie import FOUND, lookup
from .parts import padded
from .verdict import (
    BAD_MULTIPROOF,
    BAD_TRANSACTION,
    FOR_BLOCK,
    FOR_CODE,
    FOR_LEAVES,
    FOR_MACHINE,
    FOR_MULTIPROOF,
    FOR_NODES,
    FOR_RESULTS,
    FOR_STATE,
    FOR_TRANSACTION,
    FOR_WORLD,
    IN_CODE,
    IN_MULTIPROOF,
    IN_STATE,
    INCOMPLETE_TRIE,
    INVALID_TRANSACTION,
    MALFORMED,
    MISSING_CODE,
    MISSING_HASH,
    NO_ROOM,
    OK,
    RECEIPTS_TOO_LARGE,
    TABLES_FULL,
    WRONG_VALUE,
    Verdict,
)

#: Longer inputs are refused, so that no size that is made of the counts in them wraps.
MOST_INPUT = 1 << 40
#: Gas that a block may use here, whatever its limit is, so that execution ends.
MOST_GAS = 1 << 36


class Job(Record):
    """One run of a program: what its input holds of the state, the parts it works with, the memory that is left."""

    out: Ptr
    input: Ptr
    end: Ptr
    root: Ptr  # of the state before: 32 bytes
    account_count: U64
    slot_count: U64
    code_count: U64
    multiproof_size: U64
    transaction_count: U64  # of a block, at most
    input_size: U64
    gas_limit: U64
    fork: U64
    guest: U64  # 1: arenas for 31 bits of addresses
    world: World
    machine: Machine
    trie: Trie
    allocator: Allocator
    runs: Ptr
    transactions: Ptr
    raws: Ptr  # of a block's transactions: where they lie,
    raw_sizes: Ptr  # and how large they are; U64 each
    statuses: Ptr  # what decoding and recovery found
    receipts: Bytes(BlockReceipts.size)
    changes: Bytes(Changes.size)
    allocator_record: Bytes(ALLOCATOR_SIZE)
    world_sizes: Bytes(WorldSizes.size)
    machine_sizes: Bytes(MachineSizes.size)


JOB_SIZE, TRIE_SIZE, BLOCK_SIZE = Job.size, Trie.size, Block.size
#: Gas of the largest transaction, logs and their bytes, that a guest has room for in its 31 bits of addresses. Before
#: Osaka bounds a transaction's gas (EIP-7825), and where blocks log more, a host may prove what a guest cannot.
GUEST_GAS, GUEST_LOGS, GUEST_LOG_BYTES = 1 << 26, 1 << 18, 1 << 25


@kernel
def sizes_for(job: Job, world: WorldSizes, machine: MachineSizes) -> None:
    """Arena sizes: tables for twice what the input names, the rest for what the block's gas can buy.

    The machine's tables are for one transaction: where they are full, what came before goes to the world.
    """
    guest = job.guest != 0
    gas = job.gas_limit if job.gas_limit < MOST_GAS else U64(MOST_GAS)
    one = U64(TX_MAX_GAS_LIMIT) if job.fork >= OSAKA and gas > TX_MAX_GAS_LIMIT else gas
    if guest and one > GUEST_GAS:
        one = U64(GUEST_GAS)
    machine_sizes(one, U64(0), machine)
    machine.misses = U64(16)
    machine.logs, machine.log_bytes = gas // LOG + 1, gas // LOG_DATA
    if guest and machine.logs > GUEST_LOGS:
        machine.logs = U64(GUEST_LOGS)
    if guest and machine.log_bytes > GUEST_LOG_BYTES:
        machine.log_bytes = U64(GUEST_LOG_BYTES)
    world.accounts, world.slots = job.account_count * 2 + 1024, job.slot_count * 2 + 4096
    world.account_index = power_of_two(world.accounts * 2)
    world.slot_index = power_of_two(world.slots * 2)
    # The input's code, and what is founded: a byte for 200 gas, a delegation for 25,000.
    contracts = job.code_count + gas // PER_EMPTY_ACCOUNT_COST + 1
    world.code_bytes = job.input_size // 8 * 9 + contracts * code_footprint(U64(23)) + gas // 160
    world.code_index = power_of_two(contracts * 2 + 2)
    world.history = U64(0)
    # Each commitment lists what changed since the one before: a slot for 4,800 gas at least.
    world.changed = world.accounts + world.slots + gas // LISTED_GAS


@kernel
def fail(job: Job, status: U64, detail: U64, at: U64) -> U64:
    out = Verdict(job.out)
    out.status, out.detail, out.at = status, detail, at
    return status


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
def begin_job(input: Ptr, size: U64, output: Ptr, arena: Ptr, arena_size: U64) -> Job:
    """The job of a program, in an arena of zeroed memory, 64-byte aligned; the null record where it is too small."""
    if arena_size < JOB_SIZE + 64:
        Verdict(output).status = U64(NO_ROOM)
        return Job(U64(0))
    part(arena, U64(JOB_SIZE), "job")
    job = Job(arena)
    job.out = output
    job.allocator = open_allocator(job.allocator_record, arena, arena_size)
    allocate(job.allocator, U64(JOB_SIZE))
    job.input, job.end, job.input_size = input, input + size, size
    return job


@kernel
def check_counts(job: Job) -> bool:
    """Whether the rest of the input can hold as many records as its head says."""
    body = job.end - job.input
    if job.account_count > body // ACCOUNT_CHANGE_SIZE or job.slot_count > body // SLOT_CHANGE_SIZE:
        return False
    return job.code_count <= body // 8 and job.multiproof_size <= body


@kernel
def prepare(job: Job, salt: U64) -> U64:
    """Lay out world, machine, trie and a block's arrays. ``salt`` is nothing that senders can know in advance."""
    allocator = job.allocator
    world_sizes, sizes = WorldSizes(job.world_sizes), MachineSizes(job.machine_sizes)
    sizes_for(job, world_sizes, sizes)
    seed = mix(load64(job.root) ^ salt)
    job.world = new_world(allocator, world_sizes, seed)
    if address_of(job.world) == 0:
        return fail(job, U64(NO_ROOM), U64(0), U64(FOR_WORLD))
    job.machine = new_machine(allocator, sizes, job.world, mix(seed + 1))
    if address_of(job.machine) == 0:
        return fail(job, U64(NO_ROOM), U64(0), U64(FOR_MACHINE))
    return prepare_arrays(job)


@kernel
def prepare_arrays(job: Job) -> U64:
    allocator = job.allocator
    # What the multiproof holds, and three leaves of every account and one of every slot beside that.
    nodes = job.multiproof_size // OPAQUE_BYTES + job.account_count * 6 + job.slot_count * 2 + 64
    block, trie = allocate(allocator, U64(BLOCK_SIZE)), allocate(allocator, U64(TRIE_SIZE))
    branches, leaves = (
        allocate_many(allocator, nodes, U64(BRANCH_SIZE)),
        allocate_many(allocator, nodes, U64(LEAF_SIZE)),
    )
    job.runs = allocate_many(allocator, job.transaction_count, U64(RUN_STRIDE))
    job.transactions = allocate_many(allocator, job.transaction_count, U64(TRANSACTION_SIZE))
    job.raws, job.raw_sizes, job.statuses = (
        allocate_many(allocator, job.transaction_count, U64(8)),
        allocate_many(allocator, job.transaction_count, U64(8)),
        allocate_many(allocator, job.transaction_count, U64(8)),
    )
    if job.raws == 0 or job.raw_sizes == 0 or job.statuses == 0:
        return fail(job, U64(NO_ROOM), job.transaction_count, U64(FOR_BLOCK))
    if block == 0 or trie == 0 or branches == 0 or leaves == 0 or job.runs == 0 or job.transactions == 0:
        return fail(job, U64(NO_ROOM), U64(0), U64(FOR_BLOCK))
    if nodes > MOST_NODES:
        return fail(job, U64(NO_ROOM), nodes, U64(FOR_NODES))
    job.machine.block = Block(block)
    job.trie = Trie(trie)
    trie_init(job.trie, branches, nodes, leaves, nodes)
    return U64(OK)


@kernel
def load_state(job: Job) -> U64:
    """Read accounts, slots and code, and check every value against the multiproof."""
    accounts = read_part(job, job.account_count * ACCOUNT_CHANGE_SIZE)
    slots = read_part(job, job.slot_count * SLOT_CHANGE_SIZE)
    if accounts == 0 or slots == 0:
        return fail(job, U64(MALFORMED), U64(0), U64(IN_STATE))
    for i in range(job.code_count):
        at = read_part(job, U64(8))
        size = load64(at) if at != 0 else U64(0)
        code = read_part(job, size) if at != 0 else U64(0)
        if code == 0:
            return fail(job, U64(MALFORMED), U64(i), U64(IN_CODE))
        if address_of(intern_code(job.world, code, size, keccak256_word(code, size))) == 0:
            return fail(job, U64(TABLES_FULL), U64(i), U64(FOR_CODE))
    proof = read_part(job, job.multiproof_size)
    if proof == 0:
        return fail(job, U64(MALFORMED), U64(0), U64(IN_MULTIPROOF))
    if partial_scratch(job.multiproof_size) > unused(job.allocator):
        return fail(job, U64(NO_ROOM), job.multiproof_size, U64(FOR_MULTIPROOF))
    if CHECKED:
        scratch(job.allocator, partial_scratch(job.multiproof_size))
    status = partial_trie(job.trie, proof, job.multiproof_size, job.root, job.allocator.free)
    if status != 0:
        return fail(job, U64(BAD_MULTIPROOF), status, U64(0))
    how = check_values(job, accounts, slots)
    if how != OK:
        return how
    fits = load_accounts(job.world, accounts, job.account_count, U64(0)) == job.account_count
    if not fits or load_slots(job.world, slots, job.slot_count, U64(0)) != job.slot_count:
        return fail(job, U64(TABLES_FULL), U64(0), U64(FOR_STATE))
    return U64(OK)


@kernel
def check_values(job: Job, accounts: Ptr, slots: Ptr) -> U64:
    """Every claimed leaf is in the trie with its value, or absent where the value is zero."""
    n = job.account_count * LEAVES_PER_ACCOUNT + job.slot_count
    room = leaves_scratch(n) + 32 + leaf_table_size(job.trie)
    if room > unused(job.allocator):
        return fail(job, U64(NO_ROOM), n, U64(FOR_LEAVES))
    if CHECKED:
        scratch(job.allocator, room)
    keys = job.allocator.free
    n = write_claimed_leaves(accounts, job.account_count, slots, job.slot_count, keys)
    values, found = keys + n * 32, keys + leaves_scratch(n)
    leaves = index_leaves(job.trie, found + 32)
    for i in range(n):
        key, claimed = keys + U64(i) * 32, load256(values + U64(i) * 32)
        ref, status, held = known(leaves, key), U64(FOUND), U256(0)
        if ref != OPAQUE:
            held = load256(leaf_at(job.trie, ref).value)
        else:  # is it absent, or not known?
            status = lookup(job.trie, key, found)
            held = load256(found) if status == FOUND else U256(0)
        if status > FOUND or held != claimed:
            return fail(job, U64(WRONG_VALUE), status, U64(i))
    for i in range(job.account_count):
        a = AccountChange(accounts + U64(i) * ACCOUNT_CHANGE_SIZE)
        empty = a.nonce == 0 and a.balance == 0 and a.code_hash == EMPTY_CODE_HASH
        if a.address >> 160 != 0 or a.wiped != 0 or a.kept != 0 or a.exists > 1 or (a.exists == 1) == empty:
            return fail(job, U64(WRONG_VALUE), a.exists, U64(i))
        if (a.code_size == 0) != (
            a.code_hash == EMPTY_CODE_HASH
        ):  # the basic data tell whether there is a hash
            return fail(job, U64(WRONG_VALUE), a.code_size, U64(i))
        if a.code_hash != EMPTY_CODE_HASH:
            code = find_code(job.world, a.code_hash)
            if address_of(code) == 0 or code.size != a.code_size:
                return fail(job, U64(MISSING_CODE), a.code_size, U64(i))
    return U64(OK)


@kernel
def add_transaction(job: Job, index: U64, raw: Ptr, size: U64) -> None:
    """Transaction ``index`` of the block, of which there are as many as ``job.transaction_count``, lies there."""
    store64(job.raws + index * 8, raw)
    store64(job.raw_sizes + index * 8, size)


@kernel
def decode_transactions(job: Job, count: U64) -> U64:
    """Decode the block's ``count`` transactions and recover their senders, all at once: where there are SIMD lanes,
    that is several times faster. What is wrong with one is said when it is run.
    """
    if count == 0:
        return U64(OK)
    allocator, size = job.allocator, count * (48 + SIGNING_OVERHEAD)
    mark = allocator.free
    for i in range(count):
        size += load64(job.raw_sizes + U64(i) * 8)
    payloads, digests, signatures = (
        allocate(allocator, size),
        allocate_many(allocator, count + 2, U64(32)),
        allocate_many(allocator, count + 1, U64(SIGNATURE_SIZE)),
    )
    keys, owners, marks = (
        allocate_many(allocator, count + 1, U64(64)),
        allocate_many(allocator, count, U64(8)),
        allocate(allocator, count + 64),
    )
    room = count * 48 + 64
    work = allocate(allocator, room if room > RECOVERY_SCRATCH else U64(RECOVERY_SCRATCH))
    if (
        payloads == 0
        or digests == 0
        or signatures == 0
        or keys == 0
        or owners == 0
        or marks == 0
        or work == 0
    ):
        return fail(job, U64(NO_ROOM), count, U64(FOR_TRANSACTION))
    decode_batch(count, job.raws, job.raw_sizes, job.transactions, job.statuses, payloads)
    signed = signatures_of(count, job.transactions, job.statuses, digests, signatures, owners)
    if signed != 0:
        recover_batch(signed, digests, signatures, keys, marks, work)
        senders_from_keys(signed, owners, keys, marks, job.transactions, job.statuses, work)
    release(allocator, mark)
    return U64(OK)


@kernel
def run_transaction(job: Job, index: U64, gas_left: U64) -> U64:
    """Execute transaction ``index`` of its block."""
    m = job.machine
    r = run_at(job.runs, index)
    r.result = Result(job.runs + index * RUN_STRIDE + RUN_SIZE)
    r.machine = m
    r.transaction = Transaction(job.transactions + index * TRANSACTION_SIZE)
    how = load64(job.statuses + index * 8)
    if how != 0:
        return fail(job, U64(BAD_TRANSACTION), how, index)
    how = process_transaction(m, r.transaction, gas_left, r.result)
    if how == ARENA_FULL and m.tables.account_count != 0:  # there is room without the records of those before
        if commit_view(m) != 0:
            return fail(job, U64(TABLES_FULL), index, U64(FOR_TRANSACTION))
        forget_records(m)
        how = process_transaction(m, r.transaction, gas_left, r.result)
    if how != 0:
        return fail(job, U64(INVALID_TRANSACTION), how, index)
    if r.result.ancestors > m.block.hashes_known:
        return fail(job, U64(MISSING_HASH), r.result.ancestors, index)
    return U64(OK)


@kernel
def finish_block(job: Job, count: U64) -> U64:
    """Receipts and roots of a block of ``count`` transactions into ``job.receipts``, and its changes into the trie."""
    allocator = job.allocator
    receipts, changes = BlockReceipts(job.receipts), Changes(job.changes)
    n, logs, log_bytes = job.world.changed_count, job.machine.logs.count, job.machine.logs.data_used
    order = allocate_many(allocator, count, U64(8))
    receipts.receipts = allocate_many(allocator, count, U64(RECEIPT_SIZE))
    receipts.logs, receipts.log_data = (
        allocate_many(allocator, logs, U64(STORED_LOG_SIZE)),
        allocate(allocator, log_bytes),
    )
    changes.accounts, changes.slots = (
        allocate_many(allocator, n, U64(ACCOUNT_CHANGE_SIZE)),
        allocate_many(allocator, n, U64(SLOT_CHANGE_SIZE)),
    )
    arrays = order != 0 and receipts.receipts != 0 and receipts.logs != 0 and receipts.log_data != 0
    if not arrays or changes.accounts == 0 or changes.slots == 0:
        return fail(job, U64(NO_ROOM), n, U64(FOR_RESULTS))
    for i in range(count):
        store64(order + U64(i) * 8, U64(i))
    receipts.log_capacity, receipts.log_data_capacity = logs, log_bytes
    receipts.scratch, receipts.scratch_size = allocator.free, unused(allocator)
    if CHECKED:
        scratch(allocator, receipts_scratch(job.runs, order, count))
    if build_receipts(receipts, job.runs, order, count) != 0:
        return fail(job, U64(RECEIPTS_TOO_LARGE), receipts.log_count, U64(0))
    collect_changes(job.world, job.world.height, changes)
    if CHECKED:
        scratch(allocator, state_root_scratch(changes.account_count, changes.slot_count))
    how = update_state(
        job.trie,
        changes.accounts,
        changes.account_count,
        changes.slots,
        changes.slot_count,
        allocator.free,
        unused(allocator),
    )
    if how != 0:
        return fail(job, U64(INCOMPLETE_TRIE), how, U64(0))
    return U64(OK)
