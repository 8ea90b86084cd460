"""Records of the pool. Positions in links are counted from 1, so that 0 means none."""

from ..lang import U64, U256, Bytes, Ptr, Record
from ..transaction.record import Transaction

#: Codes of the pool's own, beside those of decoding and of ``evm.validity``.
ALREADY_KNOWN, UNDERPRICED_REPLACEMENT, POOL_FULL, SENDER_FULL = range(512, 516)
OVERSIZED, BLOBS_NOT_TAKEN, UNDERPRICED, GAS_ABOVE_BLOCK = range(516, 520)
DELEGATED_FULL, DELEGATED_GAP, OVERDRAWN, BUSY = range(520, 524)

#: States of an entry. READY: in the queue. PASSED: the queue has come to it, but one before it was put back; it follows
#: that one. TAKEN: into a block that is being made. ASIDE: executed beside the blocks; those after it are passed.
#: INCLUDED: in a block that nobody sees yet; this need not be marked where the account's nonce says it
#: (``is_included``). WAITING: for an earlier nonce, or for money.
FREE, READY, PASSED, TAKEN, INCLUDED, WAITING, ASIDE = range(7)

#: Why an entry left: seen in a block, replaced by another, driven out by a better paying one, too old, no room to wait,
#: its nonce used up, impossible in any block, on request.
SETTLED, REPLACED, EVICTED, EXPIRED, CROWDED_OUT, OUTDATED, INVALID, REQUESTED = range(8)
REASONS = 8


class Pool(Record):
    """All of it. ``capacity`` entries, one sender more; ``mask`` + 1 words in each index, at least twice as many."""

    capacity: U64
    entries: Ptr
    entries_used: U64
    free_entry: U64
    senders: Ptr
    senders_used: U64
    free_sender: U64
    by_hash: Ptr
    by_sender: Ptr
    by_nonce: Ptr
    mask: U64
    seed: U64  # of the indexes' hashes; the host draws it
    queue: Ptr  # ring of references to ready entries, as long as an index; ``head`` and ``tail`` only grow
    head: U64
    tail: U64
    count: U64
    bytes: U64
    waiting: U64
    waiting_bytes: U64
    oldest: U64  # of the waiting, and the youngest
    youngest: U64
    now: U64  # the host's time at its last call
    prices: Ptr  # Bucket records: of what is ready or passed, then of what waits
    marks: Ptr  # a bit for each bucket that is not empty
    batches: Ptr
    released: Ptr  # numbers of batches that nothing refers to any more, for the host to take
    released_count: U64
    thin: (
        Ptr  # numbers of batches of which so little is left that it should move; some may be released by now
    )
    thin_count: U64
    takes: U64  # how many takes there were
    left: Ptr  # how many entries left for each reason
    # Limits.
    most: U64
    most_bytes: U64
    most_waiting: U64
    most_waiting_bytes: U64
    per_sender: U64
    waiting_per_sender: U64
    per_delegated: U64
    most_size: U64  # of one raw transaction
    most_gas: U64
    bump: U64  # percent that a replacement must pay of what it replaces
    tries: U64  # how many blocks may have no room for a transaction before it goes


class Entry(Record):
    """A transaction. ``turn`` grows when it leaves, or waits again: references of an older turn are stale.

    What is used together lies together, by lines of 64 bytes.
    """

    turn: U64  # modulo 2³²
    state: U64
    nonce: U64
    sender: U64  # position
    gas: U64
    batch: U64
    transaction: Transaction  # lives as long as its batch
    arrived: U64  # the host's time

    price: U64  # bucket of what it pays
    bytes: U64  # its record and its raw transaction
    beside: U64  # neighbours in its bucket
    before: U64
    cost: U256  # the most that it takes from its sender

    hash: Bytes(32)
    left: U64  # of the tree of its sender's waiting ones; of a free entry the next free one
    right: U64
    older: U64  # neighbours among all that wait
    younger: U64

    since: U64  # when it began to wait
    tries: U64  # blocks that had no place for it
    unused: Bytes(48)


class Sender(Record):
    """One sender's transactions. Ready are all from ``next_nonce`` - ``ready`` on, paid for by ``balance`` together."""

    address: Bytes(20)
    nonce: U64  # of the account, as far as it is known
    next_nonce: U64  # what would become ready next
    next_taken: U64  # what a block may take next: it is in the queue, if it is ready
    ready: U64  # READY, PASSED, ASIDE, or TAKEN and not included
    included: U64  # INCLUDED, or TAKEN with a nonce that the account has used

    waiting: U64
    passed: U64
    delegated: U64  # its account runs code (EIP-7702)
    live: U64
    balance: U256

    spent: U256  # the most that its ready transactions cost
    root: U64  # tree of the waiting by nonce, or the next free sender
    unused: Bytes(24)


class Bucket(Record):
    """Entries that pay about the same, the newest first."""

    first: U64
    bytes: U64


class Batch(Record):
    """Transactions that came together, whose memory goes together: ``live`` of them are in the pool."""

    live: U64
    live_bytes: U64
    seen: U64  # number of the last take that met it
    size: U64  # bytes of a batch that may become thin, else 0


#: A batch is thin when less than one byte in so many is left of it; smaller ones do not matter.
THIN_PART, THIN_LEAST = 4, 4096
ENTRY_SIZE, SENDER_SIZE, BATCH_SIZE, BUCKET_SIZE = Entry.size, Sender.size, Batch.size, Bucket.size
