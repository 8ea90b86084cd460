"""A batch as a pure function: from what L1 has of it to the hash of the statement that both provers make of it.

Input: ``BatchInput``; the DA data as calldata have them, padded to 8 bytes; the versioned hashes; per chunk its witness
(``chunk``); nothing else. A chunk's published bytes are taken from the data. Output: ``BatchResult``.

A host gives every chunk an arena of its own, and may execute them side by side: ``begin_batch``, ``execute_part`` of
each, ``end_batch``. ``execute_batch`` is these one after the other.

1. The header follows its parent, and its data hash is that of the data, or of as many blobs as the data fill.
2. The data are chunks to their last byte, and every chunk executes (``chunk``).
3. Each chunk begins where the one before ended: state, block, time, L1 messages.
4. The messages are those between the parent's rolling hash and the header's.
5. The blobs that hold the data have the value y at z, where z comes of versioned hash and data (``statement``).
"""

from ..arenas.allocator import Allocator, allocate, allocate_many, open_allocator, unused
from ..curves.blob import WORD, WORDS
from ..hashes.keccak import keccak256, keccak256_word
from ..lang import (
    U64,
    U256,
    Ptr,
    address_of,
    bswap,
    copy,
    fill,
    kernel,
    load8,
    load32,
    load64be,
    load256be,
    part,
)
from .batch_records import (
    DATA_HASH_AT,
    HEADER,
    INDEX_AT,
    LEGACY,
    LEGACY_HEAD,
    LENGTH,
    MOST_BLOBS,
    PARENT_HASH_AT,
    PLAIN,
    PLAIN_HEAD,
    ROLLING_HASH_AT,
    VERSION_AT,
    ZSTD,
    Batch,
    BatchInput,
    BatchResult,
)
from .chunk import execute_published
from .chunk_records import Chunk, ChunkResult, ChunkWitness
from .job import MOST_INPUT
from .parts import padded
from .settled_config import SettledConfig, config_hash, read_config
from .statement import blobs_for, write_openings, write_statement_hash
from .verdict import (
    AT_END,
    BATCH_INDEX,
    BATCH_VERSION,
    BLOB_COUNT,
    CHUNK_COUNT,
    CHUNK_REFUSED,
    COMPRESSED,
    DATA_HASH,
    FIRST_L1_MESSAGE,
    FIRST_TIME,
    FOR_WALK,
    IN_BLOBS,
    IN_COUNTS,
    IN_DATA,
    IN_HEAD,
    IN_PAYLOAD,
    IN_WITNESS,
    L1_MSG_ROLLING_HASH,
    MALFORMED,
    NO_ROOM,
    OK,
    PARENT_BATCH_HASH,
    PARENT_BLOCK,
    PRE_STATE_ROOT,
    ROLLING_HASH_BEFORE,
    WRONG_BATCH,
    Verdict,
)

BATCH_SIZE, BATCH_INPUT_SIZE, BATCH_RESULT_SIZE = Batch.size, BatchInput.size, BatchResult.size
SETTLED_CONFIG_SIZE, VERDICT_SIZE = SettledConfig.size, Verdict.size
CHUNK_SIZE, CHUNK_RESULT_SIZE, CHUNK_WITNESS_SIZE = Chunk.size, ChunkResult.size, ChunkWitness.size


#: What ``end_batch`` takes of the arena: the words of a blob, an inverse for every second, and little else.
OWN_ROOM = 2 * WORDS * WORD


@kernel
def execute_batch(input: Ptr, size: U64, output: Ptr, arena: Ptr, arena_size: U64) -> U64:
    """The whole function; ``arena`` is zeroed memory, 64-byte aligned, of which every chunk has an equal share."""
    how = begin_batch(input, size, output, arena, arena_size)
    if how != OK:
        return how
    batch = Batch(arena)
    allocator, count = Allocator(batch.allocator), batch.head.chunk_count
    if unused(allocator) < OWN_ROOM:
        return refuse(batch, U64(NO_ROOM), unused(allocator), U64(FOR_WALK))
    share = (unused(allocator) - OWN_ROOM) // count & ~U64(63)
    allocator.end = allocator.free + OWN_ROOM
    for i in range(count):
        execute_part(arena, U64(i), allocator.end + share * U64(i), share)
    return end_batch(arena)


