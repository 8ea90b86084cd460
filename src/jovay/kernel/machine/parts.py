"""What a machine consists of, each part with the file that works with it."""

from ..lang import U64, U256, Ptr, Record
from .frame import Frame


class Tables(Record):
    """Records of a view (``view``): two append-only arrays with an index each, of the world as of a block."""

    height: U64  # the view reads the world as of this block
    accounts: Ptr
    account_count: U64
    account_capacity: U64
    account_index: Ptr
    account_mask: U64
    slots: Ptr
    slot_count: U64
    slot_capacity: U64
    slot_index: Ptr
    slot_mask: U64
    generation: U64  # of the two indexes; entries of older generations are free
    seed: U64  # of their hashes; the host draws it


class Isolation(Record):
    """What of the world a run may see (``loading``)."""

    group: U64  # conflict group in execution; 0: no ownership rules
    parallel: U64  # 1: one of several views of a block: every key needs a world record, fees are summed
    sealed: U64  # 1: the world is out of reach, every key that is not in the view is a miss


class Misses(Record):
    """Keys that are not in memory (``misses``)."""

    entries: Ptr  # of MISS_SIZE bytes: kind, address, key in 32 bytes each
    count: U64
    capacity: U64
    guessing: (
        U64  # 1: missing keys count as absent for now, so that one run finds many; it is undone in the end
    )
    guesses: U64  # how many there were in this transaction
    trusting: U64  # 1: a transaction that guessed is not undone; the host looks later whether it was right
    suspending: U64  # 1: the code of a transaction is not given up for a missing key, but WAITING


class DirtyList(Record):
    """What the view has changed (``writing``): pointers to Account (bit 0 clear) or Slot (bit 0 set) records."""

    records: Ptr
    count: U64
    capacity: U64
    stamp: U64  # a record that bears it is on the list


class Journal(Record):
    """Undo log of the running transaction (``journal``)."""

    entries: Ptr
    count: U64
    capacity: U64
    finished: U64  # entries of the transaction that was executed last, kept until the next begins


class TouchedList(Record):
    """Accounts touched or destructed in this transaction (``marks``)."""

    accounts: Ptr  # pointers
    count: U64
    capacity: U64


class CallStack(Record):
    """Frames in progress (``evm.frames``), and the arenas in which one frame's share lies above its parent's."""

    current: Frame
    depth: U64  # frames in use
    frames: Ptr
    stacks: Ptr
    memory: Ptr
    memory_capacity: U64


class CodeArena(Record):
    """Code that is not in the world yet: initialisation code, what was deployed, delegations."""

    start: Ptr
    used: U64
    capacity: U64


class Returned(Record):
    """Output of the last child, or of the transaction."""

    data: Ptr
    size: U64
    capacity: U64


class Logs(Record):
    """Log records, and the arena in which their data lies."""

    records: Ptr
    count: U64
    capacity: U64
    data: Ptr
    data_used: U64
    data_capacity: U64


class Scratch(Record):
    """Memory for the time of one instruction, precompile or decoding."""

    start: Ptr
    capacity: U64


class Checkpoint(Record):
    """How much was in use when the running transaction began (``evm.process``)."""

    accounts: U64
    slots: U64
    dirty: U64
    code: U64
    log_data: U64


class Context(Record):
    """The running transaction (``evm.process``)."""

    origin: U256
    gas_price: U256
    blob_hashes: Ptr
    blob_count: U64
    refund: U64
    index: U64  # of the transaction, for logs
    skipped: U64  # which checks a simulated call skips
    observed: U64  # what it asked of its block: POSITION, PARENT, PRICE
    ancestors: U64  # how many blocks back BLOCKHASH went for it


class Preemption(Record):
    """Long runs stop now and then for the host (``preemption``, ``evm.resumable``)."""

    on: U64  # 1: the run is PAUSED when its gas is used up, and DETACHED before a slow precompile
    gas_left: U64  # until the pause, when the running frame began or went on
    pause_below: U64  # the running frame's gas for the same; 0 where this is off
    pending: U64  # how the precompile ended for which the run was DETACHED
    quantum: U64  # of a block's runs: gas until the host looks at the clock; 0 where nobody does
    spent: U64  # gas that such runs spent, whatever became of them; slow precompiles count by their time


class Tracing(Record):
    """What a tracer sees (``evm.trace``)."""

    trace: Ptr  # Trace record, 0 when nobody does
    lacking: U64  # gas, beyond what it had paid, that the instruction needed which ran out of it


class Relocations(Record):
    """Precompiles at other places, for simulated calls (``precompiles.table``)."""

    entries: Ptr  # address (32 bytes), number of the precompile now there (8 bytes, 0: none)
    count: U64
