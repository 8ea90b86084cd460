"""Tracers over call frames: callTracer, flatCallTracer, 4byteTracer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from jovay.chain.reasons import Halt
from jovay.kernel.protocol.opcodes import (
    CALL,
    CALLCODE,
    CREATE,
    CREATE2,
    DELEGATECALL,
    SELFDESTRUCT,
    STATICCALL,
    mnemonic,
)
from jovay.rpc.codec import data, optional_data, quantity
from jovay.rpc.encoding import Fragments
from jovay.rpc.revert import revert_reason
from jovay.rpc.tracers.base import Place, flag
from jovay.simulation.requests import CallLog, CallResult, Frame, TraceParts

_encode = msgspec.json.Encoder().encode


class Node:
    """A frame with its children."""

    __slots__ = ("children", "frame")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.children: list[Node] = []


def tree(result: CallResult) -> Node | None:
    """Frames of a result as a tree, None if nothing ran."""
    frames: Sequence[Frame] = result.trace.frames if result.trace is not None else ()
    path: list[Node] = []
    for frame in frames:
        node = Node(frame)
        del path[frame.depth :]
        if path:
            path[-1].children.append(node)
        path.append(node)
    return path[0] if path else None


def _log_form(log: CallLog) -> dict[str, Any]:
    return {
        "address": data(log.address),
        "topics": [data(topic) for topic in log.topics],
        "data": data(log.data),
        "index": quantity(log.index),
        "position": quantity(log.position),
    }


class CallTracer:
    """Nested calls with gas, values, data and errors."""

    parts = TraceParts.FRAMES

    def __init__(self, config: dict[str, Any]) -> None:
        self.with_log = flag(config, "withLog")
        self.only_top = flag(config, "onlyTopCall")

    def form(self, result: CallResult, place: Place) -> Any:
        """The outermost call. Calls nest up to 1024 deep, deeper than encoders go, so they are put together here."""
        root = tree(result)
        if root is None:
            return {}
        # The transaction's own gas, intrinsic costs included.
        own = {"gas": quantity(place.gas), "gasUsed": quantity(result.gas_used)}
        return Fragments(self._fragments(root, own))

    def _fragments(self, root: Node, own: dict[str, Any]) -> Iterator[bytes]:
        rest: list[bytes | tuple[Node, bool]] = [(root, False)]
        while rest:
            item = rest.pop()
            if isinstance(item, bytes):
                yield item
                continue
            node, failed = item
            failed = failed or node.frame.error is not None
            form = _encode(self._frame(node.frame, failed) | (own if node is root else {}))
            if node.children and not self.only_top:
                yield form[:-1] + b',"calls":['
                rest.append(b"]}")
                for child in reversed(node.children):
                    rest += [(child, failed), b","]
                rest.pop()
            else:
                yield form

    def _frame(self, frame: Frame, failed: bool) -> dict[str, Any]:
        """A call without those that it made; ``failed``: it or one around it did."""
        form: dict[str, Any] = {
            "from": data(frame.sender),
            "gas": quantity(frame.gas),
            "gasUsed": quantity(frame.gas_used),
        }
        created_nothing = frame.op in (CREATE, CREATE2) and frame.error is not None
        if frame.to is not None and not created_nothing:
            form["to"] = data(frame.to)
        form["input"] = data(frame.input)
        if frame.output and frame.error in (None, Halt.REVERT.value):
            form["output"] = data(frame.output)
        if frame.error is not None:
            form["error"] = frame.error
            reason = revert_reason(frame.output) if frame.error == Halt.REVERT.value else None
            if reason is not None:
                form["revertReason"] = reason
        if self.with_log and frame.logs and not failed:
            form["logs"] = [_log_form(log) for log in frame.logs]
        if frame.op != STATICCALL:
            form["value"] = quantity(frame.value)
        form["type"] = mnemonic(frame.op)
        return form


class FourByteTracer:
    """How often each selector was called with how many bytes of arguments."""

    parts = TraceParts.FRAMES

    def __init__(self, config: dict[str, Any]) -> None:
        """No options."""

    def form(self, result: CallResult, place: Place) -> dict[str, int]:
        """``selector-size`` to count."""
        counts: dict[str, int] = {}
        for frame in result.trace.frames if result.trace is not None else ():
            is_call = frame.op in (CALL, CALLCODE, DELEGATECALL, STATICCALL)
            if is_call and len(frame.input) >= 4 and frame.to not in place.precompiles:
                key = f"0x{frame.input[:4].hex()}-{len(frame.input) - 4}"
                counts[key] = counts.get(key, 0) + 1
        return counts


_PARITY_ERRORS = {
    Halt.CODE_STORE_OUT_OF_GAS.value: "Out of gas",
    Halt.OUT_OF_GAS.value: "Out of gas",
    Halt.CODE_SIZE.value: "Out of gas",
    Halt.BAD_JUMP.value: "Bad jump destination",
    Halt.REVERT.value: "Reverted",
    Halt.RETURN_DATA.value: "Out of bounds",
    Halt.STACK_OVERFLOW.value: "Out of stack",
    Halt.PRECOMPILE.value: "Built-in failed",
}
_PARITY_PREFIXES = (
    (f"{Halt.OUT_OF_GAS}:", "Out of gas"),
    (Halt.INVALID_OPCODE, "Bad instruction"),
    (Halt.STACK_UNDERFLOW, "Stack underflow"),
)


class FlatCallTracer:
    """Calls in one list, as Parity's trace_transaction gives them."""

    parts = TraceParts.FRAMES

    def __init__(self, config: dict[str, Any]) -> None:
        self.parity_errors = flag(config, "convertParityErrors")
        self.precompiles = flag(config, "includePrecompiles")

    def form(self, result: CallResult, place: Place) -> list[dict[str, Any]]:
        """All frames in order of entry; the outermost with all gas of the transaction."""
        forms = self.frames(result, place)
        if not forms:
            return forms
        top = forms[0]
        top["action"]["gas"] = quantity(place.gas)
        if "result" in top:
            top["result"]["gasUsed"] = quantity(result.gas_used)
        return forms

    def frames(self, result: CallResult, place: Place) -> list[dict[str, Any]]:
        """All frames in order of entry."""
        root = tree(result)
        forms: list[dict[str, Any]] = []
        rest: list[tuple[Node, list[int]]] = [] if root is None else [(root, [])]
        while rest:
            node, address = rest.pop()
            children = [child for child in node.children if self._shown(child.frame, place)]
            forms.append(self._one(node.frame, len(children), address, place))
            rest += reversed([(child, [*address, position]) for position, child in enumerate(children)])
        return forms

    def _one(self, frame: Frame, children: int, address: list[int], place: Place) -> dict[str, Any]:
        form: dict[str, Any] = {
            "action": _action(frame),
            "blockHash": optional_data(place.block_hash),
            "blockNumber": place.block_number,
            "subtraces": children,
            "traceAddress": address,
            "transactionHash": optional_data(place.transaction_hash),
            "transactionPosition": place.index,
            "type": _flat_type(frame),
        }
        if frame.error is not None:
            form["error"] = self._error(frame.error)
        if frame.error in (None, Halt.REVERT.value) and frame.op != SELFDESTRUCT:
            form["result"] = _outcome(frame)
        return form

    def _shown(self, frame: Frame, place: Place) -> bool:
        return self.precompiles or frame.op not in (CALL, STATICCALL) or frame.to not in place.precompiles

    def _error(self, error: str) -> str:
        if not self.parity_errors:
            return error
        if error in _PARITY_ERRORS:
            return _PARITY_ERRORS[error]
        return next((text for prefix, text in _PARITY_PREFIXES if error.startswith(prefix)), error)


def _flat_type(frame: Frame) -> str:
    if frame.op == SELFDESTRUCT:
        return "suicide"
    return "create" if frame.op in (CREATE, CREATE2) else "call"


def _action(frame: Frame) -> dict[str, Any]:
    if frame.op == SELFDESTRUCT:
        return {
            "address": data(frame.sender),
            "balance": quantity(frame.value),
            "refundAddress": optional_data(frame.to),
        }
    form = {"from": data(frame.sender), "gas": quantity(frame.gas), "value": quantity(frame.value)}
    if frame.op in (CREATE, CREATE2):
        return form | {"creationMethod": mnemonic(frame.op).lower(), "init": data(frame.input)}
    call_type = mnemonic(frame.op).lower()
    return form | {"callType": call_type, "input": data(frame.input), "to": optional_data(frame.to)}


def _outcome(frame: Frame) -> dict[str, Any]:
    form: dict[str, Any] = {"gasUsed": quantity(frame.gas_used)}
    if frame.op not in (CREATE, CREATE2):
        return form | {"output": data(frame.output)}
    form["code"] = data(frame.output)
    if frame.to is not None and frame.error is None:
        form["address"] = data(frame.to)
    return form
