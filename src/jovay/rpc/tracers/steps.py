"""The struct logger: one entry per executed opcode."""

from __future__ import annotations

from typing import Any

from jovay.chain.reasons import Halt
from jovay.chain.types import Address
from jovay.kernel.protocol.opcodes import mnemonic
from jovay.rpc.tracers.base import Place, flag
from jovay.simulation.requests import CallResult, Step, TraceParts


class StructLogger:
    """geth's default tracer."""

    parts = TraceParts.STEPS

    def __init__(self, config: dict[str, Any]) -> None:
        self.memory = flag(config, "enableMemory")
        self.stack = not flag(config, "disableStack")
        self.storage = not flag(config, "disableStorage")
        self.return_data = flag(config, "enableReturnData")

    def form(self, result: CallResult, place: Place) -> dict[str, Any]:
        """Gas, outcome and steps, which are read from the trace as they are asked for."""
        steps = result.trace.steps if result.trace is not None else ()
        storage: dict[Address, dict[str, str]] = {}
        # Geth gives the output of a success and the reason of a revert, nothing else.
        shown = result.output if result.halt in (None, Halt.REVERT) else b""
        return {
            "gas": result.gas_used,
            "failed": result.halt is not None,
            "returnValue": "0x" + shown.hex(),
            "structLogs": (self._step(step, storage) for step in steps),
        }

    def _step(self, step: Step, storage: dict[Address, dict[str, str]]) -> dict[str, Any]:
        form: dict[str, Any] = {
            "pc": step.pc,
            "op": mnemonic(step.op),
            "gas": step.gas,
            "gasCost": step.gas_cost,
            "depth": step.depth,
        }
        if step.error is not None:
            form["error"] = step.error
        if self.stack and step.stack is not None:
            form["stack"] = [hex(item) for item in step.stack]
        if self.return_data and step.return_data:
            form["returnData"] = "0x" + step.return_data.hex()
        if self.memory and step.memory:
            form["memory"] = _words(step.memory)
        if self.storage and step.storage is not None:
            slot, value = step.storage
            known = storage.setdefault(step.address, {})
            known[f"0x{slot:064x}"] = f"0x{value:064x}"
            form["storage"] = dict(known)
        if step.refund:
            form["refund"] = step.refund
        return form


def _words(memory: bytes) -> list[str]:
    digits = memory.ljust(-(-len(memory) // 32) * 32, b"\0").hex()
    return ["0x" + digits[start : start + 64] for start in range(0, len(digits), 64)]
