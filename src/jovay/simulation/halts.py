"""How frames end, in geth's words."""

from __future__ import annotations

from functools import cache

from jovay.kernel.machine import status

from .requests import Halt

SSTORE = 0x55
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


@cache
def opcode_table() -> dict[int, tuple[str, int, int, int]]:
    """Name, constant gas, pops and pushes by opcode."""
    import jovay.kernel.evm.instructions  # noqa: F401  (fills the table)
    from jovay.kernel.evm.opcodes import OPCODES

    return {code: (row.name, row.gas, row.pops, row.pushes) for code, row in OPCODES.items()}


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
    name, _, pops, pushes = opcode_table().get(opcode, (f"opcode {opcode:#x} not defined", 0, 0, 0))
    if halt is Halt.INVALID_OPCODE:
        return f"invalid opcode: {name}"
    if halt is Halt.STACK_UNDERFLOW:
        return f"stack underflow ({stack_count} <=> {pops})"
    if halt is Halt.STACK_OVERFLOW:
        return f"stack limit reached {stack_count} ({1024 + pops - pushes})"
    if halt is Halt.OUT_OF_GAS and opcode == SSTORE and not wanted:
        return "out of gas: not enough gas for reentrancy sentry"  # EIP-2200
    return halt.value
