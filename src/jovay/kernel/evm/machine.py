"""The machine: everything one worker needs to execute transactions. All records live in arenas the host gives."""

from ..lang import U64, U256, Bytes, Ptr, Record
from ..state.world import BaseAccount, BaseSlot, Code, World


class Block(Record):
    """The environment a block gives its transactions."""

    number: U64
    timestamp: U64
    gas_limit: U64
    base_fee: U256
    blob_base_fee: U256
    prevrandao: U256
    coinbase: U256
    chain_id: U64
    fork: U64
    difficulty: U256  # before Paris
    hashes: Ptr  # 256 × 32 bytes, hash of block n at (n mod 256)
    hashes_known: U64  # how many blocks before this one have their hash there
    fees_to_coinbase: U64  # 1: the whole fee goes to the coinbase (L2 fee vault); 0: the base fee is burnt
    l1_fee_per_byte: U256  # L1 data fee, wei per byte of the raw transaction
    blob_target_update_fraction: U64
    max_blobs: U64


class Account(Record):
    """An account as this view sees it.

    The journal saves 32 bytes from a field on (``state.journal``), so fields that are undone together lie together, and
    none that must outlive a revert is among them.
    """

    address: U256
    balance: U256
    code_hash: U256
    nonce: U64  # from here on 32 bytes are undone together
    code: Code
    exists: U64
    storage_epoch: U64
    base: BaseAccount
    group: U64  # conflict group for which it was loaded; other groups must not see it
    read_only: U64  # 1: predicted as read only
    guessed: U64  # 1: not known, taken for absent
    prepaid: U64  # transaction stamp: the access list names it
    warm: U64  # transaction stamps: equal to the machine's stamp means «in this transaction»; undone together
    created: U64
    destructed: U64
    touched: U64
    listed: U64  # stamp of the dirty list it is on, never undone
    seen: U64  # transaction stamp, never undone: named by the transaction, or by an instruction that paid for it


class Slot(Record):
    """A storage slot as this view sees it; it also carries the transient value of the same key.

    Of the fields that the journal saves, ``value`` and ``transient`` fill its 32 bytes, and the marks behind them have
    only each other and padding behind them.
    """

    key: U256
    account: Account
    storage_epoch: U64
    value: U256
    original: U256
    original_stamp: U64  # of the transaction that accessed the value last, never undone
    loaded: U64  # 0: only the transient value is known; GUESSED: the value is taken for zero
    base: BaseSlot
    listed: U64  # as an account's, never undone
    read_only: U64
    prepaid: U64  # transaction stamp: the access list names it
    transient: U256
    transient_stamp: U64
    warm: U64  # transaction stamp: an instruction accessed the value, which is loaded then
    padding: Bytes(24)


class Frame(Record):
    """One call or create in progress."""

    pc: U64
    gas: U64
    stack: Ptr  # base of this frame's stack
    sp: Ptr  # next free item
    code: Ptr
    code_size: U64
    jumpdests: Ptr
    memory: Ptr
    memory_size: U64
    input: Ptr
    input_size: U64
    address: U256
    caller: U256
    value: U256
    account: Account
    kind: U64  # opcode that entered the frame: CALL, CREATE, …
    static: U64
    out_offset: U64  # where the parent wants the output
    out_size: U64
    journal: U64  # checkpoints
    logs: U64
    log_data: U64
    refund: U64
    code_arena: U64
    touched: U64


class Log(Record):
    """One log; its data lies at ``data`` in the log data arena."""

    address: U256
    topics: Bytes(128)
    topic_count: U64
    data: Ptr
    data_size: U64
    transaction: U64  # index within the run


class Result(Record):
    """What came of one transaction."""

    status: U64  # 1 success, 0 failure (EIP-658)
    how: U64  # how its outermost frame ended
    gas_used: U64
    gas_refunded: U64
    gas_price: U256  # effective
    created: U256  # address of the created contract, 0 if none
    first_log: U64
    log_count: U64
    output_size: U64  # in the machine's return arena
    l1_fee: U256
    fee: U256  # owed to the coinbase, where the view is parallel
    blob_gas: U64


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


#: Bits of ``context``: number or time stamp; randomness or hashes; the price of gas, or the sender's balance.
POSITION, PARENT, PRICE = 1, 2, 4
FRAME_SIZE = Frame.size
ACCOUNT_SIZE = Account.size
SLOT_SIZE = Slot.size
LOG_SIZE = Log.size
STACK_BYTES = 1024 * 32
MISS_SIZE = 96
