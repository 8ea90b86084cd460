"""How frames end, in geth's words."""

from __future__ import annotations

from jovay.kernel.machine import status
from jovay.kernel.protocol.limits import STACK_DEPTH_LIMIT
from jovay.kernel.protocol.opcodes import OPCODES, SSTORE, mnemonic

from .requests import Halt

HALTS = {
    status.REVERT: Halt.REVERT,
    status.OUT_OF_GAS: Halt.OUT_OF_GAS,
    status.STACK_UNDERFLOW: Halt.STACK_UNDERFLOW,
    status.STACK_OVERFLOW: Halt.STACK_OVERFLOW,
    status.INVALID_JUMP: Halt.BAD_JUMP,
    status.INVALID_OPCODE: Halt.INVALID_OPCODE,
    status.STATIC_VIOLATION: Halt.WRITE_PROTECTION,
    status.RETURN_DATA_OUT_OF_BOUNDS: Halt.RETURN_DATA,
    status.INVALID_CODE_PREFIX: Halt.INVALID_CODE,
    status.CODE_TOO_LARGE: Halt.CODE_SIZE,
    status.ADDRESS_COLLISION: Halt.COLLISION,
    status.CALL_DEPTH: Halt.DEPTH,
    status.INSUFFICIENT_BALANCE: Halt.BALANCE,
    status.INITCODE_TOO_LARGE: Halt.INITCODE_SIZE,
    status.PRECOMPILE_FAILED: Halt.PRECOMPILE,
    status.NONCE_OVERFLOW: Halt.NONCE_OVERFLOW,
    status.CODE_STORE_OUT_OF_GAS: Halt.CODE_STORE_OUT_OF_GAS,
}


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
        return f"invalid opcode: {mnemonic(opcode)}"
    if halt is Halt.STACK_UNDERFLOW:
        return f"stack underflow ({stack_count} <=> {OPCODES[opcode].pops})"
    if halt is Halt.STACK_OVERFLOW:
        row = OPCODES[opcode]
        return f"stack limit reached {stack_count} ({STACK_DEPTH_LIMIT + row.pops - row.pushes})"
    if halt is Halt.OUT_OF_GAS and opcode == SSTORE and not wanted:
        return "out of gas: not enough gas for reentrancy sentry"  # EIP-2200
    return halt.value
