"""How a stateless program ends, as every one of them writes it at the start of its output."""

from ..lang import U64, Record

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
MISSING_HASH = 11  # BLOCKHASH goes back further than the witness
MISSING_KEY = 12  # the input lacks a slot that the configuration names
WRONG_CONTEXT = 13  # a field of a block context is not what follows from parent, time and configuration
WRONG_MESSAGE = 14  # L1 messages that are not the next of the queue, or not as many as the blocks have
WRONG_BATCH = 15  # the batch says something else than what its data and its chunks make true
CHUNK_REFUSED = 16  # a chunk of the batch does not execute
COMPRESSED = 17  # the data are a zstd frame

#: Places, what ``at`` is of MALFORMED: the part of the input.
(
    IN_HEAD,
    IN_COUNTS,  # more than the input can hold, or a configuration that is none
    IN_FORK,
    IN_HASHES,
    IN_PARENT,
    IN_CHUNK,
    IN_VERSION,
    IN_BLOCK_COUNT,
    IN_MESSAGES,
    IN_MESSAGE,
    IN_STATE,
    IN_CODE,
    IN_MULTIPROOF,
    IN_TRANSACTIONS,
    AT_CHUNK_END,
    AT_END,
) = range(16)
#: Of NO_ROOM and TABLES_FULL: what there is no room for.
(
    FOR_WORLD,
    FOR_MACHINE,
    FOR_BLOCK,
    FOR_NODES,
    FOR_WALK,
    FOR_HASHES,
    FOR_STATE,
    FOR_CODE,
    FOR_MULTIPROOF,
    FOR_LEAVES,
    FOR_TRANSACTION,
    FOR_RESULTS,
) = range(16, 28)
#: Of MALFORMED, in a batch.
(
    IN_DATA,
    IN_PAYLOAD,
    IN_BLOBS,  # more than the program has room for
    IN_WITNESS,
) = range(28, 32)
#: Of WRONG_BATCH: what differs.
(
    PARENT_BATCH_HASH,
    BATCH_INDEX,
    BATCH_VERSION,
    DATA_HASH,
    BLOB_COUNT,
    CHUNK_COUNT,
    PRE_STATE_ROOT,
    PARENT_BLOCK,
    FIRST_TIME,
    FIRST_L1_MESSAGE,
    ROLLING_HASH_BEFORE,
    L1_MSG_ROLLING_HASH,
) = range(12)


class Verdict(Record):
    """How every program's output begins. ``detail`` and ``at`` say more where ``status`` is not OK.

    ``at`` is a place (above), or, of what is wrong with one of many, its index: of a block, a transaction, a leaf.
    """

    status: U64
    detail: U64
    at: U64
