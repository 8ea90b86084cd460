"""What the execution of a chunk reads, writes and keeps: its records, and block contexts as they are published."""

from ..block.header import Parent
from ..lang import U64, U256, Bytes, Ptr, Record, kernel, load8, load64be
from ..rlp import CURSOR_SIZE
from .settled_config import SIZE as CONFIG_SIZE
from .settled_config import SettledConfig

#: A block context on the wire: where its fields begin, all big-endian, and its size.
SPEC_VERSION_AT, NUMBER_AT, TIMESTAMP_AT, BASE_FEE_AT, GAS_LIMIT_AT = 0, 4, 12, 20, 28
TRANSACTION_COUNT_AT, MESSAGE_COUNT_AT, CONTEXT = 36, 38, 40
#: Bytes of the number of blocks before the contexts: up to batch version 1, and in version 2.
SHORT_COUNT, LONG_COUNT = 1, 4


class ChunkInput(Record):
    """The head of the input. ``version`` is the batch's: 0 and 1 count blocks in a byte, 2 in four."""

    config: Bytes(CONFIG_SIZE)
    version: U64
    chunk_size: U64
    scale: U64  # arena sizes: 0 a guest's, 1 a host's


class ChunkWitness(Record):
    """The head of a chunk's witness."""

    parent_size: U64  # of the parent header's RLP
    first_l1_message: U64
    l1_message_count: U64
    rolling_hash: Bytes(32)  # of the L1 messages before the chunk
    hash_count: U64
    account_count: U64
    slot_count: U64
    code_count: U64
    multiproof_size: U64
    size: U64  # of the whole witness


class Chunk(Record):
    """Where what a chunk is executed from lies."""

    config: Ptr
    version: U64
    scale: U64
    data: Ptr  # as published
    data_size: U64
    witness: Ptr
    witness_size: U64


class ChunkResult(Record):
    """What is stated of a chunk. ``detail`` and ``at`` say more where ``status`` is not OK; the rest is zero then."""

    status: U64
    detail: U64
    at: U64
    block_count: U64
    transaction_count: U64
    gas_used: U64
    first_l1_message: U64
    next_l1_message: U64
    first_timestamp: U64  # milliseconds
    last_timestamp: U64
    config_hash: Bytes(32)
    chunk_hash: Bytes(32)  # Keccak-256 of the published bytes
    pre_state_root: Bytes(32)
    post_state_root: Bytes(32)
    parent_block_hash: Bytes(32)
    last_block_hash: Bytes(32)
    rolling_hash_before: Bytes(32)
    rolling_hash_after: Bytes(32)
    l2_msg_root: Bytes(32)


class Walk(Record):
    """Where the execution of a chunk stands."""

    config: Bytes(SettledConfig.size)
    parent: Bytes(Parent.size)
    parent_hash: U256  # of the block before the chunk
    root: Bytes(32)
    rolling: Bytes(64)  # the rolling hash, and room for the message hash behind it
    cursor: Bytes(CURSOR_SIZE)
    contexts: Ptr
    block_count: U64
    transactions: Ptr  # the rest of them, as published
    end: Ptr
    messages: Ptr
    messages_left: U64
    next_message: U64
    milliseconds: U64
    hashes: Ptr
    header: Ptr
    transaction_count: U64
    gas_used: U64


@kernel(inline=True)
def timestamp_of(context: Ptr) -> U64:
    """Milliseconds."""
    return load64be(context + TIMESTAMP_AT)


@kernel(inline=True)
def transactions_of(context: Ptr) -> U64:
    """L1 messages included."""
    return load8(context + TRANSACTION_COUNT_AT) << 8 | load8(context + TRANSACTION_COUNT_AT + 1)


@kernel(inline=True)
def messages_of(context: Ptr) -> U64:
    return load8(context + MESSAGE_COUNT_AT) << 8 | load8(context + MESSAGE_COUNT_AT + 1)
