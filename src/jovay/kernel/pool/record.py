"""Records of the pool. Positions in links are counted from 1, so that 0 means none."""

from ..lang import U64, Bytes, Ptr, Record
from ..transaction.record import Transaction

#: Codes of the pool's own, beside those of decoding and of ``evm.validity``.
ALREADY_KNOWN, UNDERPRICED_REPLACEMENT, POOL_FULL, SENDER_FULL = range(512, 516)
OVERSIZED, BLOBS_NOT_TAKEN, UNDERPRICED, GAS_ABOVE_BLOCK = range(516, 520)

#: States of an entry. TAKEN: into a block that is being made; CROWDED: that had no room for it, while it is settled.
FREE, READY, TAKEN, WAITING, CROWDED = range(5)


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
    waiting: U64
    batches: Ptr
    released: Ptr  # numbers of batches that nothing refers to any more, for the host to take
    released_count: U64
    thin: (
        Ptr  # numbers of batches of which so little is left that it should move; some may be released by now
    )
    thin_count: U64
    takes: U64  # how many takes there were
    settlements: U64  # how many of dropped transactions
    # Limits.
    most: U64
    most_waiting: U64
    per_sender: U64
    waiting_per_sender: U64
    most_bytes: U64
    most_gas: U64
    bump: U64  # percent that a replacement must pay of what it replaces
    tries: U64  # how many blocks may have no room for a transaction before it goes


class Entry(Record):
    """A transaction. ``turn`` grows when it leaves, or waits again: references of an older turn are stale."""

    hash: Bytes(32)
    transaction: Transaction  # lives as long as its batch
    nonce: U64
    gas: U64
    sender: U64  # position
    batch: U64
    arrived: U64  # the host's time
    turn: U64  # modulo 2³²
    state: U64
    tries: U64  # blocks that had no room for what it does
    next: U64  # of the same sender, or of the free ones
    previous: U64


class Sender(Record):
    """One sender's transactions. ``next_nonce`` is what would become ready next; ``ready`` counts what is taken too."""

    address: Bytes(20)
    next_nonce: U64
    ready: U64
    waiting: U64
    first: U64  # entry, or the next free sender
    live: U64
    crowded: U64  # number of the last settlement that put one of its transactions at the queue's head


class Batch(Record):
    """Transactions that came together, whose memory goes together: ``live`` of them are in the pool."""

    live: U64
    seen: U64  # number of the last take that met it
    size: U64  # transactions of a batch that may become thin, else 0


#: A batch is thin when it has less than one transaction left in so many; below so many it does not matter.
THIN_PART, THIN_LEAST = 8, 16
ENTRY_SIZE, SENDER_SIZE, BATCH_SIZE = Entry.size, Sender.size, Batch.size
