"""Receipts: what the node stores and serves, the bloom filters, and the two roots over transactions and receipts."""

from ..hashes.keccak import keccak256_batch
from ..lang import (
    U64,
    U256,
    Bytes,
    Ptr,
    Record,
    copy,
    fill,
    kernel,
    load8,
    load64,
    store8,
    store64,
    store256be,
)
from ..machine.log import LOG_SIZE, Log
from ..machine.machine import Machine
from ..machine.result import Result
from ..rlp import header_size, string_size, u64_size, write_list_header, write_string, write_u64
from ..trie.mpt import mpt_scratch, ordered_root
from .run import Run, run_at

#: Logs whose bloom digests are made together.
BLOOM_LOGS = 128


class Receipt(Record):
    """A stored receipt. ``created`` is 0 if no contract was created; logs are counted from the block's first."""

    status: U64
    kind: U64
    gas_used: U64
    cumulative_gas: U64
    first_log: U64
    log_count: U64
    blob_gas: U64
    gas_price: U256
    created: U256
    l1_fee: U256
    bloom: Bytes(256)


class StoredLog(Record):
    """A stored log; its data lies at ``data_offset`` in the block's log data."""

    address: U256
    topics: Bytes(128)
    topic_count: U64
    data_offset: U64
    data_size: U64
    transaction: U64


class BlockReceipts(Record):
    """Where the receipts of a block go, and what they sum up to."""

    receipts: Ptr
    logs: Ptr
    log_data: Ptr
    log_capacity: U64
    log_data_capacity: U64
    count: U64
    log_count: U64
    log_data_size: U64
    gas_used: U64
    blob_gas_used: U64
    scratch: Ptr
    scratch_size: U64
    bloom: Bytes(256)
    receipts_root: Bytes(32)
    transactions_root: Bytes(32)


class BloomWork(Record):
    """Messages of which the bloom filters take digests, for up to ``BLOOM_LOGS`` logs at a time."""

    pointers: Bytes(8 * BLOOM_LOGS * 5)
    sizes: Bytes(8 * BLOOM_LOGS * 5)
    digests: Bytes(32 * BLOOM_LOGS * 5)
    addresses: Bytes(32 * BLOOM_LOGS)
    count: U64


RECEIPT_SIZE = Receipt.size
STORED_LOG_SIZE, BLOOM_WORK_SIZE = StoredLog.size, BloomWork.size
OK, TOO_SMALL = 0, 1


@kernel
def add_to_bloom(bloom: Ptr, digest: Ptr) -> None:
    """Set the three bits that a Keccak-256 digest names (Yellow Paper, 4.3.1)."""
    for k in range(3):
        bit = (load8(digest + 2 * k) << 8 | load8(digest + 2 * k + 1)) & 2047
        at = bloom + 255 - (bit >> 3)
        store8(at, load8(at) | (U64(1) << (bit & 7)))


@kernel
def add_message(work: BloomWork, at: Ptr, size: U64) -> None:
    """At most five for each log: its address and four topics, which is what LOG4 has."""
    store64(work.pointers + work.count * 8, at)
    store64(work.sizes + work.count * 8, size)
    work.count += 1


@kernel
def fill_blooms(out: BlockReceipts) -> None:
    """Bloom filters of all receipts from the stored logs; digests are made many at a time."""
    work = BloomWork(out.scratch)
    first = U64(0)
    while first < out.log_count:
        end = first + BLOOM_LOGS if first + BLOOM_LOGS < out.log_count else out.log_count
        work.count = U64(0)
        for i in range(first, end):
            log = StoredLog(out.logs + U64(i) * STORED_LOG_SIZE)
            if not repeats(out, U64(i), first):
                at = work.addresses + (U64(i) - first) * 32
                store256be(at, log.address << 96)
                add_message(work, at, U64(20))
            for k in range(log.topic_count):
                add_message(work, log.topics + U64(k) * 32, U64(32))
        keccak256_batch(work.count, work.pointers, work.sizes, work.digests)
        set_blooms(out, work, first, end)
        first = end


