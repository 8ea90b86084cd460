"""0x50, 0x5f–0x9f: POP, PUSHn, DUPn, SWAPn."""

from ...lang import U64, U256, Ptr, load64be, load256, load256be, store256
from ...machine.frame import Frame
from ...machine.machine import Machine
from ...machine.status import NEXT
from ...protocol import opcodes as op
from ..templates import Control, instruction


@instruction(op.POP)
def pop(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return U64(NEXT), pc + 1, sp - 32, gas


@instruction(op.PUSH0)
def push0(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    store256(sp, U256(0))
    return U64(NEXT), pc + 1, sp + 32, gas


def _push(size: int) -> None:
    shift = 256 - 8 * size

    def small(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
        store256(sp, U256(load64be(f.code + pc + 1) >> (shift - 192)))
        return U64(NEXT), pc + (size + 1), sp + 32, gas

    def wide(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
        store256(sp, load256be(f.code + pc + 1) >> shift)
        return U64(NEXT), pc + (size + 1), sp + 32, gas

    body = small if size <= 8 else wide
    body.__qualname__ = f"push{size}"
    instruction(op.PUSH0 + size)(body)


def _dup(depth: int) -> None:
    offset = 32 * depth

    def body(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
        store256(sp, load256(sp - offset))
        return U64(NEXT), pc + 1, sp + 32, gas

    body.__qualname__ = f"dup{depth}"
    instruction(op.DUP1 + depth - 1)(body)


def _swap(depth: int) -> None:
    offset = 32 * (depth + 1)

    def body(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
        top = load256(sp - 32)
        store256(sp - 32, load256(sp - offset))
        store256(sp - offset, top)
        return U64(NEXT), pc + 1, sp, gas

    body.__qualname__ = f"swap{depth}"
    instruction(op.SWAP1 + depth - 1)(body)


for _n in range(1, 33):
    _push(_n)
for _n in range(1, 17):
    _dup(_n)
    _swap(_n)
