"""Contracts of the memory chain that log."""

from __future__ import annotations

from typing import Any

from jovay.simulation.requests import Call, CallLog, CallResult

EMITTER = b"\xee" * 20


OTHER = b"\xdd" * 20


TOPIC = b"\x07" * 32


def emit_at(address: bytes) -> Any:
    """A contract that logs: topics of 32 bytes each and the rest as data."""

    def contract(message: Call) -> CallResult:
        count = len(message.data) // 32
        topics = tuple(message.data[32 * n : 32 * n + 32] for n in range(count))
        return CallResult(gas_used=30_000, logs=(CallLog(address, topics, message.data[32 * count :]),))

    return contract


def x(value: bytes) -> str:
    return "0x" + value.hex()
