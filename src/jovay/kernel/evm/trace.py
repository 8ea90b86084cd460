"""Trace events: what a tracer sees of a run, as records in a buffer that the host reads afterwards.

Every event starts with ``Event``; its payload follows directly, and ``size`` counts both in bytes (a multiple of 8).
When the buffer is full, events are dropped and ``overflow`` counts the bytes they needed.
"""

from ..lang import U64, U256, Bytes, Ptr, Record, address_of, copy, kernel, load256
from ..machine.frame import FRAME_SIZE, Frame
from ..machine.log import Log
from ..machine.machine import Machine
from ..machine.preemption import count_bytes
from ..machine.status import RETURN
from ..machine.view import find_slot_record, slot
from ..protocol.opcodes import CREATE, CREATE2, SLOAD, SSTORE
from .access import sload_price

ENTER, EXIT, STEP, SELFDESTRUCT, REFUSED, LOG = 1, 2, 3, 4, 5, 6
#: What to record: steps, with their stack, memory, return data; calls with their data, and logs.
WITH_STEPS, WITH_STACK, WITH_MEMORY, WITH_RETURN_DATA, WITH_FRAMES = 1, 2, 4, 8, 16


class Trace(Record):
    """``max_steps`` steps are recorded, all others counted."""

    buffer: Ptr
    used: U64
    capacity: U64
    overflow: U64
    flags: U64
    steps: U64
    max_steps: U64


class Event(Record):
    size: U64
    kind: U64
    depth: U64
    gas: U64


class EnterEvent(Event):
    """A frame begins, with ``gas``. Payload: the input.

    ``parent_gas`` is what the caller has left; ``code_kind`` the entering opcode; ``to`` has the code.
    """

    code_kind: U64
    from_: U256
    to: U256
    value: U256
    parent_gas: U64
    input_size: U64


class RefusedEvent(EnterEvent):
    """A frame that did not begin. Payload: the input. ``left`` is the gas it gives back."""

    status: U64
    left: U64


class ExitEvent(Event):
    """A frame ends. Payload: the output, or the code deposited.

    ``gas`` goes back to the caller; ``ended`` was left after the last instruction; ``stack_count`` items were on the
    stack when ``opcode`` ended it; ``refund`` is the counter before a failure resets it,
    ``wanted`` the gas that ``opcode`` lacked if it ran out.
    """

    status: U64
    output_size: U64
    ended: U64
    refund: U64
    opcode: U64
    stack_count: U64
    wanted: U64


class StepEvent(Event):
    """Payload: stack items (bottom first, 32 bytes little-endian), then memory, then return data, as flagged.

    ``storage_key`` and ``storage_value`` are of SLOAD and SSTORE, where ``storage`` is 1.
    """

    pc: U64
    opcode: U64
    refund: U64
    stack_count: U64
    memory_size: U64
    return_size: U64
    storage: U64
    address: U256
    storage_key: U256
    storage_value: U256


class SelfdestructEvent(Event):
    from_: U256
    to: U256
    value: U256


class LogEvent(Event):
    """Payload: the data. ``index`` counts the logs since the machine's first."""

    index: U64
    address: U256
    topics: Bytes(128)
    topic_count: U64
    data_size: U64


ENTER_SIZE, EXIT_SIZE, STEP_SIZE = EnterEvent.size, ExitEvent.size, StepEvent.size
DESTRUCT_SIZE, REFUSED_SIZE, LOG_EVENT_SIZE = SelfdestructEvent.size, RefusedEvent.size, LogEvent.size


@kernel
def open_event(m: Machine, kind: U64, size: U64, gas: U64) -> Ptr:
    """Room for an event of ``size`` bytes with its head filled in, or 0."""
    t = Trace(m.tracing.trace)
    size = (size + 7) & ~U64(7)
    if t.used + size > t.capacity:
        t.overflow += size
        return U64(0)
    e = Event(t.buffer + t.used)
    t.used += size
    count_bytes(m, size)
    e.kind = kind
    e.size = size
    e.depth = m.calls.depth
    e.gas = gas
    return t.buffer + t.used - size


@kernel
def with_frames(m: Machine) -> bool:
    return Trace(m.tracing.trace).flags & WITH_FRAMES != 0


@kernel
def with_events(m: Machine) -> bool:
    """Whether calls are recorded at all: steps need them for their prices."""
    return Trace(m.tracing.trace).flags & (WITH_FRAMES | WITH_STEPS) != 0


@kernel(inline=False)
def trace_enter(m: Machine, f: Frame, code_at: U256) -> None:
    if not with_events(m):
        return
    created = f.kind == CREATE or f.kind == CREATE2
    data = f.code if created else f.input
    size = f.code_size if created else f.input_size
    if not with_frames(m):
        size = U64(0)
    at = open_event(m, U64(ENTER), size + ENTER_SIZE, f.gas)
    if at == 0:
        return
    e = EnterEvent(at)
    e.code_kind = f.kind
    e.from_ = f.caller
    e.to = code_at
    e.value = f.value
    e.parent_gas = U64(0)
    if m.calls.depth > 1:
        parent = Frame(m.calls.frames + (m.calls.depth - 2) * FRAME_SIZE)
        e.from_ = parent.address
        e.parent_gas = parent.gas
    e.input_size = size
    if size != 0:
        copy(at + ENTER_SIZE, data, size)