@kernel
def begin_batch(input: Ptr, size: U64, output: Ptr, arena: Ptr, arena_size: U64) -> U64:
    """Header, data, and where each chunk's parts lie. The ``Batch`` stands at the arena's start if this is OK."""
    fill(output, U64(0), U64(BATCH_RESULT_SIZE))
    if arena_size < BATCH_SIZE + 64:
        Verdict(output).status = U64(NO_ROOM)
        return U64(NO_ROOM)
    part(arena, U64(BATCH_SIZE), "batch")
    batch = Batch(arena)
    batch.head, batch.out = BatchInput(input), BatchResult(output)
    allocate(open_allocator(batch.allocator, arena, arena_size), U64(BATCH_SIZE))
    if size < BATCH_INPUT_SIZE or size > MOST_INPUT or batch.head.size != size or batch.head.scale > 1:
        return refuse(batch, U64(MALFORMED), size, U64(IN_HEAD))
    how = read_parts(batch, input + size)
    if how == OK:
        how = check_header(batch, batch.head)
    if how == OK:
        how = find_chunks(batch)
    if how == OK:
        how = find_witnesses(batch, input + size)
    return how


@kernel
def refuse(batch: Batch, status: U64, detail: U64, at: U64) -> U64:
    out = batch.out
    out.status, out.detail, out.at = status, detail, at
    return status


@kernel
def expect(batch: Batch, what: U64, claimed: U256, found: U256) -> U64:
    """OK if the two are the same."""
    if claimed == found:
        return U64(OK)
    batch.out.claimed, batch.out.found = claimed, found
    return refuse(batch, U64(WRONG_BATCH), U64(0), what)


@kernel
def expect_word(batch: Batch, what: U64, claimed: Ptr, found: Ptr) -> U64:
    """The same of 32 bytes each."""
    return expect(batch, what, load256be(claimed), load256be(found))


@kernel
def read_parts(batch: Batch, end: Ptr) -> U64:
    """Configuration, data with what they are published as, versioned hashes."""
    head, data = batch.head, address_of(batch.head) + BATCH_INPUT_SIZE
    rest = end - data
    config = SettledConfig(allocate(Allocator(batch.allocator), U64(SETTLED_CONFIG_SIZE)))
    if address_of(config) == 0:
        return refuse(batch, U64(NO_ROOM), U64(0), U64(FOR_WALK))
    if not read_config(head.config, config):
        return refuse(batch, U64(MALFORMED), U64(0), U64(IN_COUNTS))
    batch.out.chain_id = config.chain_id
    config_hash(head.config, batch.out.config_hash)
    if head.data_size == 0 or head.data_size > rest or padded(head.data_size) > rest:
        return refuse(batch, U64(MALFORMED), head.data_size, U64(IN_DATA))
    batch.data, batch.hashes = data, data + padded(head.data_size)
    rest -= padded(head.data_size)
    if head.blob_count > MOST_BLOBS or head.blob_count * 32 > rest:
        return refuse(batch, U64(MALFORMED), head.blob_count, U64(IN_BLOBS))
    return read_data(batch, data, head.data_size)


@kernel
def read_data(batch: Batch, data: Ptr, size: U64) -> U64:
    """Where the payload lies, and which version of a batch it is."""
    kind = load8(data)
    if kind == ZSTD:
        return refuse(batch, U64(COMPRESSED), U64(0), U64(IN_DATA))
    batch.version, batch.payload, batch.end = U64(0), data + LEGACY_HEAD, data + size
    if kind == LEGACY:
        return U64(OK)
    if kind != PLAIN or size < PLAIN_HEAD:
        return refuse(batch, U64(MALFORMED), kind, U64(IN_DATA))
    batch.version, batch.payload = load8(data + 1), data + PLAIN_HEAD
    length = load8(data + 2) << 16 | load8(data + 3) << 8 | load8(data + 4)
    if length != size - PLAIN_HEAD or batch.version == 0 or batch.version > 2:
        return refuse(batch, U64(MALFORMED), length, U64(IN_DATA))
    return U64(OK)


