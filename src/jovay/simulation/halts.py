"""How frames end, in geth's words."""

from __future__ import annotations

from jovay.chain.reasons import HALTS, Halt
from jovay.kernel.machine import status
from jovay.kernel.protocol.limits import STACK_DEPTH_LIMIT
from jovay.kernel.protocol.opcodes import OPCODES, SSTORE, mnemonic


def halt_of(how: int) -> Halt | None:
    """The halt of a kernel status; None for success."""
    return None if how <= status.RETURN else HALTS[how]


def halt_text(how: int, opcode: int, stack_count: int, wanted: int) -> str | None:
    """The whole error text of a frame; None for success.

    It ended with ``opcode``, so many stack items, and, if its gas ran out, ``wanted`` more than it had paid.
    """
    halt = halt_of(how)
    if halt is None:
        return None
    if halt is Halt.INVALID_OPCODE:
        return f"{halt}: {mnemonic(opcode)}"
    if halt is Halt.STACK_UNDERFLOW:
        return f"{halt} ({stack_count} <=> {OPCODES[opcode].pops})"
    if halt is Halt.STACK_OVERFLOW:
        row = OPCODES[opcode]
        return f"stack limit reached {stack_count} ({STACK_DEPTH_LIMIT + row.pops - row.pushes})"
    if halt is Halt.OUT_OF_GAS and opcode == SSTORE and not wanted:
        return f"{halt}: not enough gas for reentrancy sentry"  # EIP-2200
    return halt.value