@kernel
def repeats(out: BlockReceipts, i: U64, first: U64) -> bool:
    """Whether log ``i`` has the address of the log before it, and that one's digest is at hand."""
    if i == first:
        return False
    log = StoredLog(out.logs + i * STORED_LOG_SIZE)
    return log.address == StoredLog(out.logs + (i - 1) * STORED_LOG_SIZE).address


@kernel
def set_blooms(out: BlockReceipts, work: BloomWork, first: U64, end: U64) -> None:
    """Bring the digests of the logs ``first`` to ``end`` into their receipts' filters, in the order of messages."""
    digest, of_address = work.digests, work.digests
    for i in range(first, end):
        log = StoredLog(out.logs + U64(i) * STORED_LOG_SIZE)
        bloom = Receipt(out.receipts + log.transaction * RECEIPT_SIZE).bloom
        if not repeats(out, U64(i), first):
            of_address = digest
            digest += 32
        add_to_bloom(bloom, of_address)
        for _ in range(log.topic_count):
            add_to_bloom(bloom, digest)
            digest += 32


@kernel
def log_size(log: Log) -> U64:
    """Bytes of a log's RLP payload."""
    topics = log.topic_count * 33
    return U64(21) + header_size(topics) + topics + string_size(log.data, log.data_size)


@kernel
def write_log(log: Log, p: Ptr) -> Ptr:
    """RLP [address, topics, data]."""
    p = write_list_header(p, log_size(log))
    store256be(p + 1, log.address << 96)
    store8(p, U64(0x94))
    p = write_list_header(p + 21, log.topic_count * 33)
    for k in range(log.topic_count):
        p = write_string(p, log.topics + U64(k) * 32, U64(32))
    return write_string(p, log.data, log.data_size)


@kernel
def receipt_bound(result: Result, m: Machine) -> U64:
    """Upper bound of the bytes of a receipt's consensus encoding."""
    size = U64(320)
    for k in range(result.log_count):
        size += Log(m.logs.records + (result.first_log + U64(k)) * LOG_SIZE).data_size + 192
    return size


@kernel
def encode_receipt(receipt: Receipt, result: Result, m: Machine, p: Ptr) -> Ptr:
    """EIP-2718 consensus encoding: [type ‖] RLP [status, cumulative gas, bloom, logs]."""
    logs = U64(0)
    for k in range(result.log_count):
        size = log_size(Log(m.logs.records + (result.first_log + U64(k)) * LOG_SIZE))
        logs += header_size(size) + size
    if receipt.kind != 0:
        store8(p, receipt.kind)
        p += 1
    payload = U64(1) + u64_size(receipt.cumulative_gas) + 259 + header_size(logs) + logs
    p = write_list_header(p, payload)
    p = write_u64(write_u64(p, receipt.status), receipt.cumulative_gas)
    p = write_string(p, receipt.bloom, U64(256))
    p = write_list_header(p, logs)
    for k in range(result.log_count):
        p = write_log(Log(m.logs.records + (result.first_log + U64(k)) * LOG_SIZE), p)
    return p


@kernel
def store_logs(out: BlockReceipts, result: Result, m: Machine, receipt: Receipt, position: U64) -> bool:
    """Copy a run's logs into the block's."""
    receipt.first_log = out.log_count
    receipt.log_count = result.log_count
    if out.log_count + result.log_count > out.log_capacity:
        return False
    for k in range(result.log_count):
        log = Log(m.logs.records + (result.first_log + U64(k)) * LOG_SIZE)
        if out.log_data_size + log.data_size > out.log_data_capacity:
            return False
        stored = StoredLog(out.logs + out.log_count * STORED_LOG_SIZE)
        stored.address = log.address
        copy(stored.topics, log.topics, U64(128))
        stored.topic_count = log.topic_count
        stored.data_offset = out.log_data_size
        stored.data_size = log.data_size
        stored.transaction = position
        if log.data_size != 0:
            copy(out.log_data + out.log_data_size, log.data, log.data_size)
        out.log_data_size += log.data_size
        out.log_count += 1
    return True


