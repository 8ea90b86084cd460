"""The machine: everything one worker needs to execute transactions. All records live in arenas the host gives."""

from ..lang import U64, U256, Ptr, Record
from ..state.world import World
from .environment import Block
from .frame import Frame


class Machine(Record):
    """One worker: tables of its view, journal, frames, stacks, memory, logs."""

    world: World
    block: Block
    height: U64  # the view reads the world as of this block
    group: U64  # conflict group in execution; 0: no ownership rules
    parallel: (
        U64  # 1: one of several views of the same block: every key needs a world record, fees are summed
    )
    stamp: U64  # of the running transaction
    paced: U64  # 1: the run is PAUSED when a slice of gas is used up, and DETACHED before a slow precompile
    slice_left: U64  # gas until the pause, when the running frame began or went on
    pause_below: U64  # the running frame's gas for the same; 0 where not paced
    pending: U64  # how the precompile ended for which the run was DETACHED
    slice: U64  # of a block's runs: gas until the host looks at the clock; 0 where nobody does
    spent: U64  # gas that paced runs spent, whatever became of them; slow precompiles count by their time
    isolated: U64  # 1: the world is out of reach, every key that is not in the view is a miss
    context: U64  # what the running transaction asked of its block: POSITION, PARENT, PRICE
    ancestors: U64  # how many blocks back BLOCKHASH went for it
    abort: U64  # why the running transaction must be given up: a look-up gave the null record, or an arena is full
    guessing: (
        U64  # 1: missing keys count as absent for now, so that one run finds many; it is undone in the end
    )
    guesses: U64  # how many there were in this transaction
    trusting: U64  # 1: a transaction that guessed is not undone; the host looks later whether it was right
    patient: U64  # 1: the code of a transaction is not given up for a missing key, but WAITING
    # view tables
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
    dirty: Ptr  # pointers to Account (bit 0 clear) or Slot (bit 0 set) records
    dirty_count: U64
    dirty_capacity: U64
    dirty_stamp: U64
    misses: Ptr  # pairs of words (address, key); key record is preceded by a kind: 96 bytes each
    miss_count: U64
    miss_capacity: U64
    # execution
    journal: Ptr
    journal_count: U64
    journal_capacity: U64
    frames: Ptr
    depth: U64  # frames in use
    frame: Frame
    stack_arena: Ptr
    memory_arena: Ptr
    memory_capacity: U64
    code_arena: Ptr
    code_used: U64
    code_capacity: U64
    return_arena: Ptr  # output of the last child, or of the transaction
    return_size: U64
    return_capacity: U64
    logs: Ptr
    log_count: U64
    log_capacity: U64
    log_data: Ptr
    log_data_used: U64
    log_data_capacity: U64
    touched: Ptr  # pointers to accounts touched or destructed in this transaction
    touched_count: U64
    touched_capacity: U64
    log_data_mark: U64  # use of two arenas when the running transaction began
    code_mark: U64
    account_mark: U64  # and of the view's tables
    slot_mark: U64
    dirty_mark: U64
    scratch: Ptr
    scratch_capacity: U64
    # the running transaction
    flags: U64  # which checks a simulated call skips
    origin: U256
    gas_price: U256
    blob_hashes: Ptr
    blob_count: U64
    refund: U64
    transaction: U64  # index, for logs
    trace: Ptr  # Trace record, 0 when not tracing
    wanted: U64  # gas, beyond what it had paid, that the instruction needed which ran out of it
    written: U64  # journal entries of the transaction that was executed last
    moved: Ptr  # overridden precompiles: address (32 bytes), number of the precompile now there (8 bytes, 0: none)
    moved_count: U64
    seed: U64
