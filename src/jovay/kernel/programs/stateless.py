"""One block as a pure function: pre-state witness and block in, post-state root and receipts root out.

It is what the TEE and the zkVM run. Nothing is believed: claimed values are checked against the witness's multiproof,
whose root is the parent's state root; code is hashed here; senders are recovered here; a key that execution needs and
the witness does not hold is an error.

Input: ``Witness``; then, each part padded to 8 bytes: AccountChange records and SlotChange records with the values
before the block; per code its size and bytes; the multiproof; the hashes of up to 256 blocks before this one (oldest
first); per transaction its size and raw bytes; nothing else. Output: ``Execution``. Its ``inputs`` binds what the
result is about and no witness can show: whoever relies on the result compares it with the block's header and chain.

An account has storage only if it has code or a nonce: a genesis with any other is refused, and no execution makes one.
So a witness need not show that the address of a contract to be created has none (EIP-7610).
"""

from ..arenas.allocator import (
    ALLOCATOR_SIZE,
    Allocator,
    allocate,
    allocate_many,
    open_allocator,
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
    write_leaves,
)
from ..block.system import begin_block
from ..evm.capacities import LISTED_GAS, machine_sizes, power_of_two
from ..evm.process import process_transaction
from ..evm.validity import BLOCK_GAS_EXHAUSTED
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
    fill,
    kernel,
    load64,
    load256,
    load256be,
    part,
    store64,
    store256be,
)
from ..machine.commit import commit_view
from ..machine.environment import Block
from ..machine.layout import MachineSizes, new_machine
from ..machine.machine import Machine
from ..machine.result import Result
from ..machine.status import ARENA_FULL
from ..machine.view import forget_records
from ..protocol.forks import CANCUN, OSAKA
from ..protocol.gas import AUTHORIZATION, LOG, LOG_BYTE, TX_GAS_LIMIT_CAP
from ..state.code import code_footprint, find_code, intern_code
from ..state.layout import WorldSizes, new_world
from ..state.world import EMPTY_CODE_HASH, World, mix
from ..transaction.decode import decode
from ..transaction.record import TRANSACTION_SIZE, Transaction
from ..transaction.recovery import recover_sender
from ..transaction.signing import SIGNING_OVERHEAD
from ..trie.multiproof import OPAQUE_BYTES, partial_scratch, partial_trie
from ..trie.nodes import BRANCH_SIZE, LEAF_SIZE, MOST_NODES, Trie, root, trie_init
from ..trie.zktrie import FOUND, lookup

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
NO_ROOM = 10  # the arena is too small for the input

#: Longer inputs are refused, so that no size that is made of the counts in them wraps.
MOST_INPUT = 1 << 40
#: Gas that a block may use here, whatever its limit is, so that execution ends.
MOST_GAS = 1 << 36


class Witness(Record):
    """The block's environment (``hashes`` and ``hashes_known`` do not count) and what the rest of the input holds."""

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
    """What came of it. ``detail`` and ``at`` say more where ``status`` is not OK; the rest is zero then."""

    status: U64
    detail: U64
    at: U64
    gas_used: U64
    log_count: U64
    state_root: Bytes(32)
    receipts_root: Bytes(32)
    transactions_root: Bytes(32)
    bloom: Bytes(256)
    inputs: Bytes(32)  # Keccak-256 of environment, parent hash and root, and the hashes of the blocks before


class Job(Record):
    """The parts of one execution, and the memory that is left for it."""

    witness: Witness
    out: Execution
    world: World
    machine: Machine
    trie: Trie
    allocator: Allocator
    input: Ptr
    end: Ptr
    runs: Ptr
    transactions: Ptr
    receipts: Bytes(BlockReceipts.size)
    changes: Bytes(Changes.size)
    allocator_record: Bytes(ALLOCATOR_SIZE)
    world_sizes: Bytes(WorldSizes.size)
    machine_sizes: Bytes(MachineSizes.size)


WITNESS_SIZE, JOB_SIZE, TRIE_SIZE, BLOCK_SIZE = Witness.size, Job.size, Trie.size, Block.size
EXECUTION_SIZE = Execution.size
#: Gas of the largest transaction, logs and their bytes, that a guest has room for in its 31 bits of addresses. Before
#: Osaka bounds a transaction's gas (EIP-7825), and where blocks log more, a host may prove what a guest cannot.
GUEST_GAS, GUEST_LOGS, GUEST_LOG_BYTES = 1 << 26, 1 << 18, 1 << 25


