"""Templates that turn a plain function into an instruction of the opcode table.

An instruction is a kernel function ``step(m, f, pc, sp, gas) -> (status, pc, sp, gas)``: the machine, its running
frame, and what stays in registers. The templates check gas, stack and static calls as the table says; bodies only do
the work. ``sp`` points behind the top of the stack; an item is a U256 in native byte order.
"""

from collections.abc import Callable

from ..lang import U64, Ptr, kernel, load256, store256
from ..machine.frame import Frame
from ..machine.machine import Machine
from ..machine.status import (
    INVALID_OPCODE,
    NEXT,
    OUT_OF_GAS,
    STACK_OVERFLOW,
    STACK_UNDERFLOW,
    STATIC_VIOLATION,
)
from ..protocol import forks
from ..protocol.limits import STACK_DEPTH_LIMIT
from ..protocol.opcodes import FORBIDDEN, OPCODES

Control = tuple[U64, U64, U64, U64]
ITEM = 32
LIMIT = STACK_DEPTH_LIMIT * ITEM

#: What each opcode does.
STEPS: dict[int, Callable] = {}


def _enter(code, step) -> None:
    row = OPCODES[code]
    if code in STEPS:
        raise ValueError(f"{row.name} has two implementations")
    STEPS[code] = _since(row.name, row.since, step) if row.since > forks.FRONTIER else step


def _since(name, fork, step):
    @kernel(name=f"since_{name}", inline=True)
    def known(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
        if m.block.fork < fork:
            return U64(INVALID_OPCODE), pc, sp, gas
        return step(m, f, pc, sp, gas)

    return known


def pure(code: int, function: Callable) -> None:
    """An instruction that only maps its one to three operands to a result: ``function(top, second, third)``."""
    row = OPCODES[code]
    template = {1: _pure1, 2: _pure2, 3: _pure3}[row.pops]
    _enter(code, template(row.name, row.upfront, function))


def _pure1(name, cost, function):
    @kernel(name=f"op_{name}", inline=True)
    def step(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
        if gas < cost:
            return U64(OUT_OF_GAS), pc, sp, gas
        if sp < f.stack + ITEM:
            return U64(STACK_UNDERFLOW), pc, sp, gas
        store256(sp - 32, function(load256(sp - 32)))
        return U64(NEXT), pc + 1, sp, gas - cost

    return step


def _pure2(name, cost, function):
    @kernel(name=f"op_{name}", inline=True)
    def step(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
        if gas < cost:
            return U64(OUT_OF_GAS), pc, sp, gas
        if sp < f.stack + 2 * ITEM:
            return U64(STACK_UNDERFLOW), pc, sp, gas
        store256(sp - 64, function(load256(sp - 32), load256(sp - 64)))
        return U64(NEXT), pc + 1, sp - 32, gas - cost

    return step


def _pure3(name, cost, function):
    @kernel(name=f"op_{name}", inline=True)
    def step(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
        if gas < cost:
            return U64(OUT_OF_GAS), pc, sp, gas
        if sp < f.stack + 3 * ITEM:
            return U64(STACK_UNDERFLOW), pc, sp, gas
        store256(sp - 96, function(load256(sp - 32), load256(sp - 64), load256(sp - 96)))
        return U64(NEXT), pc + 1, sp - 64, gas - cost

    return step


def source(code: int, function: Callable) -> None:
    """An instruction that pushes a value of the environment: ``function(m, f) -> U256``."""
    name, gas = OPCODES[code].name, OPCODES[code].upfront

    @kernel(name=f"op_{name}", inline=True)
    def step(m: Machine, f: Frame, pc: U64, sp: Ptr, left: U64) -> Control:
        if left < gas:
            return U64(OUT_OF_GAS), pc, sp, left
        if sp >= f.stack + LIMIT:
            return U64(STACK_OVERFLOW), pc, sp, left
        store256(sp, function(m, f))
        return U64(NEXT), pc + 1, sp + 32, left - gas

    _enter(code, step)


def instruction(code: int) -> Callable[[Callable], Callable]:
    """Decorate a body ``(m, f, pc, sp, gas) -> Control`` that pops, pushes and moves ``pc`` itself.

    A price that is the same at every fork is already paid, the stack has room for what it pops and pushes, and the
    frame is not static where that is forbidden, when the body runs.
    """
    row = OPCODES[code]
    name, gas, need, growth = row.name, row.upfront, row.pops * ITEM, (row.pushes - row.pops) * ITEM
    forbidden = int(row.static == FORBIDDEN)

    def mark(body: Callable) -> Callable:
        body = kernel(body)
        if growth > 0:

            @kernel(name=f"op_{name}", inline=True)
            def step(m: Machine, f: Frame, pc: U64, sp: Ptr, left: U64) -> Control:
                if left < gas:
                    return U64(OUT_OF_GAS), pc, sp, left
                if sp < f.stack + need:
                    return U64(STACK_UNDERFLOW), pc, sp, left
                if sp + growth > f.stack + LIMIT:
                    return U64(STACK_OVERFLOW), pc, sp, left
                if forbidden != 0 and f.static != 0:
                    return U64(STATIC_VIOLATION), pc, sp, left - gas
                return body(m, f, pc, sp, left - gas)
        else:

            @kernel(name=f"op_{name}", inline=True)
            def step(m: Machine, f: Frame, pc: U64, sp: Ptr, left: U64) -> Control:
                if left < gas:
                    return U64(OUT_OF_GAS), pc, sp, left
                if sp < f.stack + need:
                    return U64(STACK_UNDERFLOW), pc, sp, left
                if forbidden != 0 and f.static != 0:
                    return U64(STATIC_VIOLATION), pc, sp, left - gas
                return body(m, f, pc, sp, left - gas)

        _enter(code, step)
        return body

    return mark
