"""One block as a pure function: pre-state witness and block in, post-state root and receipts root out.

Input: ``Witness``; then, each part padded to 8 bytes: AccountChange records and SlotChange records with the values
before the block; per code its size and bytes; the multiproof; the hashes of the blocks before this one, as many as its
code goes back (at most 256, oldest first); per transaction its size and raw bytes; nothing else. Output: ``Execution``.
Its ``inputs`` binds what the result is about and no witness can show: whoever relies on the result compares it with the
block's header and chain.
"""

from ..arenas.allocator import allocate
from ..block.receipts import BlockReceipts
from ..block.run import run_at
from ..block.system import begin_block
from ..hashes.keccak import keccak256
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
    load256be,
    store256be,
)
from ..machine.commit import commit_view
from ..machine.environment import Block
from ..protocol.forks import CANCUN, NEWEST
from ..protocol.limits import BLOCK_HASHES
from ..trie.nodes import root
from .job import (
    BLOCK_SIZE,
    MOST_GAS,
    MOST_INPUT,
    Job,
    add_transaction,
    begin_job,
    check_counts,
    decode_transactions,
    fail,
    finish_block,
    load_state,
    prepare,
    read_part,
    run_transaction,
)
from .verdict import (
    AT_END,
    FOR_HASHES,
    FOR_RESULTS,
    IN_COUNTS,
    IN_FORK,
    IN_HASHES,
    IN_HEAD,
    IN_PARENT,
    IN_TRANSACTIONS,
    INVALID_TRANSACTION,
    MALFORMED,
    MISSING_HASH,
    NO_ROOM,
    OK,
    TABLES_FULL,
)


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


WITNESS_SIZE, EXECUTION_SIZE = Witness.size, Execution.size


@kernel
def execute_block(input: Ptr, size: U64, output: Ptr, arena: Ptr, arena_size: U64) -> U64:
    """The whole function; ``arena`` is zeroed memory, 64-byte aligned. Answers ``Execution.status``."""
    fill(output, U64(0), U64(EXECUTION_SIZE))
    job, w = begin_job(input, size, output, arena, arena_size), Witness(input)
    if address_of(job) == 0:
        return U64(NO_ROOM)
    how = read_head(job, w)
    if how == OK:
        how = prepare(job, U64(w.parent_hash))
    if how == OK:
        copy(address_of(job.machine.block), w.block, U64(BLOCK_SIZE))  # the input is read-only
        how = load_state(job)
    if how == OK:
        how = bind_inputs(job, w)
    if how == OK:
        how = run_transactions(job, w)
    if how == OK:
        how = finish_block(job, w.transaction_count)
    if how == OK:
        write_result(job, Execution(output))
    return how


@kernel
def read_head(job: Job, w: Witness) -> U64:
    """The counts and sizes in the head are such as the input can hold, and its environment is one of this chain's."""
    size = job.input_size
    if size < WITNESS_SIZE or size > MOST_INPUT or w.size != size:
        return fail(job, U64(MALFORMED), size, U64(IN_HEAD))
    job.input += WITNESS_SIZE
    block = Block(w.block)
    job.root, job.guest = w.parent_root, U64(w.scale == 0)
    job.account_count, job.slot_count, job.code_count = w.account_count, w.slot_count, w.code_count
    job.multiproof_size, job.transaction_count = w.multiproof_size, w.transaction_count
    job.gas_limit, job.fork = block.gas_limit, block.fork
    if not check_counts(job) or w.transaction_count > (size - WITNESS_SIZE) // 8:
        return fail(job, U64(MALFORMED), U64(0), U64(IN_COUNTS))
    # Tables of prices have no entry for an unknown fork; before Cancun, SELFDESTRUCT empties storage unseen.
    if block.fork < CANCUN or block.fork > NEWEST:
        return fail(job, U64(MALFORMED), block.fork, U64(IN_FORK))
    if w.hash_count > BLOCK_HASHES or w.hash_count > block.number or w.scale > 1:
        return fail(job, U64(MALFORMED), w.hash_count, U64(IN_COUNTS))
    return U64(OK)


@kernel
def bind_inputs(job: Job, w: Witness) -> U64:
    """Read the hashes of earlier blocks, and bind them with the environment and the parent in the output."""
    block, count = job.machine.block, w.hash_count
    block.hashes, block.hashes_known = U64(0), count
    hashes, text = (
        allocate(job.allocator, U64(BLOCK_HASHES * 32)),
        allocate(job.allocator, U64(BLOCK_SIZE + 64) + count * 32),
    )
    if hashes == 0 or text == 0:
        return fail(job, U64(NO_ROOM), U64(0), U64(FOR_HASHES))
    given = read_part(job, count * 32)
    if given == 0:
        return fail(job, U64(MALFORMED), count, U64(IN_HASHES))
    copy(text, address_of(block), U64(BLOCK_SIZE))
    store256be(text + BLOCK_SIZE, w.parent_hash)
    copy(text + BLOCK_SIZE + 32, w.parent_root, U64(32))
    copy(text + BLOCK_SIZE + 64, given, count * 32)
    keccak256(text, U64(BLOCK_SIZE + 64) + count * 32, Execution(job.out).inputs)
    for k in range(count):
        number = block.number - count + U64(k)
        copy(hashes + (number % BLOCK_HASHES) * 32, given + U64(k) * 32, U64(32))
    if count != 0 and load256be(given + (count - 1) * 32) != w.parent_hash:
        return fail(job, U64(MALFORMED), U64(0), U64(IN_PARENT))
    block.hashes = hashes
    return U64(OK)


@kernel
def run_transactions(job: Job, w: Witness) -> U64:
    """The system writes, then every transaction in order."""
    m = job.machine
    job.world.height = U64(1)
    how = begin_block(m, w.parent_hash, U256(0))
    if how != 0:
        return fail(job, U64(INVALID_TRANSACTION), how, w.transaction_count)
    if m.tx.ancestors > m.block.hashes_known:
        return fail(job, U64(MISSING_HASH), m.tx.ancestors, w.transaction_count)
    gas_left = m.block.gas_limit if m.block.gas_limit < MOST_GAS else U64(MOST_GAS)
    for i in range(w.transaction_count):
        at = read_part(job, U64(8))
        size = load64(at) if at != 0 else U64(0)
        raw = read_part(job, size) if at != 0 else U64(0)
        if raw == 0:
            return fail(job, U64(MALFORMED), U64(i), U64(IN_TRANSACTIONS))
        add_transaction(job, U64(i), raw, size)
    how = decode_transactions(job, w.transaction_count)
    if how != OK:
        return how
    for i in range(w.transaction_count):
        how = run_transaction(job, U64(i), gas_left)
        if how != OK:
            return how
        gas_left -= run_at(job.runs, U64(i)).result.gas_used
    if job.input != job.end:
        return fail(job, U64(MALFORMED), job.end - job.input, U64(AT_END))
    if commit_view(m) != 0:
        return fail(job, U64(TABLES_FULL), U64(0), U64(FOR_RESULTS))
    return U64(OK)


@kernel
def write_result(job: Job, out: Execution) -> None:
    receipts = BlockReceipts(job.receipts)
    root(job.trie, out.state_root)
    copy(out.receipts_root, receipts.receipts_root, U64(32))
    copy(out.transactions_root, receipts.transactions_root, U64(32))
    copy(out.bloom, receipts.bloom, U64(256))
    out.gas_used, out.log_count = receipts.gas_used, receipts.log_count
    out.status = U64(OK)