@kernel
def check_header(batch: Batch, head: BatchInput) -> U64:
    """It follows its parent, and names the data."""
    parent, header, out = head.parent, head.header, batch.out
    keccak256(parent, U64(HEADER), out.parent_batch_hash)
    keccak256(header, U64(HEADER), out.batch_hash)
    keccak256(batch.data, head.data_size, out.data_digest)
    count = head.blob_count
    named = keccak256_word(batch.hashes, count * 32) if count != 0 else load256be(out.data_digest)
    how = expect_word(batch, U64(PARENT_BATCH_HASH), header + PARENT_HASH_AT, out.parent_batch_hash)
    if how == OK:
        next_index = U256(load64be(parent + INDEX_AT)) + 1
        how = expect(batch, U64(BATCH_INDEX), U256(load64be(header + INDEX_AT)), next_index)
    if how == OK:
        how = expect(batch, U64(BATCH_VERSION), U256(load8(header + VERSION_AT)), U256(batch.version))
    if how == OK:
        how = expect(batch, U64(DATA_HASH), load256be(header + DATA_HASH_AT), named)
    if how == OK and count != 0:
        how = expect(batch, U64(BLOB_COUNT), U256(count), U256(blobs_for(head.data_size - 1)))
    return how


@kernel
def find_chunks(batch: Batch) -> U64:
    """Where the chunks lie in the payload, of which no byte is left over."""
    head, at, count = batch.head, batch.payload, U64(0)
    # Not more than there can be witnesses, so that the tables are no larger than the input allows.
    if head.chunk_count > head.size // CHUNK_WITNESS_SIZE:
        return refuse(batch, U64(MALFORMED), head.chunk_count, U64(IN_COUNTS))
    batch.chunks = allocate_many(Allocator(batch.allocator), head.chunk_count, U64(CHUNK_SIZE))
    batch.results = allocate_many(Allocator(batch.allocator), head.chunk_count, U64(CHUNK_RESULT_SIZE))
    if batch.chunks == 0 or batch.results == 0:
        return refuse(batch, U64(NO_ROOM), head.chunk_count, U64(FOR_WALK))
    while at != batch.end:
        left = batch.end - at
        size = bswap(load32(at)) >> 32 if left >= LENGTH else U64(0)
        if size == 0 or size > left - LENGTH:
            return refuse(batch, U64(MALFORMED), count, U64(IN_PAYLOAD))
        if count < head.chunk_count:
            chunk = Chunk(batch.chunks + count * CHUNK_SIZE)
            chunk.config, chunk.version, chunk.scale = head.config, batch.version, head.scale
            chunk.data, chunk.data_size = at + LENGTH, size
        at += size + LENGTH
        count += 1
    if count == 0:
        return refuse(batch, U64(MALFORMED), count, U64(IN_PAYLOAD))
    return expect(batch, U64(CHUNK_COUNT), U256(head.chunk_count), U256(count))


@kernel
def find_witnesses(batch: Batch, end: Ptr) -> U64:
    """Where the chunks' witnesses lie; nothing is left of the input then."""
    at = batch.hashes + batch.head.blob_count * 32
    for i in range(batch.head.chunk_count):
        left = end - at
        size = ChunkWitness(at).size if left >= CHUNK_WITNESS_SIZE else U64(0)
        if size < CHUNK_WITNESS_SIZE or size > left:
            return refuse(batch, U64(MALFORMED), size, U64(IN_WITNESS))
        chunk = Chunk(batch.chunks + U64(i) * CHUNK_SIZE)
        chunk.witness, chunk.witness_size = at, size
        at += size
    if at != end:
        return refuse(batch, U64(MALFORMED), end - at, U64(AT_END))
    return U64(OK)


