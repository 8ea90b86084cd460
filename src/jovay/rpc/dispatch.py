"""From the bytes of a request to the bytes of its answer: single calls, batches, limits and errors."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from jovay.rpc import bulk
from jovay.rpc.backend import BackendError
from jovay.rpc.context import Context
from jovay.rpc.errors import (
    INTERNAL,
    INVALID_REQUEST,
    PARSE,
    RESPONSE_TOO_LARGE,
    TIMEOUT,
    RpcError,
    limit_exceeded,
)
from jovay.rpc.exposure import find_method
from jovay.rpc.table import Method, Run

logger = logging.getLogger(__name__)

_NO_RAW = msgspec.Raw(b"")
_encode = msgspec.json.Encoder().encode
_SEND = bulk.SendBatch.method
_SMALL = 64 << 10
_SLICE = 0.002
"""Seconds that a batch may keep the event loop before others get a turn."""

Observer = Callable[[str, float, bool, int], None]
"""Called with method, seconds, success and number of calls (for metrics)."""


class Request(msgspec.Struct, gc=False):
    """A JSON-RPC request; members stay raw until they are needed."""

    jsonrpc: msgspec.Raw = _NO_RAW
    method: msgspec.Raw = _NO_RAW
    params: msgspec.Raw = _NO_RAW
    id: msgspec.Raw = _NO_RAW


_decode_request = msgspec.json.Decoder(Request).decode
_decode_requests = msgspec.json.Decoder(list[Request]).decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_any = msgspec.json.Decoder(Any).decode
_decode_errors = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class _Call(msgspec.Struct, gc=False):
    """A valid request: ``id`` None means a notification, which gets no answer."""

    id: bytes | None
    name: str
    params: msgspec.Raw


def answer(identifier: bytes, result: bytes) -> bytes:
    """A successful answer around an encoded result."""
    return b'{"jsonrpc":"2.0","id":' + identifier + b',"result":' + result + b"}"


def error_answer(identifier: bytes, error: RpcError) -> bytes:
    """An error answer."""
    return b'{"jsonrpc":"2.0","id":' + identifier + b',"error":' + _encode(error.form()) + b"}"


def encode(result: Any) -> bytes:
    """JSON of a handler's result; ``msgspec.Raw`` goes in as it is."""
    return _encode(result)


class Dispatcher:
    """Answers requests with the methods of the table."""

    def __init__(self, observer: Observer | None = None) -> None:
        self._observer = observer

    def handle(self, body: bytes, context: Context) -> bytes | Awaitable[bytes]:
        """Answer to a request body; empty when there is nothing to say.

        What memory can answer at once is answered at once; otherwise the answer is awaitable.
        """
        if len(body) > _SMALL and count_values(body) > context.limits.values:
            return error_answer(b"null", limit_exceeded(f"more than {context.limits.values} JSON values"))
        if is_batch(body):
            return self._handle_batch(body, context)
        try:
            request = _decode_request(body)
        except msgspec.ValidationError:
            return error_answer(b"null", RpcError("invalid request", INVALID_REQUEST))
        except _decode_errors:
            return error_answer(b"null", RpcError("parse error", PARSE))
        call = _check(request)
        if isinstance(call, bytes):
            return call
        return self._start(call, context)

    def _start(self, call: _Call, context: Context) -> bytes | Awaitable[bytes]:
        try:
            method = find_method(call.name, context.services)
        except RpcError as error:
            return self._failed(call, error, 0.0)
        begun = time.perf_counter()
        try:
            arguments = method.bind(call.params, context.limits.params)
            if method.run is not Run.INLINE:
                return self._finish(call, method, arguments, context, begun)
            result = encode(method.handler(context, *arguments))
        except Exception as error:
            return self._failed(call, error, begun)
        return self._succeeded(call, result, context, begun)

    async def _finish(
        self, call: _Call, method: Method, arguments: list[Any], context: Context, begun: float
    ) -> bytes:
        try:
            if method.run is Run.WAIT:
                result = encode(await method.handler(context, *arguments))
            else:
                async with asyncio.timeout(context.limits.request_time):
                    result = await _run(method, arguments, context)
        except Exception as error:
            return self._failed(call, error, begun)
        return self._succeeded(call, result, context, begun)

    def _succeeded(self, call: _Call, result: bytes, context: Context, begun: float) -> bytes:
        if len(result) > context.limits.response:
            return self._failed(call, RpcError("response too large", RESPONSE_TOO_LARGE), begun)
        if self._observer is not None:
            self._observer(call.name, time.perf_counter() - begun, True, 1)
        return b"" if call.id is None else answer(call.id, result)

    def _failed(self, call: _Call, error: Exception, begun: float) -> bytes:
        visible = _visible(call.name, error)
        if self._observer is not None and begun:
            self._observer(call.name, time.perf_counter() - begun, False, 1)
        return b"" if call.id is None else error_answer(call.id, visible)

    def _handle_batch(self, body: bytes, context: Context) -> bytes | Awaitable[bytes]:
        fast = bulk.recognise(body) if "eth" in context.services.namespaces else None
        if fast is not None:
            if len(fast.ids) > context.limits.batch:
                return _too_large(_encode(fast.ids[0]))
            return self._run_bulk(fast, context)
        try:
            entries = _decode_batch(body, context.limits.batch)
        except _decode_errors:
            return error_answer(b"null", RpcError("parse error", PARSE))
        if not entries:
            return error_answer(b"null", RpcError("empty batch", INVALID_REQUEST))
        if len(entries) > context.limits.batch:
            first = next((call.id for call in entries if isinstance(call, _Call) and call.id), b"null")
            return _too_large(first)
        return self._run_batch(entries, context)

    async def _run_bulk(self, batch: bulk.SendBatch | bulk.ReceiptBatch, context: Context) -> bytes:
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(context.limits.request_time):
                content = await batch.run(context)
        except Exception as error:
            return bulk.format_failure(batch.ids, _visible(batch.method, error))
        if self._observer is not None:
            self._observer(batch.method, time.perf_counter() - begun, True, len(batch.ids))
        return content

    async def _run_batch(self, entries: list[_Call | bytes], context: Context) -> bytes:
        answers: list[bytes] = []
        size = position = 0
        turn = time.perf_counter()
        deadline = turn + context.limits.request_time
        stop: RpcError | None = None
        while position < len(entries) and stop is None:
            contents = await self._run_next(entries, position, context)
            position += len(contents)
            answers += [content for content in contents if content]
            size += sum(map(len, contents))
            now = time.perf_counter()
            if size > context.limits.response:
                # Take back what went over, so that its entries get the error too.
                position -= len(contents)
                del answers[len(answers) - sum(map(bool, contents)) :]
                stop = RpcError("response too large", RESPONSE_TOO_LARGE)
            elif now > deadline:
                stop = RpcError("request timed out", TIMEOUT)
            if now - turn > _SLICE:
                await asyncio.sleep(0)
                turn = time.perf_counter()
        for entry in entries[position:]:
            if isinstance(entry, bytes):
                answers.append(entry)
            elif entry.id is not None and stop is not None:
                answers.append(error_answer(entry.id, stop))
        return b"[" + b",".join(answers) + b"]" if answers else b""

    async def _run_next(self, entries: list[_Call | bytes], position: int, context: Context) -> list[bytes]:
        """Answers to the next entry; a run of transactions goes on together, as it would in a pure batch."""
        end = position
        run: list[bytes | Awaitable[bytes]] = []
        while end < len(entries):
            entry = entries[end]
            if isinstance(entry, bytes) or entry.name != _SEND:
                break
            run.append(self._start(entry, context))
            end += 1
        if not run:
            entry = entries[position]
            started = entry if isinstance(entry, bytes) else self._start(entry, context)
            return [started if isinstance(started, bytes) else await started]
        done = iter(await asyncio.gather(*[item for item in run if not isinstance(item, bytes)]))
        return [item if isinstance(item, bytes) else next(done) for item in run]


