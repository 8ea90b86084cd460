"""The statement of a batch: the openings of its blobs, and its hash as L1 computes it (docs/settlement.md)."""

from ..arenas.allocator import Allocator, allocate, allocate_many
from ..curves.blob import MODULUS, WORD, WORDS, evaluate_blob, fill_inverses
from ..hashes.keccak import keccak256, keccak256_word
from ..lang import U64, U256, Ptr, copy, fill, kernel, load256be, store256, store256be
from .batch_records import Batch
from .verdict import FOR_RESULTS, NO_ROOM, OK

#: Bytes of data in a word, and in a blob.
DATA = WORD - 1
CAPACITY = WORDS * DATA
#: Keccak-256 of "Jovay statement 1".
STATEMENT = U256(0x5C54E40DADA52E381F7ECB3599098360852B49534BF3AC86A1ED712C99EFD5CA)
#: Words of the statement's ABI encoding.
FIELDS = 15


@kernel(inline=True)
def blobs_for(size: U64) -> U64:
    """As few blobs as hold ``size`` bytes of data; one at least."""
    return (size + (CAPACITY - 1)) // CAPACITY if size != 0 else U64(1)


@kernel
def write_openings(batch: Batch) -> U64:
    """z and y of every blob."""
    data, left = batch.data + 1, batch.head.data_size - 1
    most = ((left if left < CAPACITY else U64(CAPACITY)) + (DATA - 1)) // DATA
    allocator, count = Allocator(batch.allocator), batch.head.blob_count
    if count == 0:
        return U64(OK)
    words, inverses = (
        allocate_many(allocator, most, U64(WORD)),
        allocate_many(allocator, (most + 1) // 2, U64(WORD)),
    )
    bound = allocate(allocator, U64(64))
    if words == 0 or inverses == 0 or bound == 0:
        batch.out.status, batch.out.detail, batch.out.at = U64(NO_ROOM), most, U64(FOR_RESULTS)
        return U64(NO_ROOM)
    fill_inverses(inverses, (most + 1) // 2)
    copy(bound + 32, batch.out.data_digest, U64(32))
    for i in range(count):
        size = left if left < CAPACITY else U64(CAPACITY)
        used = read_words(words, data, size, U64(i) == 0)
        copy(bound, batch.hashes + U64(i) * 32, U64(32))
        z = keccak256_word(bound, U64(64))
        while z >= MODULUS:
            z -= MODULUS
        at = batch.out.openings + U64(i) * 64
        store256be(at, z)
        store256be(at + 32, evaluate_blob(words, used, inverses, z))
        data, left = data + size, left - size
    return U64(OK)


@kernel
def read_words(words: Ptr, data: Ptr, size: U64, is_first: bool) -> U64:
    """How many words ``size`` bytes of data fill, and these words; the first word of all begins with the DA version,
    which stands before the data, and every other one with a zero.
    """
    whole, rest = size // DATA, size % DATA
    for i in range(whole):
        word = load256be(data + U64(i) * DATA - 1)
        if U64(i) != 0 or not is_first:
            word = word << 8 >> 8
        store256(words + U64(i) * WORD, word)
    if rest == 0 and whole != 0:
        return whole
    last = words + whole * WORD
    fill(last, U64(0), U64(WORD))
    skipped = U64(0) if whole == 0 and is_first else U64(1)
    copy(last + skipped, data + whole * DATA - (1 - skipped), rest + (1 - skipped))
    store256(last, load256be(last))
    return whole + 1


@kernel
def write_statement_hash(batch: Batch) -> U64:
    """keccak of the ABI encoding of what is stated."""
    head, out = batch.head, batch.out
    text = allocate(Allocator(batch.allocator), U64(FIELDS * 32))
    if text == 0:
        out.status, out.detail, out.at = U64(NO_ROOM), U64(0), U64(FOR_RESULTS)
        return U64(NO_ROOM)
    store256be(text, STATEMENT)
    store256be(text + 32, U256(head.l1_chain_id))
    fill(text + 64, U64(0), U64(12))
    copy(text + 76, head.rollup, U64(20))
    store256be(text + 96, U256(out.chain_id))
    copy(text + 128, out.config_hash, U64(32))
    copy(text + 160, out.parent_batch_hash, U64(32))
    copy(text + 192, out.batch_hash, U64(32))
    copy(text + 224, out.pre_state_root, U64(32))
    copy(text + 256, out.post_state_root, U64(32))
    copy(text + 288, out.parent_block_hash, U64(32))
    copy(text + 320, out.last_block_hash, U64(32))
    store256be(text + 352, U256(out.last_timestamp))
    copy(text + 384, out.l2_msg_root, U64(32))
    copy(text + 416, out.data_digest, U64(32))
    keccak256(out.openings, head.blob_count * 64, text + 448)
    keccak256(text, U64(FIELDS * 32), out.statement_hash)
    return U64(OK)