@kernel(inline=True)
def padded(size: U64) -> U64:
    return (size + 7) & ~U64(7)


@kernel
def sizes_for(w: Witness, world: WorldSizes, machine: MachineSizes) -> None:
    """Arena sizes: tables for twice what the witness names, the rest for what the block's gas can buy.

    The machine's tables are for one transaction: where they are full, what came before goes to the world.
    """
    block, guest = Block(w.block), w.scale == 0
    gas = block.gas_limit if block.gas_limit < MOST_GAS else U64(MOST_GAS)
    one = U64(TX_GAS_LIMIT_CAP) if block.fork >= OSAKA and gas > TX_GAS_LIMIT_CAP else gas
    if guest and one > GUEST_GAS:
        one = U64(GUEST_GAS)
    machine_sizes(one, U64(0), machine)
    machine.misses = U64(16)
    machine.logs, machine.log_bytes = gas // LOG + 1, gas // LOG_BYTE
    if guest and machine.logs > GUEST_LOGS:
        machine.logs = U64(GUEST_LOGS)
    if guest and machine.log_bytes > GUEST_LOG_BYTES:
        machine.log_bytes = U64(GUEST_LOG_BYTES)
    world.accounts, world.slots = w.account_count * 2 + 1024, w.slot_count * 2 + 4096
    world.account_index = power_of_two(world.accounts * 2)
    world.slot_index = power_of_two(world.slots * 2)
    # The witness's code, and what is founded: a byte for 200 gas, a delegation for 25,000.
    contracts = w.code_count + gas // AUTHORIZATION + 1
    world.code_bytes = w.size // 8 * 9 + contracts * code_footprint(U64(23)) + gas // 160
    world.code_index = power_of_two(contracts * 2 + 2)
    world.history = U64(0)
    # Each commitment lists what changed since the one before: a slot for 4,800 gas at least.
    world.changed = world.accounts + world.slots + gas // LISTED_GAS


@kernel
def fail(job: Job, status: U64, detail: U64, at: U64) -> U64:
    out = job.out
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
def execute_block(input: Ptr, size: U64, output: Ptr, arena: Ptr, arena_size: U64) -> U64:
    """The whole function; ``arena`` is zeroed memory, 64-byte aligned. Answers ``Execution.status``."""
    fill(output, U64(0), U64(EXECUTION_SIZE))
    if arena_size < JOB_SIZE + 64:
        Execution(output).status = U64(NO_ROOM)
        return U64(NO_ROOM)
    part(arena, U64(JOB_SIZE), "job")
    job = Job(arena)
    job.out = Execution(output)
    job.allocator = open_allocator(job.allocator_record, arena, arena_size)
    allocate(job.allocator, U64(JOB_SIZE))
    job.witness = Witness(input)
    job.input, job.end = input + WITNESS_SIZE, input + size
    how = check_head(job, size)
    if how == OK:
        how = prepare(job)
    if how == OK:
        how = load_state(job)
    if how == OK:
        how = bind_inputs(job)
    if how == OK:
        how = run_transactions(job)
    if how == OK:
        how = finish(job)
    return how


@kernel
def check_head(job: Job, size: U64) -> U64:
    """The counts and sizes in the head are such as the input can hold, and its environment is one of this chain's."""
    w = job.witness
    if size < WITNESS_SIZE or size > MOST_INPUT or w.size != size:
        return fail(job, U64(MALFORMED), size, U64(0))
    body = size - WITNESS_SIZE
    if w.account_count > body // ACCOUNT_CHANGE_SIZE or w.slot_count > body // SLOT_CHANGE_SIZE:
        return fail(job, U64(MALFORMED), U64(0), U64(1))
    if w.code_count > body // 8 or w.transaction_count > body // 8 or w.multiproof_size > body:
        return fail(job, U64(MALFORMED), U64(1), U64(1))
    block = Block(w.block)
    # Tables of prices have no entry for an unknown fork; before Cancun, SELFDESTRUCT empties storage unseen.
    if block.fork < CANCUN or block.fork > OSAKA:
        return fail(job, U64(MALFORMED), block.fork, U64(8))
    if w.hash_count > 256 or w.hash_count > block.number or w.scale > 1:
        return fail(job, U64(MALFORMED), U64(2), U64(1))
    return U64(OK)


