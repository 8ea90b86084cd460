"""Headers of the blocks that this chain makes, as RLP and as hashes (Yellow Paper, 4.3; EIP-1559, 4895, 4844, 7685)."""

from ..hashes.keccak import keccak256_word
from ..lang import U64, U256, Ptr, Record, fill, kernel, store8, store64be, store256be
from ..machine.environment import Block
from ..protocol.forks import PRAGUE
from ..rlp import (
    Cursor,
    open_list,
    take_bytes,
    take_string,
    take_u64,
    take_u256,
    u64_size,
    u256_size,
    write_list_header,
    write_string,
    write_u64,
    write_u256,
)
from ..words.arith import div
from .receipts import BlockReceipts

UNCLES = U256(0x1DCC4DE8DEC75D7AAB85B567B6CCD41AD312451B948A7413F0A142FD40D49347)
NO_WITHDRAWALS = U256(0x56E81F171BCC55A6FF8345E692C0F86E5B48E01B996CADC001622FB5E363B421)
NO_REQUESTS = U256(0xE3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855)
#: More than any of these headers has.
HEADER_CAPACITY = 1024
#: The bytes of a header but its numbers: eight hashes, coinbase, bloom, extra data, nonce.
FIXED = 8 * 33 + 21 + 259 + 1 + 9
BLOOM, NONCE = 256, 8


class Parent(Record):
    """What a block takes from the header before it."""

    hash: U256
    state_root: Ptr  # 32 bytes in the header
    number: U64
    gas_limit: U64
    gas_used: U64
    timestamp: U64
    base_fee: U256


@kernel
def read_header(at: Ptr, size: U64, cursor: Cursor, out: Parent) -> U64:
    """Read a header of London or later. 0, or RLP's status; what follows the base fee is bound by the hash alone."""
    out.hash = keccak256_word(at, size)
    open_list(cursor, at, at + size)
    take_bytes(cursor, U64(32))
    take_bytes(cursor, U64(32))
    take_bytes(cursor, U64(20))
    out.state_root = take_bytes(cursor, U64(32))
    take_bytes(cursor, U64(32))
    take_bytes(cursor, U64(32))
    take_bytes(cursor, U64(BLOOM))
    take_u256(cursor)  # difficulty
    out.number = take_u64(cursor)
    out.gas_limit = take_u64(cursor)
    out.gas_used = take_u64(cursor)
    out.timestamp = take_u64(cursor)
    take_string(cursor)  # extra data
    take_bytes(cursor, U64(32))
    take_bytes(cursor, U64(NONCE))
    out.base_fee = take_u256(cursor)
    return cursor.status


@kernel
def write_hash(p: Ptr, word: U256) -> Ptr:
    """A hash that is at hand as a word."""
    store8(p, U64(0xA0))
    store256be(p + 1, word)
    return p + 33


@kernel
def write_header(p: Ptr, block: Block, parent: U256, state_root: Ptr, receipts: BlockReceipts) -> Ptr:
    """The header of a block of Cancun or later in ``HEADER_CAPACITY`` bytes at ``p``; the address behind it."""
    numbers = u256_size(block.difficulty) + u64_size(block.number) + u64_size(block.gas_limit)
    numbers += u64_size(receipts.gas_used) + u64_size(block.timestamp) + u256_size(block.base_fee)
    numbers += u64_size(receipts.blob_gas_used) + 1
    requests = U64(33) if block.fork >= PRAGUE else U64(0)
    p = write_list_header(p, U64(FIXED) + numbers + requests)
    p = write_hash(write_hash(p, parent), UNCLES)
    store256be(p + 1, block.coinbase << 96)
    store8(p, U64(0x94))
    p = write_string(p + 21, state_root, U64(32))
    p = write_string(p, receipts.transactions_root, U64(32))
    p = write_string(p, receipts.receipts_root, U64(32))
    p = write_string(p, receipts.bloom, U64(BLOOM))
    p = write_u64(write_u256(p, block.difficulty), block.number)
    p = write_u64(write_u64(p, block.gas_limit), receipts.gas_used)
    p = write_u64(write_u64(p, block.timestamp), U64(0))  # no extra data
    p = write_hash(p, block.prevrandao)
    store8(p, U64(0x80 + NONCE))
    fill(p + 1, U64(0), U64(NONCE))
    p = write_u256(p + 1 + NONCE, block.base_fee)
    p = write_hash(p, NO_WITHDRAWALS)
    p = write_u64(write_u64(p, receipts.blob_gas_used), U64(0))  # no excess blob gas
    p = write_hash(p, U256(0))  # no beacon chain
    return write_hash(p, NO_REQUESTS) if block.fork >= PRAGUE else p


@kernel
def randomness(parent: U256, number: U64, scratch: Ptr) -> U256:
    """``prevRandao`` of a block: Keccak-256 of its parent's hash and its number (8 bytes), with 40 bytes of scratch."""
    store256be(scratch, parent)
    store64be(scratch + 32, number)
    return keccak256_word(scratch, U64(40))


@kernel
def share(fee: U256, part: U64, target: U64) -> U256:
    """An eighth of ``fee`` times ``part`` / ``target``, each division rounded down."""
    return div(div(fee * U256(part), U256(target)), U256(8))


@kernel
def base_fee_after(parent: Parent) -> U256:
    """EIP-1559: the base fee of the block after ``parent``, whose own is below 2⁶⁴."""
    fee, target = parent.base_fee, parent.gas_limit // 2
    if target == 0:
        target = U64(1)
    if parent.gas_used > target:
        more = share(fee, parent.gas_used - target, target)
        return fee + (more if more != 0 else U256(1))
    return fee - share(fee, target - parent.gas_used, target)