@kernel
def execute_part(state: Ptr, index: U64, arena: Ptr, arena_size: U64) -> U64:
    """Chunk ``index`` of the ``Batch`` at ``state``, in an arena of zeroed memory, 64-byte aligned; once for each."""
    batch = Batch(state)
    if index >= batch.head.chunk_count:
        return U64(MALFORMED)
    output = batch.results + index * CHUNK_RESULT_SIZE
    return execute_published(Chunk(batch.chunks + index * CHUNK_SIZE), output, arena, arena_size)


@kernel
def end_batch(state: Ptr) -> U64:
    """What the chunks that were executed make of the ``Batch`` at ``state``: its statement."""
    batch = Batch(state)
    how, count = U64(OK), batch.head.chunk_count
    for i in range(count):
        found = ChunkResult(batch.results + U64(i) * CHUNK_RESULT_SIZE)
        if found.status != OK or found.block_count == 0:
            copy(address_of(batch.out.refused), address_of(found), U64(VERDICT_SIZE))
            return refuse(batch, U64(CHUNK_REFUSED), found.status, U64(i))
    for i in range(count):
        found = ChunkResult(batch.results + U64(i) * CHUNK_RESULT_SIZE)
        if U64(i) != 0 and how == OK:
            how = check_link(batch, ChunkResult(address_of(found) - CHUNK_RESULT_SIZE), found)
    if how == OK:
        how = check_messages(batch)
    if how == OK:
        write_ends(batch)
        how = write_openings(batch)
    if how == OK:
        how = write_statement_hash(batch)
    return how


@kernel
def check_link(batch: Batch, before: ChunkResult, after: ChunkResult) -> U64:
    """A chunk goes on where the one before ended."""
    how = expect_word(batch, U64(PRE_STATE_ROOT), after.pre_state_root, before.post_state_root)
    if how == OK:
        how = expect_word(batch, U64(PARENT_BLOCK), after.parent_block_hash, before.last_block_hash)
    if how == OK and after.first_timestamp < before.last_timestamp:  # of which a header has the seconds alone
        how = expect(batch, U64(FIRST_TIME), U256(after.first_timestamp), U256(before.last_timestamp))
    if how == OK:
        how = expect(batch, U64(FIRST_L1_MESSAGE), U256(after.first_l1_message), U256(before.next_l1_message))
    if how == OK:
        how = expect_word(
            batch, U64(ROLLING_HASH_BEFORE), after.rolling_hash_before, before.rolling_hash_after
        )
    return how


@kernel
def check_messages(batch: Batch) -> U64:
    """The first chunk goes on with the parent's messages, and the last ends with the header's."""
    head, count = batch.head, batch.head.chunk_count
    first, last = (
        ChunkResult(batch.results),
        ChunkResult(batch.results + (count - 1) * CHUNK_RESULT_SIZE),
    )
    before, after = head.parent + ROLLING_HASH_AT, head.header + ROLLING_HASH_AT
    how = expect_word(batch, U64(ROLLING_HASH_BEFORE), before, first.rolling_hash_before)
    if how == OK:
        how = expect_word(batch, U64(L1_MSG_ROLLING_HASH), after, last.rolling_hash_after)
    return how


@kernel
def write_ends(batch: Batch) -> None:
    """What the first chunk begins with, and the last one ends with."""
    out, count = batch.out, batch.head.chunk_count
    first, last = (
        ChunkResult(batch.results),
        ChunkResult(batch.results + (count - 1) * CHUNK_RESULT_SIZE),
    )
    copy(out.pre_state_root, first.pre_state_root, U64(32))
    copy(out.parent_block_hash, first.parent_block_hash, U64(32))
    copy(out.post_state_root, last.post_state_root, U64(32))
    copy(out.last_block_hash, last.last_block_hash, U64(32))
    copy(out.l2_msg_root, last.l2_msg_root, U64(32))
    out.last_timestamp, out.blob_count = last.last_timestamp, batch.head.blob_count
