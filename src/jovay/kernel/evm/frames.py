"""Entering and leaving frames: checkpoints, value transfer, precompiles, delivery of results (Yellow Paper, 8)."""

from ..hashes.keccak import keccak256_word
from ..lang import U64, U256, Ptr, address_of, copy, kernel, load8, load64, poison, store256, unpoison
from ..machine import status
from ..machine.account import Account
from ..machine.frame import FRAME_SIZE, Frame
from ..machine.journal import undo_to
from ..machine.log import LOG_SIZE
from ..machine.machine import Machine
from ..machine.marks import touch
from ..machine.view import account
from ..machine.writing import set_balance, set_code
from ..precompiles import call_precompile, is_slow, precompile_at
from ..protocol import forks
from ..protocol.gas import CODE_DEPOSIT
from ..protocol.limits import MAX_CODE_SIZE
from ..protocol.opcodes import CREATE, CREATE2
from ..state.code import code_footprint, place_code
from ..state.world import Code
from .trace import trace_enter, trace_exit

DELEGATION_SIZE = 23
LEAST_RETURN = 256
#: Stack items that an instruction takes or makes at most, in bytes.
OPERANDS = 8 * 32
ADDRESS_MASK = U256((1 << 160) - 1)
RIPEMD160_ADDRESS = 3


@kernel
def delegate_of(code: Code) -> U256:
    """2¹⁶⁰ + the address an account delegates to, 0 if its code is no delegation (EIP-7702: 0xef0100 ‖ address)."""
    if address_of(code) == 0 or code.size != DELEGATION_SIZE:
        return U256(0)
    if load8(code.bytes) != 0xEF or load8(code.bytes + 1) != 1 or load8(code.bytes + 2) != 0:
        return U256(0)
    target = U256(1)
    for i in range(20):
        target = target << 8 | U256(load8(code.bytes + 3 + i))
    return target


@kernel
def new_frame(m: Machine, gas: U64) -> Frame:
    """The next frame above the running one, with its checkpoints.

    There is room: callers go no deeper than 1,024, for which frames and stacks suffice (``machine.layout.FRAMES``). Its
    memory begins where its parent's ends, and asks for room when it grows.
    """
    f = Frame(m.calls.frames + m.calls.depth * FRAME_SIZE)
    unpoison(m.calls.frames, address_of(f), U64(FRAME_SIZE))
    if m.calls.depth == 0:
        f.stack = m.calls.stacks
        f.memory = m.calls.memory
    else:
        parent = m.calls.current
        poison(parent.stack, parent.sp - parent.stack + OPERANDS)
        f.stack = parent.sp
        f.memory = parent.memory + parent.memory_size
    f.pc = U64(0)
    f.gas = gas
    f.sp = f.stack
    f.memory_size = U64(0)
    f.journal = m.journal.count
    f.logs = m.logs.count
    f.log_data = m.logs.data_used
    f.refund = m.tx.refund
    f.code_arena = m.code.used
    f.touched = m.touched.count
    return f


@kernel
def forget_frames(m: Machine) -> None:
    """Nothing of stacks and memory is in use any more: the transaction is given up."""
    while m.calls.depth != 0:
        f = Frame(m.calls.frames + (m.calls.depth - 1) * FRAME_SIZE)
        poison(f.stack, f.sp - f.stack + OPERANDS)
        poison(f.memory, f.memory_size)
        m.calls.depth -= 1


@kernel
def start(m: Machine, f: Frame, code_at: U256) -> None:
    """Make ``f`` the running frame; ``code_at`` is the address whose code it runs."""
    m.calls.depth += 1
    m.calls.current = f
    m.returned.size = U64(0)
    if m.tracing.trace != 0:
        trace_enter(m, f, code_at)


@kernel
def set_code_of(f: Frame, code: Code) -> None:
    if address_of(code) == 0:
        f.code = U64(0)
        f.code_size = U64(0)
        f.jumpdests = U64(0)
    else:
        f.code = code.bytes
        f.code_size = code.size
        f.jumpdests = code.jumpdests