@kernel
def prepare(job: Job) -> U64:
    """Lay out world, machine, trie and the block's arrays."""
    w, allocator = job.witness, job.allocator
    world_sizes, sizes = WorldSizes(job.world_sizes), MachineSizes(job.machine_sizes)
    sizes_for(w, world_sizes, sizes)
    # The indexes' hashes follow from what senders of transactions cannot know in advance.
    seed = mix(load64(w.parent_root) ^ U64(w.parent_hash))
    job.world = new_world(allocator, world_sizes, seed)
    if address_of(job.world) == 0:
        return fail(job, U64(NO_ROOM), U64(0), U64(0))
    job.machine = new_machine(allocator, sizes, job.world, mix(seed + 1))
    if address_of(job.machine) == 0:
        return fail(job, U64(NO_ROOM), U64(0), U64(1))
    return prepare_arrays(job)


@kernel
def prepare_arrays(job: Job) -> U64:
    w, allocator = job.witness, job.allocator
    # What the multiproof holds, and three leaves of every account and one of every slot beside that.
    nodes = w.multiproof_size // OPAQUE_BYTES + w.account_count * 6 + w.slot_count * 2 + 64
    block, trie = allocate(allocator, U64(BLOCK_SIZE)), allocate(allocator, U64(TRIE_SIZE))
    branches, leaves = (
        allocate_many(allocator, nodes, U64(BRANCH_SIZE)),
        allocate_many(allocator, nodes, U64(LEAF_SIZE)),
    )
    job.runs = allocate_many(allocator, w.transaction_count, U64(RUN_STRIDE))
    job.transactions = allocate_many(allocator, w.transaction_count, U64(TRANSACTION_SIZE))
    if block == 0 or trie == 0 or branches == 0 or leaves == 0 or job.runs == 0 or job.transactions == 0:
        return fail(job, U64(NO_ROOM), U64(0), U64(2))
    if nodes > MOST_NODES:
        return fail(job, U64(NO_ROOM), nodes, U64(3))
    job.machine.block = Block(block)  # a copy: the input is read-only
    copy(block, w.block, U64(BLOCK_SIZE))
    job.trie = Trie(trie)
    trie_init(job.trie, branches, nodes, leaves, nodes)
    return U64(OK)


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
    if partial_scratch(w.multiproof_size) > unused(job.allocator):
        return fail(job, U64(NO_ROOM), w.multiproof_size, U64(4))
    if CHECKED:
        scratch(job.allocator, partial_scratch(w.multiproof_size))
    status = partial_trie(job.trie, proof, w.multiproof_size, w.parent_root, job.allocator.free)
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
    n = w.account_count * LEAVES_PER_ACCOUNT + w.slot_count
    if leaves_scratch(n) + 32 > unused(job.allocator):
        return fail(job, U64(NO_ROOM), n, U64(5))
    if CHECKED:
        scratch(job.allocator, leaves_scratch(n) + 32)
    keys = job.allocator.free
    write_leaves(accounts, w.account_count, slots, w.slot_count, keys)
    values, found = keys + n * 32, keys + leaves_scratch(n)
    for i in range(n):
        claimed = load256(values + U64(i) * 32)
        status = lookup(job.trie, keys + U64(i) * 32, found)
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
def bind_inputs(job: Job) -> U64:
    """Read the hashes of earlier blocks, and bind them with the environment and the parent in the output."""
    w, block, count = job.witness, job.machine.block, job.witness.hash_count
    block.hashes, block.hashes_known = U64(0), count
    hashes, text = (
        allocate(job.allocator, U64(256 * 32)),
        allocate(job.allocator, U64(BLOCK_SIZE + 64) + count * 32),
    )
    if hashes == 0 or text == 0:
        return fail(job, U64(NO_ROOM), U64(0), U64(6))
    given = read_part(job, count * 32)
    if given == 0:
        return fail(job, U64(MALFORMED), count, U64(5))
    copy(text, address_of(block), U64(BLOCK_SIZE))
    store256be(text + BLOCK_SIZE, w.parent_hash)
    copy(text + BLOCK_SIZE + 32, w.parent_root, U64(32))
    copy(text + BLOCK_SIZE + 64, given, count * 32)
    keccak256(text, U64(BLOCK_SIZE + 64) + count * 32, job.out.inputs)
    for k in range(count):
        number = block.number - count + U64(k)
        copy(hashes + (number & 255) * 32, given + U64(k) * 32, U64(32))
    if count != 0 and load256be(given + (count - 1) * 32) != w.parent_hash:
        return fail(job, U64(MALFORMED), U64(0), U64(6))
    block.hashes = hashes
    return U64(OK)


