"""Steps of a trace, read from the kernel's tape when somebody looks at them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, overload

from jovay.kernel.evm import trace
from jovay.kernel.machine import status
from jovay.kernel.protocol.opcodes import CREATE, CREATE2, OPCODES, SSTORE

from .halts import halt_text
from .recorder import Recorder
from .requests import Step

STEP = struct.Struct("<11Q32s32s32s")
ENTER = struct.Struct("<5Q32s32s32s2Q")
EXIT = struct.Struct("<11Q")
HEAD = struct.Struct("<2Q")
CREATES = (CREATE, CREATE2)
assert STEP.size == trace.STEP_SIZE
assert ENTER.size == trace.ENTER_SIZE
assert EXIT.size == trace.EXIT_SIZE
_GAS_PHASE = (status.OUT_OF_GAS, status.STACK_UNDERFLOW, status.STACK_OVERFLOW)


class Steps(Sequence[Step]):
    """The steps on a tape. Iterate: an index reads the tape from its start."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder, options = recorder, recorder.options
        self._most = options.max_steps if options is not None and options.max_steps else None
        self._length: int | None = None

    def __len__(self) -> int:
        if self._length is None:
            recorded = int(self._recorder.record.steps)
            if self._recorder.record.overflow:  # nobody counted how many steps are on the tape
                recorded = sum(1 for _ in read_steps(self._recorder))
            self._length = recorded if self._most is None else min(recorded, self._most)
        return self._length

    def __iter__(self) -> Iterator[Step]:
        return islice(read_steps(self._recorder), self._most)

    @overload
    def __getitem__(self, index: int) -> Step: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...

    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        if isinstance(index, slice):
            return list(self)[index]
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError(index)
        return next(islice(iter(self), at, None))


def read_steps(recorder: Recorder) -> Iterator[Step]:
    """The steps in order. What a step costs shows in the next event of its frame, or of a frame it enters."""
    tape, at, end = recorder.tape(), 0, recorder.used
    flags, pending = recorder.flags, None
    while at < end:
        size, kind = HEAD.unpack_from(tape, at)
        if kind == trace.STEP:
            step = STEP.unpack_from(tape, at)
            if pending is not None:
                yield _step(tape, flags, *pending, cost=pending[0][3] - step[3], refund=step[6])
            pending = step, at
        elif pending is not None and kind in (trace.ENTER, trace.REFUSED):
            event = ENTER.unpack_from(tape, at)
            granted = event[3] if event[4] in CREATES else 0
            yield _step(tape, flags, *pending, cost=pending[0][3] - event[8] - granted)
            pending = None
        elif pending is not None and kind == trace.EXIT:
            yield _last_step(tape, flags, *pending, EXIT.unpack_from(tape, at))
            pending = None
        at += size


def _last_step(tape: memoryview, flags: int, step: tuple[Any, ...], at: int, ended: tuple[Any, ...]) -> Step:
    """The step that ended its frame."""
    how, left, refund, _, stack_count, wanted = ended[4], *ended[6:]
    gas, constant = step[3], OPCODES[step[5]].upfront if step[5] in OPCODES else 0
    if how not in _GAS_PHASE:
        return _step(tape, flags, step, at, cost=max(0, gas - left), refund=refund)
    cost = constant
    if how == status.OUT_OF_GAS and gas >= constant:
        cost = gas - left + wanted
    return _step(tape, flags, step, at, cost=cost, error=halt_text(how, step[5], stack_count, wanted))


def _step(
    tape: memoryview,
    flags: int,
    step: tuple[Any, ...],
    at: int,
    cost: int,
    refund: int | None = None,
    error: str | None = None,
) -> Step:
    _, _, depth, gas, pc, opcode, counter, stack_count, memory_size, return_size, storage, address, *slot = (
        step
    )
    at += STEP.size
    stack = memory = returned = None
    if flags & trace.WITH_STACK:
        raw = tape[at : at + 32 * stack_count]
        stack = tuple([int.from_bytes(raw[k : k + 32], "little") for k in range(0, len(raw), 32)])
        at += 32 * stack_count
    if flags & trace.WITH_MEMORY:
        memory = bytes(tape[at : at + memory_size])
        at += memory_size
    if flags & trace.WITH_RETURN_DATA:
        returned = bytes(tape[at : at + return_size])
    return Step(
        pc=pc,
        op=opcode,
        gas=gas,
        gas_cost=cost,
        depth=depth,
        address=address[19::-1],
        # As with geth, whose price of SSTORE moves the counter before the step is shown.
        refund=refund if opcode == SSTORE and refund is not None else counter,
        stack=stack,
        memory=memory,
        return_data=returned,
        storage=(int.from_bytes(slot[0], "little"), int.from_bytes(slot[1], "little")) if storage else None,
        error=error,
    )
