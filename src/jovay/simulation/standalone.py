"""One message on a state of its own: what ``jovay evm run`` executes.

No transaction surrounds the message: it pays nothing, and all its gas is the frame's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from jovay.chain.genesis import Genesis
from jovay.chain.reasons import ending
from jovay.kernel.evm import validity
from jovay.kernel.evm.process import process_transaction
from jovay.kernel.machine import status
from jovay.kernel.machine.frame import Frame
from jovay.kernel.protocol import gas as prices
from jovay.kernel.transaction.record import Transaction
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.records import View, assign, int_of, new_record
from jovay.state.errors import ExecutionError
from jovay.state.machine import NativeMachine
from jovay.state.world import NativeWorld
from jovay.state.writes import StoredState
from jovay.storage.alloc import state_changes
from jovay.storage.kv import MemoryKV
from jovay.storage.state import TABLES, StateStore

from .recorder import Recorder
from .requests import Step, TraceOptions, TraceParts
from .trace_steps import Steps


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
    steps: Sequence[Step] = field(default=(), repr=False)
    steps_lost: bool = False


def run_message(
    library: Library, genesis: Genesis, fork: int, message: Message, trace_bytes: int = 0
) -> MessageOutcome:
    """Execute ``message`` on the alloc of ``genesis``; up to ``trace_bytes`` of steps are kept.

    Raises ``ExecutionError`` if it cannot start or does not fit into memory.
    """
    store = StateStore(MemoryKV(TABLES))
    store.write(0, state_changes(genesis, lambda data: keccak256(library, data)), sync=False)
    world = NativeWorld(library, 1 << 18, 1 << 20, 64 << 20, 0, StoredState(store))
    machine = NativeMachine(library, world, message.gas)
    _write_block(machine.block, genesis, fork)
    machine.view.tx.skipped = validity.ANY_NONCE | validity.ANY_BALANCE | validity.SIMULATED
    recorder = (
        Recorder(TraceOptions(parts=TraceParts.STEPS, memory=True, max_bytes=trace_bytes))
        if trace_bytes
        else None
    )
    machine.view.tracing.trace = recorder.record if recorder else 0
    how = _run(library, world, machine, recorder, _transaction(message, fork))
    if how != validity.VALID:
        raise ExecutionError(f"the message cannot be executed: {ending(how)}")
    return _outcome(machine, message, recorder)


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
    assign(block, values)


def _transaction(message: Message, fork: int) -> View:
    """The transaction, with its intrinsic gas on top."""
    # Data bytes are left uncounted, so that they cost nothing before the frame begins.
    intrinsic = prices.TX_BASE_COST
    if message.to is None:
        words = -(-len(message.data) // 32)
        intrinsic += int(prices.TX_CREATE_COST[fork]) + int(prices.INIT_CODE_WORD_COST[fork]) * words
    return new_record(
        Transaction,
        {
            "sender": message.sender,
            "to": message.to or bytes(20),
            "gas_limit": message.gas + intrinsic,
            "has_to": int(message.to is not None),
            "max_fee": message.price,
            "max_priority_fee": message.price,
            "value": message.value,
            "data": message.data,
            "data_size": len(message.data),
        },
    )


def _run(
    library: Library, world: NativeWorld, machine: NativeMachine, recorder: Recorder | None, record: View
) -> int:
    """Execute, bring missing keys into memory and begin again, until there is an end."""
    while True:
        if recorder:
            recorder.reset()
        how = library[process_transaction](machine, record, (1 << 64) - 1, machine.result)
        if how != status.MISS:
            return int(how)
        world.load(machine.take_misses())


def _outcome(machine: NativeMachine, message: Message, recorder: Recorder | None) -> MessageOutcome:
    result = machine.result
    return MessageOutcome(
        output=machine.output(),
        error="" if result.status else ending(result.how),
        # The outermost frame's record is still there.
        gas_used=message.gas - machine.arena.record(Frame, machine.view.calls.frames).gas,
        gas_refunded=result.gas_refunded,
        created=result.created.to_bytes(20, "big") if message.to is None else None,
        logs=tuple(_logs(machine)),
        steps=Steps(recorder) if recorder else (),
        steps_lost=recorder.truncated if recorder else False,
    )


def _logs(machine: NativeMachine) -> Iterator[EmittedLog]:
    for log in machine.logs():
        topics = bytes(log["topics"])
        yield EmittedLog(
            int_of(log["address"]).to_bytes(20, "big"),
            tuple(topics[32 * k : 32 * k + 32] for k in range(int(log["topic_count"]))),
            machine.arena.read(int(log["data_size"]), int(log["data"])),
        )
