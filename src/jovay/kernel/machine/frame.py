"""A frame: one call or create in progress."""

from ..lang import U64, U256, Ptr, Record
from .account import Account


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


FRAME_SIZE = Frame.size
STACK_BYTES = 1024 * 32
