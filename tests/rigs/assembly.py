"""Bytecode from mnemonics, for contracts of a few lines in tests."""

from __future__ import annotations

from jovay.kernel.protocol.opcodes import OPCODES, PUSH0

CODES = {opcode.name.lower(): opcode.code for opcode in OPCODES.values()}


def asm(*items: str | int | bytes) -> bytes:
    """Bytecode of mnemonics; numbers and bytes are pushed."""
    out = bytearray()
    for item in items:
        if isinstance(item, str):
            for word in item.split():
                out.append(CODES[word])
            continue
        if isinstance(item, int):
            item = item.to_bytes((item.bit_length() + 7) // 8, "big")
        out += bytes([PUSH0 + len(item)]) + item
    return bytes(out)


def call(to: bytes, value: int = 0, gas: int | None = None, op: str = "call", size: int = 0) -> bytes:
    """A call with ``size`` bytes of memory as input; its success stays on the stack."""
    granted = asm("gas") if gas is None else asm(gas)
    values = asm(value) if op in ("call", "callcode") else b""
    return asm(0, 0, size, 0) + values + asm(to) + granted + asm(op)


def create(init: bytes, value: int = 0, op: str = "create", salt: int = 0) -> bytes:
    """Create from up to 32 bytes of initialisation code; the address stays on the stack."""
    assert len(init) <= 32
    salted = asm(salt) if op == "create2" else b""
    return asm(init.ljust(32, b"\0"), 0, "mstore") + salted + asm(len(init), 0, value, op)
