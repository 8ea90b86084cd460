"""A chunk as a pure function: consecutive blocks of a settled chain, from the header before them to what is stated.

It is what both provers run. No field of a block is free input: everything comes from the chunk's published bytes, the
parent header, the state, the L1 messages and the chain's configuration, and each of these is bound by a hash in the
output. One witness serves all blocks: the keys that they touch, with the values before the chunk.

Input: ``ChunkInput``; the chunk as it is published, padded to 8 bytes; its witness, which is ``ChunkWitness`` and then,
each part padded to 8 bytes: the parent header's RLP; per L1 message its size and its 0x7f transaction; per older block
whose hash BLOCKHASH gives, its number (8 bytes) and hash; AccountChange records and SlotChange records; per code its
size and bytes; the multiproof; nothing else. Output: ``ChunkResult``.
"""

from ..arenas.allocator import allocate, release
from ..block.header import HEADER_CAPACITY, Parent, base_fee_after, randomness, read_header, write_header
from ..block.receipts import BlockReceipts
from ..block.run import run_at
from ..block.system import HISTORY_CODE_HASH, HISTORY_STORAGE, HISTORY_WINDOW, begin_block
from ..hashes.keccak import keccak256, keccak256_word
from ..lang import (
    U64,
    U256,
    Ptr,
    address_of,
    copy,
    fill,
    kernel,
    load8,
    load64,
    load64be,
    load256be,
    part,
    store256be,
)
from ..machine.commit import commit_view
from ..machine.view import reset_view
from ..protocol.limits import BLOCK_HASHES
from ..rlp import Cursor
from ..state.world import find_account, find_slot
from ..transaction.record import L1_MESSAGE
from ..trie.nodes import root
from .chunk_records import (
    BASE_FEE_AT,
    CONTEXT,
    GAS_LIMIT_AT,
    LONG_COUNT,
    NUMBER_AT,
    SHORT_COUNT,
    SPEC_VERSION_AT,
    Chunk,
    ChunkInput,
    ChunkResult,
    ChunkWitness,
    Walk,
    messages_of,
    timestamp_of,
    transactions_of,
)
from .job import (
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
from .parts import padded
from .settled_config import EIP1559, SettledConfig, config_hash, fork_at, read_config
from .verdict import (
    AT_CHUNK_END,
    AT_END,
    FOR_HASHES,
    FOR_RESULTS,
    FOR_WALK,
    IN_BLOCK_COUNT,
    IN_CHUNK,
    IN_COUNTS,
    IN_HASHES,
    IN_HEAD,
    IN_MESSAGE,
    IN_MESSAGES,
    IN_PARENT,
    IN_TRANSACTIONS,
    IN_VERSION,
    INVALID_TRANSACTION,
    MALFORMED,
    MISSING_KEY,
    NO_ROOM,
    OK,
    TABLES_FULL,
    WRONG_CONTEXT,
    WRONG_MESSAGE,
    WRONG_VALUE,
    Verdict,
)

CHUNK_INPUT_SIZE, CHUNK_WITNESS_SIZE, CHUNK_SIZE = ChunkInput.size, ChunkWitness.size, Chunk.size
CHUNK_RESULT_SIZE, WALK_SIZE = ChunkResult.size, Walk.size


@kernel
def execute_chunk(input: Ptr, size: U64, output: Ptr, arena: Ptr, arena_size: U64) -> U64:
    """The whole function; ``arena`` is zeroed memory, 64-byte aligned. Answers ``ChunkResult.status``."""
    fill(output, U64(0), U64(CHUNK_RESULT_SIZE))
    head, verdict, out = ChunkInput(input), Verdict(output), ChunkResult(output)
    if arena_size < 64:
        verdict.status = U64(NO_ROOM)
        return U64(NO_ROOM)
    if size < CHUNK_INPUT_SIZE or size > MOST_INPUT:
        verdict.status, verdict.detail, verdict.at = U64(MALFORMED), size, U64(IN_HEAD)
        return U64(MALFORMED)
    rest = size - CHUNK_INPUT_SIZE
    if head.chunk_size > rest or padded(head.chunk_size) > rest:
        verdict.status, verdict.detail, verdict.at = U64(MALFORMED), head.chunk_size, U64(IN_CHUNK)
        return U64(MALFORMED)
    part(arena, U64(CHUNK_SIZE), "chunk")
    chunk = Chunk(arena)
    chunk.config, chunk.version, chunk.scale = head.config, head.version, head.scale
    chunk.data, chunk.data_size = input + CHUNK_INPUT_SIZE, head.chunk_size
    chunk.witness, chunk.witness_size = (
        chunk.data + padded(head.chunk_size),
        rest - padded(head.chunk_size),
    )
    how = execute_published(chunk, output, arena + 64, arena_size - 64)
    if how == OK:
        config_hash(head.config, out.config_hash)
        keccak256(chunk.data, chunk.data_size, out.chunk_hash)
    return how


@kernel
def execute_published(chunk: Chunk, output: Ptr, arena: Ptr, arena_size: U64) -> U64:
    """The same of a chunk whose parts lie apart, into a ``ChunkResult`` of zeros; without the hashes of its data and of
    its configuration.
    """
    job = begin_job(chunk.witness, chunk.witness_size, output, arena, arena_size)
    if address_of(job) == 0:
        return U64(NO_ROOM)
    walk = Walk(allocate(job.allocator, U64(WALK_SIZE)))
    if address_of(walk) == 0:
        return fail(job, U64(NO_ROOM), U64(0), U64(FOR_WALK))
    head = ChunkWitness(chunk.witness)
    how = read_head(job, chunk, head, walk)
    if how == OK:
        how = prepare(job, U64(Parent(walk.parent).hash))
    if how == OK:
        how = read_rest(job, head, walk)
    if how == OK:
        how = execute_blocks(job, walk)
    if how == OK:
        how = write_result(job, head, walk, ChunkResult(output))
    return how


@kernel
def read_head(job: Job, chunk: Chunk, head: ChunkWitness, walk: Walk) -> U64:
    """Configuration, parent header, and the chunk's block contexts."""
    size, config, parent = job.input_size, SettledConfig(walk.config), Parent(walk.parent)
    if size < CHUNK_WITNESS_SIZE or size > MOST_INPUT or head.size != size or chunk.scale > 1:
        return fail(job, U64(MALFORMED), size, U64(IN_HEAD))
    job.input += CHUNK_WITNESS_SIZE
    job.account_count, job.slot_count, job.code_count = head.account_count, head.slot_count, head.code_count
    job.multiproof_size, job.guest = head.multiproof_size, U64(chunk.scale == 0)
    if not check_counts(job) or not read_config(chunk.config, config) or config.gas_limit > MOST_GAS:
        return fail(job, U64(MALFORMED), U64(0), U64(IN_COUNTS))
    header = read_part(job, head.parent_size)
    if header == 0:
        return fail(job, U64(MALFORMED), U64(0), U64(IN_PARENT))
    how = read_header(header, head.parent_size, Cursor(walk.cursor), parent)
    if how != 0 or parent.timestamp > MOST_INPUT or parent.base_fee >> 64 != 0:
        return fail(job, U64(MALFORMED), how, U64(IN_PARENT))
    job.root = parent.state_root
    walk.parent_hash, walk.milliseconds = parent.hash, parent.timestamp * 1000
    job.gas_limit = config.gas_limit
    return read_contexts(job, chunk, walk)


@kernel
def read_contexts(job: Job, chunk: Chunk, walk: Walk) -> U64:
    """Where contexts and transactions lie, and how many transactions the largest block has."""
    width = U64(LONG_COUNT) if chunk.version == 2 else U64(SHORT_COUNT)
    if chunk.version > 2 or chunk.data_size < width + CONTEXT:
        return fail(job, U64(MALFORMED), chunk.version, U64(IN_VERSION))
    walk.block_count = U64(0)
    for i in range(width):
        walk.block_count = walk.block_count << 8 | load8(chunk.data + U64(i))
    walk.contexts, walk.end = chunk.data + width, chunk.data + chunk.data_size
    if walk.block_count == 0 or walk.block_count > (chunk.data_size - width) // CONTEXT:
        return fail(job, U64(MALFORMED), walk.block_count, U64(IN_BLOCK_COUNT))
    walk.transactions = walk.contexts + walk.block_count * CONTEXT
    job.transaction_count = U64(0)
    for i in range(walk.block_count):
        count = transactions_of(walk.contexts + U64(i) * CONTEXT)
        if count > job.transaction_count:
            job.transaction_count = count
    job.fork = fork_at(SettledConfig(walk.config), timestamp_of(walk.contexts) // 1000)
    return U64(OK)


@kernel
def read_rest(job: Job, head: ChunkWitness, walk: Walk) -> U64:
    """L1 messages, older hashes, and the state before the chunk; nothing is left of the input then."""
    walk.messages, walk.messages_left = job.input, head.l1_message_count
    walk.next_message = head.first_l1_message
    copy(walk.rolling, head.rolling_hash, U64(32))
    if head.l1_message_count > (job.end - job.input) // 8 or head.first_l1_message > MOST_INPUT:
        return fail(job, U64(MALFORMED), head.l1_message_count, U64(IN_MESSAGES))
    for i in range(head.l1_message_count):
        at = read_part(job, U64(8))
        size = load64(at) if at != 0 else U64(0)
        if size == 0 or read_part(job, size) == 0:
            return fail(job, U64(MALFORMED), U64(i), U64(IN_MESSAGE))
    # Before the state, whose reading leaves traces in what is free: a hash of 0 is one that is not given.
    walk.hashes, walk.header = (
        allocate(job.allocator, U64(BLOCK_HASHES * 32)),
        allocate(job.allocator, U64(HEADER_CAPACITY)),
    )
    if walk.hashes == 0 or walk.header == 0:
        return fail(job, U64(NO_ROOM), U64(0), U64(FOR_HASHES))
    older = job.input
    if head.hash_count > BLOCK_HASHES or read_part(job, head.hash_count * 40) == 0:
        return fail(job, U64(MALFORMED), head.hash_count, U64(IN_HASHES))
    how = load_state(job)
    if how != OK:
        return how
    if job.input != job.end:
        return fail(job, U64(MALFORMED), job.end - job.input, U64(AT_END))
    return check_hashes(job, head, walk, older)


@kernel
def check_hashes(job: Job, head: ChunkWitness, walk: Walk, at: Ptr) -> U64:
    """Hashes of blocks before the parent are in the state, where EIP-2935 keeps them."""
    parent = Parent(walk.parent)
    store256be(walk.hashes + (parent.number % BLOCK_HASHES) * 32, parent.hash)
    for i in range(head.hash_count):
        number, claimed = load64(at + U64(i) * 40), load256be(at + U64(i) * 40 + 8)
        if number >= parent.number or parent.number - number >= BLOCK_HASHES or claimed == 0:
            return fail(job, U64(WRONG_VALUE), number, U64(i))
        found, value = state_word(job, HISTORY_STORAGE, U256(number % HISTORY_WINDOW))
        keeper = find_account(job.world, HISTORY_STORAGE)
        if not found or value != claimed or keeper.code_hash != HISTORY_CODE_HASH:
            return fail(job, U64(WRONG_VALUE), number, U64(i))
        store256be(walk.hashes + (number % BLOCK_HASHES) * 32, claimed)
    return U64(OK)


@kernel
def state_word(job: Job, address: U256, key: U256) -> tuple[bool, U256]:
    """Whether a slot is known, and its value as of now."""
    account = find_account(job.world, address)
    if address_of(account) == 0:
        return False, U256(0)
    if account.exists == 0:
        return True, U256(0)
    slot = find_slot(job.world, account, key)
    if address_of(slot) == 0:
        return False, U256(0)
    return True, slot.value if slot.storage_epoch == account.storage_epoch else U256(0)


@kernel
def execute_blocks(job: Job, walk: Walk) -> U64:
    """All blocks in order; every message and every byte of the chunk is used."""
    for i in range(walk.block_count):
        mark = job.allocator.free
        how = execute_block(job, walk, walk.contexts + U64(i) * CONTEXT, U64(i))
        if how != OK:
            return how
        reset_view(job.machine)
        release(job.allocator, mark)
    if walk.messages_left != 0:
        return fail(job, U64(WRONG_MESSAGE), walk.next_message, walk.block_count)
    if walk.transactions != walk.end:
        return fail(job, U64(MALFORMED), walk.end - walk.transactions, U64(AT_CHUNK_END))
    return U64(OK)


@kernel
def execute_block(job: Job, walk: Walk, context: Ptr, index: U64) -> U64:
    """One block: its environment, its transactions, its roots, and the header that comes of them."""
    how = begin_environment(job, walk, context, index)
    if how != OK:
        return how
    m, parent, count = job.machine, Parent(walk.parent), transactions_of(context)
    job.world.height = index + 1
    how = begin_block(m, parent.hash, U256(0))
    if how != 0:
        return fail(job, U64(INVALID_TRANSACTION), how, index)
    gas_left = m.block.gas_limit
    for i in range(count):
        how = take_next(job, walk, U64(i), U64(i) < messages_of(context))
        if how != OK:
            return how
    how = decode_transactions(job, count)
    if how != OK:
        return how
    for i in range(count):
        how = run_transaction(job, U64(i), gas_left)
        if how == OK and U64(i) < messages_of(context):
            how = take_message(job, walk, U64(i))
        if how != OK:
            return how
        gas_left -= run_at(job.runs, U64(i)).result.gas_used
    if commit_view(m) != 0:
        return fail(job, U64(TABLES_FULL), U64(0), U64(FOR_RESULTS))
    how = finish_block(job, count)
    if how == OK:
        seal(job, walk, BlockReceipts(job.receipts))
    walk.transaction_count += count
    return how


@kernel
def begin_environment(job: Job, walk: Walk, context: Ptr, index: U64) -> U64:
    """The block that the machine is in. What the context repeats must be what follows from elsewhere."""
    block, config, parent = job.machine.block, SettledConfig(walk.config), Parent(walk.parent)
    milliseconds = timestamp_of(context)
    if load64be(context + NUMBER_AT) != parent.number + 1:
        return fail(job, U64(WRONG_CONTEXT), load64be(context + NUMBER_AT), index)
    if milliseconds < walk.milliseconds or milliseconds > MOST_INPUT * 1000:
        return fail(job, U64(WRONG_CONTEXT), milliseconds, index)
    walk.milliseconds = milliseconds
    block.number, block.timestamp = parent.number + 1, milliseconds // 1000
    block.fork = fork_at(config, block.timestamp)
    if block.fork == 0 or load64be(context + SPEC_VERSION_AT) >> 32 != block.fork:
        return fail(job, U64(WRONG_CONTEXT), load64be(context + SPEC_VERSION_AT) >> 32, index)
    block.base_fee = config.base_fee
    if config.base_fee_rule == EIP1559 and base_fee_after(parent) > config.base_fee:
        block.base_fee = base_fee_after(parent)
    if (
        U256(load64be(context + BASE_FEE_AT)) != block.base_fee
        or load64be(context + GAS_LIMIT_AT) != config.gas_limit
    ):
        return fail(job, U64(WRONG_CONTEXT), load64be(context + BASE_FEE_AT), index)
    if messages_of(context) > transactions_of(context):
        return fail(job, U64(WRONG_CONTEXT), messages_of(context), index)
    block.gas_limit, block.chain_id, block.coinbase = config.gas_limit, config.chain_id, config.coinbase
    block.fees_to_coinbase, block.blob_base_fee = config.fees_to_coinbase, U256(1)
    block.prevrandao = randomness(parent.hash, block.number, walk.header)
    block.hashes = walk.hashes
    block.hashes_known = block.number if block.number < BLOCK_HASHES else U64(BLOCK_HASHES)
    block.l1_fee_per_byte = U256(0)
    if config.l1_fee_account != 0:
        found, value = state_word(job, config.l1_fee_account, config.l1_fee_slot)
        if not found:
            return fail(job, U64(MISSING_KEY), U64(0), index)
        block.l1_fee_per_byte = value
    return U64(OK)


@kernel
def take_next(job: Job, walk: Walk, index: U64, is_message: bool) -> U64:
    """Transaction ``index`` of the block is the next L1 message, or the next published one."""
    if is_message:
        if walk.messages_left == 0:
            return fail(job, U64(WRONG_MESSAGE), walk.next_message, index)
        size, raw = load64(walk.messages), walk.messages + 8
        walk.messages = raw + padded(size)
        walk.messages_left -= 1
        add_transaction(job, index, raw, size)
        return U64(OK)
    left = walk.end - walk.transactions
    size = load64be(walk.transactions) >> 32 if left >= 8 else U64(0)
    if size == 0 or size > left - 4:
        return fail(job, U64(MALFORMED), size, U64(IN_TRANSACTIONS))
    raw = walk.transactions + 4
    walk.transactions = raw + size
    if load8(raw) == L1_MESSAGE:
        return fail(job, U64(WRONG_MESSAGE), walk.next_message, index)
    add_transaction(job, index, raw, size)
    return U64(OK)


@kernel
def take_message(job: Job, walk: Walk, index: U64) -> U64:
    """The message just executed is the next of the queue; its hash goes into the rolling hash."""
    tx = run_at(job.runs, index).transaction
    if tx.kind != L1_MESSAGE or tx.nonce != walk.next_message:
        return fail(job, U64(WRONG_MESSAGE), walk.next_message, index)
    walk.next_message += 1
    copy(walk.rolling + 32, tx.hash, U64(32))
    keccak256(walk.rolling, U64(64), walk.rolling)
    return U64(OK)


@kernel
def seal(job: Job, walk: Walk, receipts: BlockReceipts) -> None:
    """The block's header becomes the parent of the next."""
    block, parent = job.machine.block, Parent(walk.parent)
    root(job.trie, walk.root)
    end = write_header(walk.header, block, parent.hash, walk.root, receipts)
    parent.hash = keccak256_word(walk.header, end - walk.header)
    parent.number, parent.timestamp, parent.base_fee = block.number, block.timestamp, block.base_fee
    parent.gas_limit, parent.gas_used = block.gas_limit, receipts.gas_used
    store256be(walk.hashes + (block.number % BLOCK_HASHES) * 32, parent.hash)
    walk.gas_used += receipts.gas_used


@kernel
def write_result(job: Job, head: ChunkWitness, walk: Walk, out: ChunkResult) -> U64:
    config = SettledConfig(walk.config)
    if config.l2_mailbox != 0:
        found, value = state_word(job, config.l2_mailbox, config.l2_msg_root_slot)
        if not found:
            return fail(job, U64(MISSING_KEY), U64(1), U64(0))
        store256be(out.l2_msg_root, value)
    out.block_count, out.transaction_count, out.gas_used = (
        walk.block_count,
        walk.transaction_count,
        walk.gas_used,
    )
    out.first_l1_message, out.next_l1_message = head.first_l1_message, walk.next_message
    out.first_timestamp, out.last_timestamp = timestamp_of(walk.contexts), walk.milliseconds
    copy(out.pre_state_root, job.root, U64(32))
    copy(out.post_state_root, walk.root, U64(32))
    store256be(out.parent_block_hash, walk.parent_hash)
    store256be(out.last_block_hash, Parent(walk.parent).hash)
    copy(out.rolling_hash_before, head.rolling_hash, U64(32))
    copy(out.rolling_hash_after, walk.rolling, U64(32))
    out.status = U64(OK)
    return U64(OK)
