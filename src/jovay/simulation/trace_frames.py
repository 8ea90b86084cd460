"""Calls and logs of a trace, read from the kernel's tape."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from jovay.kernel.evm import trace
from jovay.kernel.machine import status
from jovay.kernel.protocol.opcodes import DELEGATECALL, SELFDESTRUCT
from jovay.turns import READS

from .halts import halt_text
from .recorder import Recorder
from .requests import CallLog, Frame
from .trace_steps import CREATES, ENTER, EXIT, HEAD

REFUSED = struct.Struct("<5Q32s32s32s4Q")
DESTRUCT = struct.Struct("<4Q32s32s32s")
LOG = struct.Struct("<5Q32s128s2Q")
assert REFUSED.size == trace.REFUSED_SIZE
assert DESTRUCT.size == trace.DESTRUCT_SIZE
assert LOG.size == trace.LOG_EVENT_SIZE
EVENTS_AT_ONCE = 256
"""Events that are read between two places where a read gives way."""
#: Pseudo-contract whose Transfer events stand for transfers of ether (ERC-7528).
ETHER = b"\xee" * 20
TRANSFER = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")


def events(recorder: Recorder) -> Iterator[tuple[int, int, tuple[Any, ...], memoryview]]:
    """(kind, depth, fields, payload) of calls and logs in order."""
    forms = {
        trace.ENTER: ENTER,
        trace.EXIT: EXIT,
        trace.SELFDESTRUCT: DESTRUCT,
        trace.REFUSED: REFUSED,
        trace.LOG: LOG,
    }
    tape, at, end, count = recorder.tape(), 0, recorder.used, 0
    while at < end:
        size, kind = HEAD.unpack_from(tape, at)
        form = forms.get(kind)
        if form is not None:
            count += 1
            if not count % EVENTS_AT_ONCE:
                READS.pass_on()
            fields = form.unpack_from(tape, at)
            yield kind, fields[2], fields, tape[at + form.size : at + size]
        at += size


class _Open:
    """A call whose end has not come up yet; ``index`` is its place among all frames."""

    __slots__ = ("children", "enter", "index", "input", "logs")

    def __init__(self, index: int, enter: tuple[Any, ...], data: bytes) -> None:
        self.index, self.enter, self.input = index, enter, data
        self.children = 0
        self.logs: list[CallLog] = []


def read_frames(recorder: Recorder, first_log: int) -> list[Frame]:
    """The frames in order of entry; logs count from ``first_log``, the machine's count at the block's start."""
    frames: list[Frame | None] = []
    path: list[_Open] = []
    for kind, depth, fields, payload in events(recorder):
        if kind in (trace.ENTER, trace.REFUSED, trace.SELFDESTRUCT):
            if path:
                path[-1].children += 1
            frames.append(None)
        if kind == trace.ENTER:
            path.append(_Open(len(frames) - 1, fields, bytes(payload[: fields[9]])))
        elif kind == trace.EXIT and path:
            opened = path.pop()
            frames[opened.index] = _ended(opened, fields, payload)
        elif kind == trace.REFUSED:
            frames[-1] = _refused(fields, payload)
        elif kind == trace.SELFDESTRUCT:
            frames[-1] = _destructed(depth, fields)
        elif kind == trace.LOG and path:
            path[-1].logs.append(_log(fields, payload, first_log, path[-1].children))
    for opened in path:  # the tape was full
        frames[opened.index] = _frame(
            opened.enter, opened.enter[2] - 1, opened.input, 0, b"", None, opened.logs
        )
    return [frame for frame in frames if frame is not None]


def _frame(
    enter: tuple[Any, ...],
    depth: int,
    data: bytes,
    left: int,
    output: bytes,
    error: str | None,
    logs: list[CallLog],
) -> Frame:
    _, _, _, gas, op, sender, to, value, *_ = enter
    return Frame(
        op=op,
        depth=depth,
        sender=sender[19::-1],
        to=to[19::-1] if any(to) or op not in CREATES else None,
        value=int.from_bytes(value, "little"),
        gas=gas,
        gas_used=gas - left,
        input=data,
        output=output,
        error=error,
        logs=tuple(logs),
    )


def _ended(opened: _Open, fields: tuple[Any, ...], payload: memoryview) -> Frame:
    _, _, depth, left, how, size, _, _, opcode, stack_count, wanted = fields
    error = halt_text(how, opcode, stack_count, wanted)
    output = bytes(payload[:size])
    return _frame(opened.enter, depth - 1, opened.input, left, output, error, opened.logs)


def _refused(fields: tuple[Any, ...], payload: memoryview) -> Frame:
    *_, size, how, left = fields
    # It would have been one deeper than the frame that asked for it.
    return _frame(fields, fields[2], bytes(payload[:size]), left, b"", halt_text(how, 0, 0, 0), [])


def _destructed(depth: int, fields: tuple[Any, ...]) -> Frame:
    _, _, _, _, sender, to, value = fields
    return Frame(
        op=SELFDESTRUCT,
        depth=depth,
        sender=sender[19::-1],
        to=to[19::-1],
        value=int.from_bytes(value, "little"),
        gas=0,
        gas_used=0,
        input=b"",
    )


def _log(fields: tuple[Any, ...], payload: memoryview, first_log: int, position: int) -> CallLog:
    *_, index, address, topics, count, size = fields
    return CallLog(
        address=address[19::-1],
        topics=tuple([topics[32 * k : 32 * k + 32] for k in range(count)]),
        data=bytes(payload[:size]),
        index=index - first_log,
        position=position,
    )


def logs_with_transfers(recorder: Recorder, first_index: int) -> list[CallLog]:
    """The logs that stay, with one of ``ETHER`` for every transfer of value, counted from ``first_index``."""
    path: list[list[CallLog]] = [[]]
    for kind, _, fields, payload in events(recorder):
        if kind == trace.ENTER:
            path.append(_transfer(fields[4], fields[5], fields[6], fields[7]))
        elif kind == trace.SELFDESTRUCT:
            path[-1] += _transfer(SELFDESTRUCT, fields[4], fields[5], fields[6])
        elif kind == trace.LOG:
            path[-1].append(_log(fields, payload, 0, 0))
        elif kind == trace.EXIT and len(path) > 1:
            ended = path.pop()
            if fields[4] <= status.RETURN:
                path[-1] += ended
    return [
        CallLog(address=log.address, topics=log.topics, data=log.data, index=first_index + k)
        for k, log in enumerate(path[0])
    ]


def _transfer(op: int, sender: bytes, to: bytes, value: bytes) -> list[CallLog]:
    if op == DELEGATECALL or not any(value):
        return []
    return [CallLog(address=ETHER, topics=(TRANSFER, sender[::-1], to[::-1]), data=value[::-1])]