@kernel
def transfer(m: Machine, sender: Account, recipient: Account, value: U256) -> bool:
    """Move ``value`` wei (the sender has it); false if the group may not write one of the accounts."""
    touch(m, recipient)
    if value == 0 and recipient.exists == 0 and m.block.fork < forks.SPURIOUS:
        return set_balance(m, recipient, recipient.balance)
    if value == 0 or sender == recipient:
        return True
    return set_balance(m, sender, sender.balance - value) and set_balance(
        m, recipient, recipient.balance + value
    )


@kernel
def enter_call(
    m: Machine,
    kind: U64,
    target: Account,
    code_at: Account,
    caller: Account,
    value: U256,
    transfers: bool,
    f: Frame,
) -> U64:
    """Start the call prepared in ``f`` (input, address, caller, value, static set by the caller).

    ``code_at`` is the account whose code runs. Precompiles run at once. Answers ENTER, the end of the precompile, or
    an abort.
    """
    f.kind = kind
    f.account = target
    if transfers and not transfer(m, caller, target, value):
        return m.abort
    code = code_at.code
    delegated = m.block.fork >= forks.PRAGUE and address_of(code) != 0 and delegate_of(code) != 0
    if delegated:
        other = account(m, delegate_of(code) & ADDRESS_MASK)
        if address_of(other) == 0:
            return m.abort
        code = other.code
        if precompile_at(m, other.address) != 0:
            code = Code(U64(0))
    set_code_of(f, code)
    start(m, f, code_at.address)
    number = U64(0) if delegated else precompile_at(m, code_at.address)
    if number != 0:
        if m.preemption.on != 0 and is_slow(number, f.input_size, f.gas):
            f.pc = number
            return U64(status.DETACHED)
        return run_precompile(m, f, number)
    if f.code_size == 0:
        return U64(status.STOP)
    return U64(status.ENTER)


@kernel
def run_precompile(m: Machine, f: Frame, number: U64) -> U64:
    """Run a precompiled contract in frame ``f``; its output goes to the return arena.

    IDENTITY and MODEXP ask for as much of it as they need, the others return 256 bytes at most.
    """
    if m.returned.capacity < LEAST_RETURN:
        return U64(status.ARENA_FULL)
    how, gas = call_precompile(m, number, f.input, f.input_size, f.gas)
    f.gas = gas
    if how == status.RETURN:
        f.input = m.returned.data
        f.input_size = m.returned.size
    return how


@kernel
def run_detached(m: Machine) -> None:
    """Run the precompile for which the run was DETACHED; it reads no state."""
    m.preemption.pending = run_precompile(m, m.calls.current, m.calls.current.pc)


@kernel
def leave(m: Machine, how: U64) -> U64:
    """End the running frame with ``how`` and hand the result to its parent. Answers NEXT, or an abort."""
    f = m.calls.current
    if m.abort != 0:
        return m.abort
    ended = f.gas
    created = f.kind == CREATE or f.kind == CREATE2
    if created and how <= status.RETURN:
        how = deposit_code(m, f, how)
        if how >= status.ABORT:
            return how
    if not deliver_output(m, f, how, created):
        return m.abort
    refund = m.tx.refund
    opcode = U64(0)
    if m.tracing.trace != 0 and f.code_size != 0:  # before a creation's code is undone
        opcode = load8(f.code + f.pc)
    if how >= status.REVERT:
        undo_frame(m, f)
        if m.abort != 0:
            return m.abort
        if how >= status.EXCEPTIONAL:
            f.gas = U64(0)
    if m.tracing.trace != 0:
        trace_exit(m, f, how, ended, refund, opcode)
    poison(f.stack, f.sp - f.stack + OPERANDS)
    poison(f.memory, f.memory_size)
    m.calls.depth -= 1
    if m.calls.depth == 0:
        return how
    parent = Frame(m.calls.frames + (m.calls.depth - 1) * FRAME_SIZE)
    m.calls.current = parent
    unpoison(m.calls.stacks, parent.stack, parent.sp - parent.stack + 32)
    parent.gas += f.gas
    success = how <= status.RETURN
    result = U256(success)
    if created:
        if success:
            result = f.address
    else:
        size = m.returned.size if m.returned.size < f.out_size else f.out_size
        if size != 0:
            copy(parent.memory + f.out_offset, m.returned.data, size)
    store256(parent.sp, result)
    parent.sp += 32
    return U64(status.NEXT)


