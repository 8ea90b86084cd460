"""Reasons that contracts give for reverting: ``Error(string)`` and ``Panic(uint256)`` of Solidity."""

from __future__ import annotations

from jovay.chain.reasons import Halt
from jovay.rpc.codec import data
from jovay.rpc.errors import REVERTED, RpcError

_ERROR = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_PANICS = {
    0x00: "generic panic",
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}


def revert_reason(output: bytes) -> str | None:
    """Text of a standard reason, or None."""
    selector, body = output[:4], output[4:]
    if selector == _PANIC and len(body) >= 32:
        code = int.from_bytes(body[:32])
        return _PANICS.get(code, f"unknown panic code: {code:#x}")
    if selector != _ERROR or len(body) < 64:
        return None
    offset = int.from_bytes(body[:32])
    if offset + 32 > len(body):
        return None
    length = int.from_bytes(body[offset : offset + 32])
    text = body[offset + 32 : offset + 32 + length]
    return text.decode("utf-8", "replace") if len(text) == length else None


def revert_message(output: bytes) -> str:
    """``execution reverted``, with the reason if there is a standard one."""
    reason = revert_reason(output)
    return Halt.REVERT.value if reason is None else f"{Halt.REVERT}: {reason}"


def revert_error(output: bytes) -> RpcError:
    """The error of a reverted call: code 3, the output as data."""
    return RpcError(revert_message(output), REVERTED, data(output))