@kernel
def build_receipt(out: BlockReceipts, r: Run, position: U64) -> bool:
    result, m = r.result, r.machine
    receipt = Receipt(out.receipts + position * RECEIPT_SIZE)
    out.gas_used += result.gas_used
    out.blob_gas_used += result.blob_gas
    receipt.status = result.status
    receipt.kind = r.transaction.kind
    receipt.gas_used = result.gas_used
    receipt.cumulative_gas = out.gas_used
    receipt.blob_gas = result.blob_gas
    receipt.gas_price = result.gas_price
    receipt.created = result.created
    receipt.l1_fee = result.l1_fee
    fill(receipt.bloom, U64(0), U64(256))
    return store_logs(out, result, m, receipt, position)


@kernel
def join_blooms(out: BlockReceipts, count: U64) -> None:
    """The block's filter: the union of its receipts'."""
    fill(out.bloom, U64(0), U64(256))
    for i in range(count):
        receipt = Receipt(out.receipts + U64(i) * RECEIPT_SIZE)
        if receipt.log_count != 0:
            for k in range(32):
                at = out.bloom + U64(k) * 8
                store64(at, load64(at) | load64(receipt.bloom + U64(k) * 8))


@kernel
def receipts_scratch(runs: Ptr, order: Ptr, count: U64) -> U64:
    """Scratch bytes that ``build_receipts`` needs at most."""
    raw, encoded = U64(0), U64(0)
    for i in range(count):
        r = run_at(runs, load64(order + U64(i) * 8))
        raw += r.transaction.raw_size
        encoded += receipt_bound(r.result, r.machine)
    return (
        U64(BLOOM_WORK_SIZE)
        + count * 16
        + mpt_scratch(count, raw)
        + mpt_scratch(count, encoded)
        + encoded
        + 64
    )


@kernel
def build_receipts(out: BlockReceipts, runs: Ptr, order: Ptr, count: U64) -> U64:
    """Fill the block's receipts, logs, bloom and the two roots. OK, or TOO_SMALL with nothing of use."""
    out.count = count
    out.log_count, out.log_data_size, out.gas_used, out.blob_gas_used = U64(0), U64(0), U64(0), U64(0)
    if out.scratch_size < BLOOM_WORK_SIZE:
        return U64(TOO_SMALL)
    for i in range(count):
        if not build_receipt(out, run_at(runs, load64(order + U64(i) * 8)), U64(i)):
            return U64(TOO_SMALL)
    fill_blooms(out)
    join_blooms(out, count)
    return roots(out, runs, order, count)


@kernel
def roots(out: BlockReceipts, runs: Ptr, order: Ptr, count: U64) -> U64:
    """Keccak MPT roots over the raw transactions and over the consensus encodings of the receipts."""
    values, total = out.scratch, U64(0)
    if count > out.scratch_size // 16:
        return U64(TOO_SMALL)
    for i in range(count):
        tx = run_at(runs, load64(order + U64(i) * 8)).transaction
        store64(values + U64(i) * 16, tx.raw)
        store64(values + U64(i) * 16 + 8, tx.raw_size)
        total += tx.raw_size
    scratch = values + count * 16
    end = out.scratch + out.scratch_size
    if scratch + mpt_scratch(count, total) > end:
        return U64(TOO_SMALL)
    ordered_root(count, values, out.transactions_root, scratch)
    p, total = scratch, U64(0)
    for i in range(count):
        r = run_at(runs, load64(order + U64(i) * 8))
        if p + receipt_bound(r.result, r.machine) > end:
            return U64(TOO_SMALL)
        after = encode_receipt(Receipt(out.receipts + U64(i) * RECEIPT_SIZE), r.result, r.machine, p)
        store64(values + U64(i) * 16, p)
        store64(values + U64(i) * 16 + 8, after - p)
        total += after - p
        p = after
    scratch = (p + 63) & ~U64(63)
    if scratch + mpt_scratch(count, total) > end:
        return U64(TOO_SMALL)
    ordered_root(count, values, out.receipts_root, scratch)
    return U64(OK)