@kernel(inline=False)
def undo_frame(m: Machine, f: Frame) -> None:
    """Undo what the running frame and those it entered have done."""
    kept = U64(0)
    if m.block.fork >= forks.SPURIOUS and m.block.fork < forks.PARIS:
        kept = touched_ripemd160(m, f.touched)
    undo_to(m, f.journal)
    poison(m.logs.records + f.logs * LOG_SIZE, (m.logs.count - f.logs) * LOG_SIZE)
    poison(m.logs.data + f.log_data, m.logs.data_used - f.log_data)
    poison(m.code.start + f.code_arena, m.code.used - f.code_arena)
    poison(m.touched.accounts + f.touched * 8, (m.touched.count - f.touched) * 8)
    m.logs.count = f.logs
    m.logs.data_used = f.log_data
    m.tx.refund = f.refund
    m.code.used = f.code_arena
    m.touched.count = f.touched
    if kept != 0:
        touch(m, Account(kept))


@kernel
def touched_ripemd160(m: Machine, first: U64) -> Ptr:
    """The account 0x03 if it is among the touched ones from ``first`` on, else 0.

    Its touch survives when a frame is undone: in block 2,675,119 of the main chain it was removed although the call
    had run out of gas (EIP-161; since Paris no empty accounts are left).
    """
    for i in range(first, m.touched.count):
        a = load64(m.touched.accounts + U64(i) * 8)
        if Account(a).address == RIPEMD160_ADDRESS:
            return a
    return U64(0)


@kernel
def deliver_output(m: Machine, f: Frame, how: U64, created: bool) -> bool:
    """Bring the frame's output into the return arena (a successful create returns nothing); false where it is full."""
    m.returned.size = U64(0)
    if how == status.REVERT or (how == status.RETURN and (not created or m.calls.depth == 1)):
        if f.input_size > m.returned.capacity:
            m.abort = U64(status.ARENA_FULL)
            return False
        if f.input_size != 0 and f.input != m.returned.data:
            copy(m.returned.data, f.input, f.input_size)
        m.returned.size = f.input_size
    return True


@kernel
def deposit_code(m: Machine, f: Frame, how: U64) -> U64:
    """Pay for and store what an initialisation returned (EIP-170, EIP-3541, EIP-2)."""
    from_, size = f.input, f.input_size
    if how == status.STOP:
        size = U64(0)
    fork = m.block.fork
    if fork >= forks.SPURIOUS and size > MAX_CODE_SIZE:
        return U64(status.CODE_TOO_LARGE)
    if fork >= forks.LONDON and size != 0 and load8(from_) == 0xEF:
        return U64(status.INVALID_CODE_PREFIX)
    if f.gas < size * CODE_DEPOSIT:
        if fork >= forks.HOMESTEAD:
            return U64(status.CODE_STORE_OUT_OF_GAS)
        f.input_size = U64(0)
        return how
    f.gas -= size * CODE_DEPOSIT
    if size == 0:
        return how
    if m.code.used + code_footprint(size) > m.code.capacity:
        return U64(status.ARENA_FULL)
    unpoison(m.code.start, m.code.start + m.code.used, code_footprint(size))
    code = place_code(m.code.start + m.code.used, from_, size, keccak256_word(from_, size))
    m.code.used += code_footprint(size)
    if not set_code(m, f.account, code, code.hash):
        return m.abort
    return how
