"""The forms of trace_*, which came from Parity: flat calls, and what an execution changed."""

from __future__ import annotations

from typing import Any

from jovay.rpc.codec import data, quantity, word
from jovay.rpc.tracers.base import Place
from jovay.rpc.tracers.frames import FlatCallTracer
from jovay.simulation.requests import CallResult, TouchedAccount, TraceParts

_PLACE = ("blockHash", "blockNumber", "transactionHash", "transactionPosition")
_SAME = "="


class ParityTracer:
    """Calls in one list, each with the gas that it had itself."""

    parts = TraceParts.FRAMES

    def __init__(self) -> None:
        self._flat = FlatCallTracer({"convertParityErrors": True})

    def form(self, result: CallResult, place: Place) -> list[dict[str, Any]]:
        """All frames in order of entry; the result of a destruction is null."""
        forms = self._flat.frames(result, place)
        for form in forms:
            if form["type"] == "suicide":
                form["result"] = None
        return forms


class ReplayTracer:
    """The answer to trace_replay… and trace_call: ``output``, and what of ``trace`` and ``stateDiff`` was wanted."""

    def __init__(self, trace: bool, state: bool) -> None:
        self.trace, self.state = trace, state
        self.parts = TraceParts.FRAMES if trace else TraceParts.NONE
        if state:
            self.parts |= TraceParts.STATE
        self._calls = ParityTracer()

    def form(self, result: CallResult, place: Place) -> dict[str, Any]:
        """The whole answer, without the transaction's hash."""
        calls = self._calls.form(result, place) if self.trace else []
        for call in calls:
            for name in _PLACE:
                del call[name]
        touched = result.trace.touched if result.trace is not None else {}
        return {
            "output": data(result.output),
            "stateDiff": {data(a): d for a, t in touched.items() if (d := _difference(t))}
            if self.state
            else None,
            "trace": calls,
            "vmTrace": None,
        }


def _difference(account: TouchedAccount) -> dict[str, Any] | None:
    """What became of an account, None for nothing: "=", {"*": {from, to}}, {"+": new} or {"-": gone}."""
    before, after = _is_there(account, False), _is_there(account, True)
    if not before and not after:
        return None
    slots = {slot: account.slots_after.get(slot, old) for slot, old in account.slots_before.items()}
    storage = {
        word(slot): _change(word(old), word(slots[slot]), before, after)
        for slot, old in sorted(account.slots_before.items())
        if old != slots[slot]
    }
    form = {
        "balance": _change(quantity(account.balance_before), quantity(account.balance_after), before, after),
        "code": _change(data(account.code_before), data(account.code_after), before, after),
        "nonce": _change(quantity(account.nonce_before), quantity(account.nonce_after), before, after),
        "storage": storage,
    }
    unchanged = not storage and all(form[name] == _SAME for name in ("balance", "code", "nonce"))
    return None if unchanged else form


def _is_there(account: TouchedAccount, after: bool) -> bool:
    """Whether an account that is not empty (EIP-161) is in the state."""
    if after:
        return bool(account.exists and (account.nonce_after or account.balance_after or account.code_after))
    return bool(account.existed and (account.nonce_before or account.balance_before or account.code_before))


def _change(old: str, new: str, before: bool, after: bool) -> Any:
    if not before:
        return {"+": new}
    if not after:
        return {"-": old}
    return _SAME if old == new else {"*": {"from": old, "to": new}}