@kernel(inline=False)
def trace_refused(
    m: Machine,
    kind: U64,
    how: U64,
    from_: U256,
    to: U256,
    value: U256,
    gas: U64,
    left: U64,
    parent_gas: U64,
    data: Ptr,
    size: U64,
) -> None:
    if not with_events(m):
        return
    if not with_frames(m):
        size = U64(0)
    at = open_event(m, U64(REFUSED), size + REFUSED_SIZE, gas)
    if at == 0:
        return
    e = RefusedEvent(at)
    e.code_kind = kind
    e.from_ = from_
    e.to = to
    e.value = value
    e.parent_gas = parent_gas
    e.input_size = size
    e.status = how
    e.left = left
    if size != 0:
        copy(at + REFUSED_SIZE, data, size)


@kernel(inline=False)
def trace_exit(m: Machine, f: Frame, how: U64, ended: U64, refund: U64, opcode: U64) -> None:
    if not with_events(m):
        return
    data, size = m.returned.data, m.returned.size
    if how <= RETURN and (f.kind == CREATE or f.kind == CREATE2):
        data, size = f.input, f.input_size if how == RETURN else U64(0)
    if not with_frames(m):
        size = U64(0)
    at = open_event(m, U64(EXIT), size + EXIT_SIZE, f.gas)
    if at == 0:
        return
    e = ExitEvent(at)
    e.status = how
    e.output_size = size
    e.ended = ended
    e.refund = refund
    e.opcode = opcode
    e.stack_count = (f.sp - f.stack) >> 5
    e.wanted = m.tracing.lacking
    if size != 0:
        copy(at + EXIT_SIZE, data, size)


@kernel(inline=False)
def trace_step(m: Machine, f: Frame, pc: U64, opcode: U64, sp: Ptr, gas: U64) -> bool:
    """Record the step that follows; false where the slice is used up, and the run pauses before it."""
    t = Trace(m.tracing.trace)
    if t.flags & WITH_STEPS == 0:
        return True
    if m.preemption.on != 0 and gas < m.preemption.pause_below:
        return False
    t.steps += 1
    if t.steps > t.max_steps:
        return True
    flags = t.flags
    stack = sp - f.stack if flags & WITH_STACK != 0 else U64(0)
    memory = f.memory_size if flags & WITH_MEMORY != 0 else U64(0)
    returned = m.returned.size if flags & WITH_RETURN_DATA != 0 else U64(0)
    at = open_event(m, U64(STEP), stack + memory + returned + STEP_SIZE, gas)
    if at == 0:
        return True
    e = StepEvent(at)
    e.pc = pc
    e.opcode = opcode
    e.refund = m.tx.refund
    e.stack_count = stack >> 5
    e.memory_size = f.memory_size
    e.return_size = m.returned.size
    e.address = f.address
    e.storage = U64(0)
    if opcode == SLOAD or opcode == SSTORE:
        trace_storage(m, f, e, sp)
    at += STEP_SIZE
    copy(at, f.stack, stack)
    copy(at + stack, f.memory, memory)
    copy(at + stack + memory, m.returned.data, returned)
    return True


@kernel
def trace_storage(m: Machine, f: Frame, e: StepEvent, sp: Ptr) -> None:
    """The slot that SLOAD reads, if ``e.gas`` pays for it, or SSTORE writes, with the value read or written."""
    if e.opcode == SLOAD and sp - f.stack >= 32:
        key = load256(sp - 32)
        known, _ = find_slot_record(m, f.account, key)
        if e.gas >= sload_price(m, known):
            s = slot(m, f.account, key)
            if address_of(s) != 0:  # else the instruction misses it as well
                e.storage, e.storage_key, e.storage_value = U64(1), s.key, s.value
    elif e.opcode == SSTORE and sp - f.stack >= 64:
        e.storage, e.storage_key, e.storage_value = U64(1), load256(sp - 32), load256(sp - 64)


@kernel(inline=False)
def trace_selfdestruct(m: Machine, f: Frame, to: U256, amount: U256) -> None:
    if not with_events(m):
        return
    at = open_event(m, U64(SELFDESTRUCT), U64(DESTRUCT_SIZE), f.gas)
    if at == 0:
        return
    e = SelfdestructEvent(at)
    e.from_ = f.address
    e.to = to
    e.value = amount


@kernel(inline=False)
def trace_log(m: Machine, log: Log, gas: U64) -> None:
    if not with_frames(m):
        return
    at = open_event(m, U64(LOG), U64(LOG_EVENT_SIZE) + log.data_size, gas)
    if at == 0:
        return
    e = LogEvent(at)
    e.index = m.logs.count - 1
    e.address = log.address
    copy(e.topics, log.topics, U64(128))
    e.topic_count = log.topic_count
    e.data_size = log.data_size
    if log.data_size != 0:
        copy(at + LOG_EVENT_SIZE, log.data, log.data_size)
