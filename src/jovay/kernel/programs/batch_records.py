"""What the execution of a batch reads, writes and keeps: its records, and where headers and data have their fields."""

from ..arenas.allocator import ALLOCATOR_SIZE
from ..lang import U64, U256, Bytes, Nested, Ptr, Record
from .settled_config import SIZE as CONFIG_SIZE
from .verdict import Verdict

#: A batch header on the wire: where its fields begin, all big-endian, and its size.
VERSION_AT, INDEX_AT, ROLLING_HASH_AT, DATA_HASH_AT, PARENT_HASH_AT, HEADER = 0, 1, 9, 41, 73, 105
#: DA versions: the payload alone; behind batch version (u8) and length (u24); the same, compressed.
LEGACY, PLAIN, ZSTD = 0, 1, 2
#: Bytes before the payload, the DA version's included.
LEGACY_HEAD, PLAIN_HEAD = 1, 5
#: Bytes of a chunk's length before it.
LENGTH = 4
#: Blobs that there is room for; L1's transactions carry up to 9 (EIP-7691), or 6 (EIP-7594).
MOST_BLOBS = 16


class BatchInput(Record):
    """The head of the input. ``parent`` and ``header`` are batch headers as on the wire."""

    config: Bytes(CONFIG_SIZE)
    l1_chain_id: U64
    rollup: Bytes(20)
    parent: Bytes(HEADER)
    header: Bytes(HEADER)
    data_size: U64  # the DA version included
    blob_count: U64  # 0: the data travelled as calldata
    chunk_count: U64
    size: U64  # of the whole input
    scale: U64  # arena sizes: 0 a guest's, 1 a host's


class BatchResult(Record):
    """What is stated of a batch, where ``status`` is OK; else why it is not."""

    status: U64
    detail: U64
    at: U64
    refused: Nested(Verdict)  # of chunk ``at``, of CHUNK_REFUSED
    claimed: U256  # of WRONG_BATCH
    found: U256
    blob_count: U64
    last_timestamp: U64  # milliseconds
    chain_id: U64
    config_hash: Bytes(32)
    parent_batch_hash: Bytes(32)
    batch_hash: Bytes(32)
    pre_state_root: Bytes(32)
    post_state_root: Bytes(32)
    parent_block_hash: Bytes(32)
    last_block_hash: Bytes(32)
    l2_msg_root: Bytes(32)
    data_digest: Bytes(32)
    statement_hash: Bytes(32)
    openings: Bytes(64 * MOST_BLOBS)  # z and y of each blob


class Batch(Record):
    """A batch at work."""

    head: BatchInput
    out: BatchResult
    data: Ptr  # as calldata, the DA version first
    hashes: Ptr  # versioned hashes
    version: U64
    payload: Ptr
    end: Ptr  # of the payload
    chunks: Ptr  # a ``Chunk`` of each
    results: Ptr  # a ``ChunkResult`` of each
    allocator: Bytes(ALLOCATOR_SIZE)
