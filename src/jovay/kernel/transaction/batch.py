"""Many transactions at a time: hashes in SIMD lanes, and the arrays that batch recovery reads and writes."""

from jovay.kernel.hashes.keccak import keccak256_batch
from jovay.kernel.lang import U64, Ptr, copy, kernel, load8, load64, store8, store64, store256be

from .decode import parse
from .record import L1_MESSAGE, TRANSACTION_SIZE, Transaction
from .recovery import recover_sender
from .signing import signing_payload
from .status import RECOVERY_FAILED

#: Bytes of one signature for batch recovery: r, s big-endian, then the parity.
SIGNATURE_SIZE = 65


@kernel
def decode_batch(n: U64, pointers: Ptr, sizes: Ptr, records: Ptr, statuses: Ptr, scratch: Ptr) -> None:
    """``decode`` ``n`` transactions: arrays of U64 addresses, sizes, statuses; of ``Transaction`` records.

    Hash and signing hash of a refused transaction mean nothing. ``scratch``: 48 + ``SIGNING_OVERHEAD``
    bytes for each, and as many as all of them have together.
    """
    hashes = scratch + n * 16
    payload = hashes + n * 32
    keccak256_batch(n, pointers, sizes, hashes)
    for i in range(n):
        tx = Transaction(records + U64(i) * TRANSACTION_SIZE)
        status = parse(load64(pointers + i * 8), load64(sizes + i * 8), tx)
        store64(statuses + i * 8, status)
        copy(tx.hash, hashes + i * 32, U64(32))
        size = U64(0)
        if status == 0 and tx.kind != L1_MESSAGE:
            size = signing_payload(tx, payload)
        store64(scratch + i * 8, payload)
        store64(scratch + n * 8 + i * 8, size)
        payload += size
    keccak256_batch(n, scratch, scratch + n * 8, hashes)
    for i in range(n):
        tx = Transaction(records + U64(i) * TRANSACTION_SIZE)
        if tx.kind != L1_MESSAGE:
            copy(tx.signing_hash, hashes + i * 32, U64(32))


@kernel
def signatures_of(n: U64, records: Ptr, statuses: Ptr, digests: Ptr, signatures: Ptr, owners: Ptr) -> U64:
    """Lay out the valid signed transactions of a decoded batch for recovery; returns their number m ≤ n.

    Writes m 32-byte digests, m 65-byte signatures and m U64 indexes into the records (``owners``).
    """
    m = U64(0)
    for i in range(n):
        tx = Transaction(records + U64(i) * TRANSACTION_SIZE)
        if load64(statuses + i * 8) == 0 and tx.kind != L1_MESSAGE:
            copy(digests + m * 32, tx.signing_hash, U64(32))
            signature = signatures + m * SIGNATURE_SIZE
            store256be(signature, tx.r)
            store256be(signature + 32, tx.s)
            store8(signature + 64, tx.y_parity)
            store64(owners + m * 8, U64(i))
            m += 1
    return m


@kernel
def senders_from_keys(
    m: U64, owners: Ptr, keys: Ptr, marks: Ptr, records: Ptr, statuses: Ptr, scratch: Ptr
) -> None:
    """Set the senders of ``m`` recovered transactions, a sender being the last 20 bytes of keccak256(key).

    ``keys``: m public keys of 64 bytes (x, y big-endian); ``marks``: a byte each: 1 recovered, 0 not (status
    ``RECOVERY_FAILED`` then), else try again here. ``scratch``: 48·m + 64 bytes.
    """
    pointers, sizes, hashes = scratch, scratch + m * 8, scratch + m * 16
    for i in range(m):
        store64(pointers + i * 8, keys + i * 64)
        store64(sizes + i * 8, U64(64))
    keccak256_batch(m, pointers, sizes, hashes)
    for i in range(m):
        owner, mark = load64(owners + i * 8), load8(marks + i)
        tx = Transaction(records + owner * TRANSACTION_SIZE)
        if mark == 1:
            copy(tx.sender, hashes + i * 32 + 12, U64(20))
        elif mark == 0 or recover_sender(tx, scratch + m * 48) != 0:
            store64(statuses + owner * 8, U64(RECOVERY_FAILED))
