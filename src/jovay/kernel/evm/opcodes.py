"""The opcode table's entries, and the templates that turn a plain function into an instruction.

An instruction is a kernel function ``step(m, f, pc, sp, gas) -> (status, pc, sp, gas)``: the machine, its running
frame, and what stays in registers. The templates check gas and stack as the table says; bodies only do the work.
``sp`` points behind the top of the stack; an item is a U256 in native byte order.
"""

from collections.abc import Callable

from ..lang import U64, Ptr, kernel, load256, store256
from ..machine.frame import Frame
from ..machine.machine import Machine
from ..machine.status import INVALID_OPCODE, NEXT, OUT_OF_GAS, STACK_OVERFLOW, STACK_UNDERFLOW
from ..protocol import forks

Control = tuple[U64, U64, U64, U64]
ITEM = 32
LIMIT = 1024 * ITEM


class Opcode:
    """One row of the table."""

    def __init__(
        self, code: int, name: str, gas: int, pops: int, pushes: int, since: int, step: Callable, text: str
    ) -> None:
        self.code, self.name, self.gas = code, name, gas
        self.pops, self.pushes, self.since = pops, pushes, since
        self.step, self.text = step, text


#: The one opcode table: interpreter, tracer, compiler and documentation read it.
OPCODES: dict[int, Opcode] = {}


def _enter(code, name, gas, pops, pushes, since, step, body) -> None:
    if code in OPCODES:
        raise ValueError(f"opcode {code:#x} ({name}) is taken by {OPCODES[code].name}")
    text = (body.__doc__ or "").strip()
    if since > forks.FRONTIER:
        step = _since(name, since, step)
    OPCODES[code] = Opcode(code, name, gas, pops, pushes, since, step, text)


def _since(name, fork, step):
    @kernel(name=f"since_{name}", inline=True)
    def known(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
        if m.block.fork < fork:
            return U64(INVALID_OPCODE), pc, sp, gas
        return step(m, f, pc, sp, gas)

    return known


def pure(code: int, name: str, gas: int, function: Callable, since: int = forks.FRONTIER) -> None:
    """An instruction that only maps its one to three operands to a result: ``function(top, second, third)``."""
    arity = function.__code__.co_argcount
    template = {1: _pure1, 2: _pure2, 3: _pure3}[arity]
    _enter(code, name, gas, arity, 1, since, template(name, gas, function), function)


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


def source(code: int, name: str, gas: int, function: Callable, since: int = forks.FRONTIER) -> None:
    """An instruction that pushes a value of the environment: ``function(m, f) -> U256``."""

    @kernel(name=f"op_{name}", inline=True)
    def step(m: Machine, f: Frame, pc: U64, sp: Ptr, left: U64) -> Control:
        if left < gas:
            return U64(OUT_OF_GAS), pc, sp, left
        if sp >= f.stack + LIMIT:
            return U64(STACK_OVERFLOW), pc, sp, left
        store256(sp, function(m, f))
        return U64(NEXT), pc + 1, sp + 32, left - gas

    _enter(code, name, gas, 0, 1, since, step, function)


def instruction(
    code: int, name: str, gas: int, pops: int, pushes: int, since: int = forks.FRONTIER
) -> Callable[[Callable], Callable]:
    """Decorate a body ``(m, f, pc, sp, gas) -> Control`` that pops, pushes and moves ``pc`` itself.

    Constant gas is already paid and the stack checked for ``pops`` and ``pushes`` when the body runs.
    """
    need, growth = pops * ITEM, (pushes - pops) * ITEM

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
                return body(m, f, pc, sp, left - gas)
        else:

            @kernel(name=f"op_{name}", inline=True)
            def step(m: Machine, f: Frame, pc: U64, sp: Ptr, left: U64) -> Control:
                if left < gas:
                    return U64(OUT_OF_GAS), pc, sp, left
                if sp < f.stack + need:
                    return U64(STACK_UNDERFLOW), pc, sp, left
                return body(m, f, pc, sp, left - gas)

        _enter(code, name, gas, pops, pushes, since, step, body)
        return body

    return mark
