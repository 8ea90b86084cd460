"""Trace events: what a tracer sees of a run, as records in a buffer that the host reads afterwards.

Every event starts with ``Event``; its payload follows directly, and ``size`` counts both in bytes (a multiple of 8).
When the buffer is full, events are dropped and ``overflow`` counts the bytes they needed.
"""

from ..lang import U64, U256, Ptr, Record, copy, kernel
from .machine import FRAME_SIZE, Frame, Machine

ENTER, EXIT, STEP, SELFDESTRUCT = 1, 2, 3, 4
WITH_STEPS, WITH_STACK, WITH_MEMORY, WITH_RETURN_DATA = 1, 2, 4, 8


class Trace(Record):
    buffer: Ptr
    used: U64
    capacity: U64
    overflow: U64
    flags: U64


class Event(Record):
    kind: U64
    size: U64
    depth: U64
    gas: U64


class EnterEvent(Event):
    """Payload: the input. ``parent_gas`` is what the caller has left; ``code_kind`` the entering opcode."""

    code_kind: U64
    from_: U256
    to: U256
    value: U256
    parent_gas: U64
    input_size: U64
    logs: U64


class ExitEvent(Event):
    """Payload: the output."""

    status: U64
    output_size: U64
    logs: U64


class StepEvent(Event):
    """Payload: stack items (bottom first, 32 bytes little-endian), then memory, then return data, as flagged."""

    pc: U64
    opcode: U64
    refund: U64
    stack_count: U64
    memory_size: U64
    return_size: U64
    address: U256


class SelfdestructEvent(Event):
    from_: U256
    to: U256
    value: U256


ENTER_SIZE, EXIT_SIZE, STEP_SIZE, DESTRUCT_SIZE = EnterEvent.size, ExitEvent.size, StepEvent.size, SelfdestructEvent.size


@kernel
def open_event(m: Machine, kind: U64, size: U64, gas: U64) -> Ptr:
    """Room for an event of ``size`` bytes with its head filled in, or 0."""
    t = Trace(m.trace)
    size = (size + 7) & ~U64(7)
    if t.used + size > t.capacity:
        t.overflow += size
        return U64(0)
    e = Event(t.buffer + t.used)
    t.used += size
    e.kind = kind
    e.size = size
    e.depth = m.depth
    e.gas = gas
    return t.buffer + t.used - size


@kernel(inline=False)
def trace_enter(m: Machine, f: Frame) -> None:
    created = f.kind == 0xF0 or f.kind == 0xF5
    data = f.code if created else f.input
    size = f.code_size if created else f.input_size
    at = open_event(m, U64(ENTER), size + ENTER_SIZE, f.gas)
    if at == 0:
        return
    e = EnterEvent(at)
    e.code_kind = f.kind
    e.from_ = f.caller
    e.to = f.address
    e.value = f.value
    e.parent_gas = U64(0)
    if m.depth > 1:
        e.parent_gas = Frame(m.frames + (m.depth - 2) * FRAME_SIZE).gas
    e.input_size = size
    e.logs = m.log_count
    if size != 0:
        copy(at + ENTER_SIZE, data, size)


@kernel(inline=False)
def trace_exit(m: Machine, f: Frame, how: U64) -> None:
    at = open_event(m, U64(EXIT), m.return_size + EXIT_SIZE, f.gas)
    if at == 0:
        return
    e = ExitEvent(at)
    e.status = how
    e.output_size = m.return_size
    e.logs = m.log_count
    if m.return_size != 0:
        copy(at + EXIT_SIZE, m.return_arena, m.return_size)


@kernel(inline=False)
def trace_step(m: Machine, f: Frame, pc: U64, opcode: U64, sp: Ptr, gas: U64) -> None:
    flags = Trace(m.trace).flags
    if flags & WITH_STEPS == 0:
        return
    stack = sp - f.stack if flags & WITH_STACK != 0 else U64(0)
    memory = f.memory_size if flags & WITH_MEMORY != 0 else U64(0)
    returned = m.return_size if flags & WITH_RETURN_DATA != 0 else U64(0)
    at = open_event(m, U64(STEP), stack + memory + returned + STEP_SIZE, gas)
    if at == 0:
        return
    e = StepEvent(at)
    e.pc = pc
    e.opcode = opcode
    e.refund = m.refund
    e.stack_count = stack >> 5
    e.memory_size = f.memory_size
    e.return_size = m.return_size
    e.address = f.address
    at += STEP_SIZE
    copy(at, f.stack, stack)
    copy(at + stack, f.memory, memory)
    copy(at + stack + memory, m.return_arena, returned)


@kernel(inline=False)
def trace_selfdestruct(m: Machine, f: Frame, to: U256, amount: U256) -> None:
    at = open_event(m, U64(SELFDESTRUCT), U64(DESTRUCT_SIZE), f.gas)
    if at == 0:
        return
    e = SelfdestructEvent(at)
    e.from_ = f.address
    e.to = to
    e.value = amount
