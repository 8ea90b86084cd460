"""One message on a state of its own: what ``jovay evm run`` executes, with the events of its trace.

No transaction surrounds the message: it pays nothing, and all its gas is the frame's.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jovay.compiler.arena import Arena
from jovay.compiler.native import Library
from jovay.kernel.evm import forks, status, trace, validity
from jovay.kernel.evm import gas as prices
from jovay.kernel.evm.machine import LOG_SIZE, Log
from jovay.kernel.evm.process import process_transaction
from jovay.kernel.transaction.record import Transaction
from jovay.storage.genesis import Genesis, state_changes
from jovay.storage.kv import MemoryKV
from jovay.storage.state import TABLES, StateStore

from .errors import ExecutionError
from .hashing import keccak256
from .machine import NativeMachine
from .records import View, sizes_record
from .world import NativeWorld
from .writes import StoredState


@dataclass(frozen=True)
class Message:
    """A call (or with ``to`` None a creation, whose init code is ``data``). Addresses are 20 bytes, wei, gas."""

    sender: bytes
    to: bytes | None
    data: bytes = b""
    gas: int = 10**10
    value: int = 0
    price: int = 0


@dataclass(frozen=True)
class Step:
    """The state before an instruction; ``cost`` is None where the trace does not say what was paid."""

    pc: int
    opcode: int
    gas: int
    cost: int | None
    depth: int
    refund: int
    memory_size: int
    stack: tuple[int, ...]


@dataclass(frozen=True)
class EmittedLog:
    """An event: address (20 bytes), topics (32 bytes each), data."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True)
class MessageOutcome:
    """What came of a message; ``error`` is empty for success. ``gas_used`` is before refunds."""

    output: bytes
    error: str
    gas_used: int
    gas_refunded: int
    created: bytes | None = None
    logs: tuple[EmittedLog, ...] = ()
    steps: tuple[Step, ...] = field(default=(), repr=False)
    steps_lost: bool = False


def _write_block(block: View, genesis: Genesis, fork: int) -> None:
    """The environment: that of the genesis file, with the fork's rules and no base fee."""
    values = {
        "number": genesis.number,
        "timestamp": genesis.timestamp,
        "gas_limit": genesis.gas_limit,
        "base_fee": 0,
        "blob_base_fee": 1,
        "coinbase": int.from_bytes(genesis.coinbase, "big"),
        "chain_id": genesis.config.chain_id,
        "fork": fork,
        "prevrandao": int.from_bytes(genesis.mix_hash, "big"),
        "difficulty": genesis.difficulty,
    }
    for name, value in values.items():
        setattr(block, name, value)


def run_message(
    library: Library, genesis: Genesis, fork: int, message: Message, trace_bytes: int = 0
) -> MessageOutcome:
    """Execute ``message`` on the alloc of ``genesis``; up to ``trace_bytes`` of steps are kept.

    Raises ``ExecutionError`` if it cannot start or does not fit into memory.
    """
    store = StateStore(MemoryKV(TABLES))
    store.write(0, state_changes(genesis, lambda data: keccak256(library, data)), sync=False)
    world = NativeWorld(library, 1 << 18, 1 << 20, 64 << 20, 0, StoredState(store))
    machine = NativeMachine(library, world)
    _write_block(machine.block, genesis, fork)
    machine.view.flags = validity.ANY_NONCE | validity.ANY_BALANCE | validity.SIMULATED
    buffer = Arena(max(4096, trace_bytes))
    with_steps = trace.WITH_STEPS | trace.WITH_STACK if trace_bytes else 0
    recorder = sizes_record(
        trace.Trace, {"buffer": buffer.address, "capacity": buffer.size, "flags": with_steps}
    )
    tape = View(trace.Trace, ctypes.addressof(recorder))
    machine.view.trace = tape.address
    record, _kept = _transaction(message, fork)
    how = _run(library, world, machine, tape, ctypes.addressof(record))
    if how != validity.VALID:
        why = validity.MESSAGES.get(how) or status.MESSAGES.get(how) or f"status {how}"
        raise ExecutionError(f"the message cannot be executed: {why}")
    return _outcome(machine, message, _Events(tape))