async def _run(method: Method, arguments: list[Any], context: Context) -> bytes:
    if method.run is Run.ASYNC:
        return encode(await method.handler(context, *arguments))

    def work() -> bytes:
        return encode(method.handler(context, *arguments))

    pool = context.services.pool
    return await (pool.run_heavy(work) if method.run is Run.HEAVY else pool.run(work))


def _visible(name: str, error: Exception) -> RpcError:
    """What the client learns of a failure; of a fault in the node only that there was one."""
    if isinstance(error, RpcError):
        return error
    if isinstance(error, BackendError):
        return RpcError(str(error))
    if isinstance(error, TimeoutError):
        return RpcError("request timed out", TIMEOUT)
    logger.error("%s failed", name, exc_info=error)
    return RpcError(f"internal error: {type(error).__name__}", INTERNAL)


def count_values(body: bytes) -> int:
    """An upper bound of the JSON values in a body, found without decoding it."""
    return body.count(b",") + body.count(b"[") + body.count(b"{") + 1


def is_batch(body: bytes) -> bool:
    """Whether the first character that is not white space opens an array."""
    first = body[:1]
    if first in (b"{", b"["):
        return first == b"["
    return body.lstrip(b" \t\r\n")[:1] == b"["


def _decode_batch(body: bytes, limit: int) -> list[_Call | bytes]:
    """Calls of a batch, and ready answers for entries that are no requests."""
    try:
        requests = _decode_requests(body)
    except msgspec.ValidationError:
        # Some entry is no object, or has a member of the wrong type: look at them one by one.
        items = _decode_items(body)
        return [_decode_item(item) for item in items[: limit + 1]]
    return [_check(request) for request in requests[: limit + 1]]


def _decode_item(item: msgspec.Raw) -> _Call | bytes:
    try:
        return _check(_decode_request(item))
    except _decode_errors:
        return error_answer(b"null", RpcError("invalid request", INVALID_REQUEST))


def _too_large(identifier: bytes) -> bytes:
    return b"[" + error_answer(identifier, RpcError("batch too large", INVALID_REQUEST)) + b"]"


def _check(request: Request) -> _Call | bytes:
    """A valid call, or the answer that refuses the request."""
    raw_id = bytes(request.id)
    identifier = _identifier(raw_id) if raw_id else None
    if raw_id and identifier is None:
        return error_answer(b"null", RpcError("invalid request", INVALID_REQUEST))
    name = _name(bytes(request.method))
    if name is None or bytes(request.jsonrpc) != b'"2.0"':
        return error_answer(identifier or b"null", RpcError("invalid request", INVALID_REQUEST))
    return _Call(identifier, name, request.params)


def _name(raw: bytes) -> str | None:
    if raw[:1] != b'"' or len(raw) > 256:
        return None
    text = raw[1:-1]
    if b"\\" in text or not text:
        return None
    try:
        return text.decode()
    except UnicodeDecodeError:
        return None


def _identifier(raw: bytes) -> bytes | None:
    """The id to send back: a string, number or null as it came; None for anything else."""
    if raw.isdigit() and len(raw) < 20:
        return raw
    if raw[:1] in (b"{", b"[", b"t", b"f") or len(raw) > 4096:
        return None
    try:
        _decode_any(raw)
    except _decode_errors:
        return None
    return raw
