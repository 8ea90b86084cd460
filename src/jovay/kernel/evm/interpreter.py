"""The interpreter: one loop over the opcode table."""

from ..lang import CHECKED, U64, Ptr, Switch, kernel, load8, poison, unpoison
from ..machine.frame import Frame
from ..machine.machine import Machine
from ..machine.preemption import begin_slice, count_slice
from ..machine.status import ABORT, ENTER, INVALID_OPCODE, MISS, NEXT, PAUSED, WAITING
from ..protocol.opcodes import OPCODES
from . import instructions  # noqa: F401  (fills STEPS)
from .frames import leave
from .instructions.system import ENTERED
from .templates import LIMIT, STEPS, Control
from .trace import trace_step

LOW = 0xFFFFFFFF


@kernel
def undefined(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return U64(INVALID_OPCODE), pc, sp, gas


#: All that a byte can be has its place: no look at whether it has one is needed.
STEP = Switch("step", {code: STEPS[code] if code in OPCODES else undefined for code in range(256)}, undefined)


@kernel
def run(m: Machine) -> U64:
    """Run the machine's frames until the outermost ends. Its status, or an abort; PAUSED and WAITING can be run on.

    An instruction looks all its keys up before it changes anything, so one that misses a key can be done again.
    """
    while True:
        f = m.calls.current
        begun = f.gas
        if m.preemption.on != 0 and not begin_slice(m, f):
            return U64(PAUSED)
        pc, sp, gas, how = f.pc, f.sp, f.gas, U64(NEXT)
        while how == NEXT:
            opcode = load8(f.code + pc)
            if m.tracing.trace != 0 and not trace_step(m, f, pc, opcode, sp, gas):
                how = U64(PAUSED)
                break
            if CHECKED:
                before = sp
                if sp < f.stack + LIMIT:  # no instruction writes more than one item above the top
                    unpoison(m.calls.stacks, sp, U64(32))
            how, pc, sp, gas = STEP(opcode, m, f, pc, sp, gas)
            if CHECKED:
                poison(sp, before + 32 - sp)
        if how >= ENTERED:
            how = how & LOW
            gas = f.gas + m.calls.current.gas  # what the child was granted is not spent yet
        else:
            f.pc, f.sp, f.gas = pc, sp, gas
        if m.preemption.on != 0:
            count_slice(m, begun, gas)
        if how == ENTER:
            continue
        if how == MISS and m.abort == MISS and m.misses.suspending != 0 and m.misses.guessing == 0:
            m.abort = U64(0)
            return U64(WAITING)
        if how >= ABORT:
            return how
        how = leave(m, how)
        if how != NEXT:
            return how