def _transaction(message: Message, fork: int) -> tuple[ctypes.Array[Any], ctypes.Array[Any]]:
    """The record, with its intrinsic gas on top, and the data it points to."""
    # Data bytes are left uncounted, so that they cost nothing before the frame begins.
    intrinsic = prices.TX_BASE
    if message.to is None:
        intrinsic += prices.TX_CREATE if fork >= forks.HOMESTEAD else 0
        intrinsic += prices.INITCODE_WORD * (-(-len(message.data) // 32)) if fork >= forks.SHANGHAI else 0
    data = ctypes.create_string_buffer(message.data, max(1, len(message.data)))
    record = sizes_record(
        Transaction,
        {
            "gas_limit": message.gas + intrinsic,
            "has_to": int(message.to is not None),
            "max_fee": message.price,
            "max_priority_fee": message.price,
            "value": message.value,
            "data": ctypes.addressof(data),
            "data_size": len(message.data),
        },
    )
    view = View(Transaction, ctypes.addressof(record))
    view.sender = message.sender  # type: ignore[assignment]
    view.to = message.to or bytes(20)  # type: ignore[assignment]
    return record, data


def _run(library: Library, world: NativeWorld, machine: NativeMachine, tape: View, record: int) -> int:
    """Execute, bring missing keys into memory and begin again, until there is an end."""
    while True:
        tape.used = tape.overflow = 0
        how = library[process_transaction](machine.address, record, (1 << 64) - 1, machine.result.address)
        if how != status.MISS:
            return int(how)
        world.load(machine.take_misses())


class _Events:
    """The events on a tape, in order, as (kind, view, address of the payload)."""

    def __init__(self, tape: View) -> None:
        self.begin, self.end, self.overflow = tape.buffer, tape.buffer + tape.used, tape.overflow

    def __iter__(self) -> Iterator[tuple[int, View, int]]:
        kinds = {
            trace.ENTER: (trace.EnterEvent, trace.ENTER_SIZE),
            trace.EXIT: (trace.ExitEvent, trace.EXIT_SIZE),
            trace.STEP: (trace.StepEvent, trace.STEP_SIZE),
            trace.SELFDESTRUCT: (trace.SelfdestructEvent, trace.DESTRUCT_SIZE),
        }
        at = self.begin
        while at < self.end:
            head = View(trace.Event, at)
            record, size = kinds[head.kind]
            yield head.kind, View(record, at), at + size
            at += head.size


def _outcome(machine: NativeMachine, message: Message, events: _Events) -> MessageOutcome:
    result, view = machine.result, machine.view
    steps, left = _read(events)
    output = ctypes.string_at(view.return_arena, result.output_size)
    how = result.how
    return MessageOutcome(
        output=output,
        error="" if result.status else status.MESSAGES.get(how, f"status {how}"),
        gas_used=message.gas - left,
        gas_refunded=result.gas_refunded,
        created=result.created.to_bytes(20, "big") if message.to is None else None,
        logs=tuple(_logs(machine)),
        steps=steps,
        steps_lost=events.overflow > 0,
    )


def _logs(machine: NativeMachine) -> Iterator[EmittedLog]:
    for index in range(machine.view.log_count):
        log = View(Log, machine.view.logs + index * LOG_SIZE)
        topics = log.topics
        yield EmittedLog(
            log.address.to_bytes(20, "big"),
            tuple(topics[32 * k : 32 * k + 32] for k in range(log.topic_count)),
            ctypes.string_at(log.data, log.data_size),
        )


def _read(events: _Events) -> tuple[tuple[Step, ...], int]:
    """The steps, and the gas that the outermost frame left over.

    An instruction's cost is the gas it had less the gas its frame had at the next event: of the same
    frame, or of a frame that it entered, whose event tells what the caller kept.
    """
    steps: list[Step] = []
    pending: dict[int, int] = {}
    left = 0
    for kind, event, payload in events:
        depth = event.depth
        if kind == trace.STEP:
            _pay(steps, pending.pop(depth, None), event.gas)
            pending[depth] = len(steps)
            stack = ctypes.string_at(payload, 32 * event.stack_count)
            items = tuple(int.from_bytes(stack[k : k + 32], "little") for k in range(0, len(stack), 32))
            steps.append(
                Step(event.pc, event.opcode, event.gas, None, depth, event.refund, event.memory_size, items)
            )
        elif kind == trace.ENTER:
            _pay(steps, pending.pop(depth - 1, None), event.parent_gas)
        elif kind == trace.EXIT:
            _pay(steps, pending.pop(depth, None), event.gas)
            left = event.gas
    return tuple(steps), left


def _pay(steps: list[Step], index: int | None, gas: int) -> None:
    if index is not None:
        step = steps[index]
        values = {name: getattr(step, name) for name in Step.__dataclass_fields__}
        steps[index] = Step(**(values | {"cost": max(0, step.gas - gas)}))