@kernel
def run_transactions(job: Job) -> U64:
    """The system writes, then every transaction in order."""
    w, m = job.witness, job.machine
    job.world.height = U64(1)
    how = begin_block(m, w.parent_hash, U256(0))
    if how != 0:
        return fail(job, U64(INVALID_TRANSACTION), how, w.transaction_count)
    gas_left = m.block.gas_limit if m.block.gas_limit < MOST_GAS else U64(MOST_GAS)
    for i in range(w.transaction_count):
        how = run_transaction(job, U64(i), gas_left)
        if how != OK:
            return how
        gas_left -= run_at(job.runs, U64(i)).result.gas_used
    if job.input != job.end:
        return fail(job, U64(MALFORMED), job.end - job.input, U64(9))
    if commit_view(m) != 0:
        return fail(job, U64(TABLES_FULL), U64(0), U64(2))
    return U64(OK)


@kernel
def run_transaction(job: Job, index: U64, gas_left: U64) -> U64:
    m = job.machine
    r = run_at(job.runs, index)
    r.result = Result(job.runs + index * RUN_STRIDE + RUN_SIZE)
    r.machine = m
    r.transaction = Transaction(job.transactions + index * TRANSACTION_SIZE)
    at = read_part(job, U64(8))
    size = load64(at) if at != 0 else U64(0)
    raw = read_part(job, size) if at != 0 else U64(0)
    if raw == 0:
        return fail(job, U64(MALFORMED), index, U64(7))
    if size + SIGNING_OVERHEAD > m.scratch_capacity:
        return fail(job, U64(NO_ROOM), index, U64(7))
    how = decode(raw, size, r.transaction, m.scratch)
    if how == 0:
        how = recover_sender(r.transaction, m.scratch)
    if how != 0:
        return fail(job, U64(BAD_TRANSACTION), how, index)
    if r.transaction.gas_limit > gas_left:  # an L1 message's is compared nowhere else
        return fail(job, U64(INVALID_TRANSACTION), U64(BLOCK_GAS_EXHAUSTED), index)
    how = process_transaction(m, r.transaction, gas_left, r.result)
    if how == ARENA_FULL and m.account_count != 0:  # there is room without the records of those before
        if commit_view(m) != 0:
            return fail(job, U64(TABLES_FULL), index, U64(3))
        forget_records(m)
        how = process_transaction(m, r.transaction, gas_left, r.result)
    if how != 0:
        return fail(job, U64(INVALID_TRANSACTION), how, index)
    return U64(OK)


@kernel
def finish(job: Job) -> U64:
    """Roots over transactions, receipts and the new state."""
    w, out, allocator = job.witness, job.out, job.allocator
    receipts, changes = BlockReceipts(job.receipts), Changes(job.changes)
    n, logs, log_bytes = job.world.changed_count, job.machine.log_count, job.machine.log_data_used
    order = allocate_many(allocator, w.transaction_count, U64(8))
    receipts.receipts = allocate_many(allocator, w.transaction_count, U64(RECEIPT_SIZE))
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
        return fail(job, U64(NO_ROOM), n, U64(8))
    for i in range(w.transaction_count):
        store64(order + U64(i) * 8, U64(i))
    receipts.log_capacity, receipts.log_data_capacity = logs, log_bytes
    receipts.scratch, receipts.scratch_size = allocator.free, unused(allocator)
    if CHECKED:
        scratch(allocator, receipts_scratch(job.runs, order, w.transaction_count))
    if build_receipts(receipts, job.runs, order, w.transaction_count) != 0:
        return fail(job, U64(RECEIPTS_TOO_LARGE), receipts.log_count, U64(0))
    collect_changes(job.world, U64(1), changes)
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
    root(job.trie, out.state_root)
    copy(out.receipts_root, receipts.receipts_root, U64(32))
    copy(out.transactions_root, receipts.transactions_root, U64(32))
    copy(out.bloom, receipts.bloom, U64(256))
    out.gas_used, out.log_count = receipts.gas_used, receipts.log_count
    out.status = U64(OK)
    return U64(OK)
