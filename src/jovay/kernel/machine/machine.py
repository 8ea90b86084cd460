"""The machine: everything one worker needs to execute transactions. All records live in arenas the host gives."""

from ..lang import U64, Nested, Record
from ..state.world import World
from .environment import Block
from .parts import (
    CallStack,
    Checkpoint,
    CodeArena,
    Context,
    DirtyList,
    Isolation,
    Journal,
    Logs,
    Misses,
    Preemption,
    Relocations,
    Returned,
    Scratch,
    Tables,
    TouchedList,
    Tracing,
)


class Machine(Record):
    """One worker, who executes transactions of ``block`` over ``world``."""

    world: World
    block: Block
    stamp: U64  # of the running transaction: what bears it was marked in it
    abort: U64  # why the running transaction must be given up: a look-up gave the null record, or an arena is full
    calls: Nested(CallStack)
    preemption: Nested(Preemption)
    tracing: Nested(Tracing)
    isolation: Nested(Isolation)
    tables: Nested(Tables)
    journal: Nested(Journal)
    dirty: Nested(DirtyList)
    touched: Nested(TouchedList)
    misses: Nested(Misses)
    returned: Nested(Returned)
    logs: Nested(Logs)
    code: Nested(CodeArena)
    scratch: Nested(Scratch)
    tx: Nested(Context)
    checkpoint: Nested(Checkpoint)
    relocations: Nested(Relocations)
