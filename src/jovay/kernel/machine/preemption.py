"""Slices: long executions stop now and then, so that the host can look at the clock and let a writer in.

The measure is gas, and where a tracer looks on, what is written for it. A slice ends at the first jump, costly copy or
change of frames after it is used up.
"""

from ..lang import U64, kernel
from .frame import Frame
from .machine import Machine
from .status import NEXT, PAUSED


@kernel(inline=True)
def pace(m: Machine, gas: U64) -> U64:
    """Status of an instruction that is done and may have taken long: NEXT, or PAUSED if the slice is used up."""
    return U64(PAUSED) if gas < m.preemption.pause_below else U64(NEXT)


@kernel(inline=True)
def begin_slice(m: Machine, f: Frame) -> bool:
    """Note in terms of ``f`` when to pause; false if that is now."""
    if m.preemption.gas_left == 0:
        return False
    m.preemption.pause_below = f.gas - m.preemption.gas_left if f.gas > m.preemption.gas_left else U64(0)
    return True


@kernel(inline=True)
def count_bytes(m: Machine, size: U64) -> None:
    """Take the writing of ``size`` bytes from the slice, a byte like a gas."""
    if m.preemption.on != 0:
        m.preemption.gas_left = m.preemption.gas_left - size if m.preemption.gas_left > size else U64(0)
        if m.preemption.gas_left == 0:
            m.preemption.pause_below = ~U64(0)


@kernel(inline=True)
def count_slice(m: Machine, begun: U64, gas: U64) -> None:
    """Take what a frame spent since it ran on from the slice."""
    spent = begun - gas if begun > gas else U64(0)
    charge(m, spent)


@kernel(inline=True)
def charge(m: Machine, spent: U64) -> None:
    m.preemption.spent += spent
    m.preemption.gas_left = m.preemption.gas_left - spent if m.preemption.gas_left > spent else U64(0)
