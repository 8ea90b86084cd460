"""From the bytes of a request to the bytes of its answer: single calls, batches, limits and errors."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Any

import msgspec

from jovay.rpc import bulk
from jovay.rpc.backend.errors import BackendError, OutOfRangeError
from jovay.rpc.context import Context
from jovay.rpc.encoding import Text, encode, too_large
from jovay.rpc.errors import (
    INTERNAL,
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE,
    TIMEOUT,
    RpcError,
    limit_exceeded,
)
from jovay.rpc.exposure import find_method
from jovay.rpc.limits import Limits
from jovay.rpc.table import METHODS, Method, Run
from jovay.turns import READS

logger = logging.getLogger(__name__)

_NO_RAW = msgspec.Raw(b"")
_encode = msgspec.json.Encoder().encode
_SEND = bulk.SendBatch.method
_SMALL = 64 << 10
_FEW = 16
"""Entries of a batch that the event loop answers itself."""
_SLICE = 0.005
"""Seconds that a batch may keep a worker thread before others get a turn."""
_LOOP_SLICE = 0.001
"""Seconds that batches may keep the event loop before others get as much."""
_ON_ANY_THREAD = (Run.INLINE, Run.POOL)
_ON_LOOP = (Run.INLINE, Run.LOOP)

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


def answer_head(identifier: bytes | None) -> bytes:
    """What stands before the encoded result in a successful answer; ``}`` follows it."""
    return b"" if identifier is None else b'{"jsonrpc":"2.0","id":' + identifier + b',"result":'


def answer(identifier: bytes, result: Text) -> bytes:
    """A successful answer around an encoded result."""
    return answer_head(identifier) + result + b"}"


def error_answer(identifier: bytes, error: RpcError) -> bytes:
    """An error answer."""
    return b'{"jsonrpc":"2.0","id":' + identifier + b',"error":' + _encode(error.form()) + b"}"


class Dispatcher:
    """Answers requests with the methods of the table."""

    def __init__(self, observer: Observer | None = None) -> None:
        self._observer = observer
        self._loop_turn = asyncio.Lock()

    def handle(self, body: bytes, context: Context) -> bytes | Awaitable[Text]:
        """Answer to a request body; empty when there is nothing to say.

        What memory can answer at once is answered at once; otherwise the answer is awaitable.
        """
        if is_batch(body):
            return self._handle_batch(body, context)
        if len(body) > _SMALL and count_values(body) > context.limits.values:
            return error_answer(b"null", limit_exceeded(f"more than {context.limits.values} JSON values"))
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

    def _start(self, call: _Call, context: Context) -> bytes | Awaitable[Text]:
        begun = time.perf_counter()
        try:
            method = find_method(call.name, context.services)
            if method.large and len(memoryview(call.params)) > _SMALL:
                return self._finish(call, method, None, context, begun)
            arguments = method.bind(call.params, context.limits.params)
            if method.run not in _ON_LOOP:
                return self._finish(call, method, arguments, context, begun)
            result = encode(method.handler(context, *arguments), context.limits.response)
        except Exception as error:
            return self._failed(call, error, begun)
        self._succeeded(call, begun)
        return b"" if call.id is None else answer(call.id, result)

    async def _finish(
        self, call: _Call, method: Method, arguments: list[Any] | None, context: Context, begun: float
    ) -> Text:
        """Answer in time; ``arguments`` None: a worker thread has to decode them first, for they are large."""
        head = answer_head(call.id)
        try:
            if arguments is None:
                arguments = await context.services.workers.run(_bind, method, call.params, context)
            if method.run is Run.WAIT:
                text = encode(await method.handler(context, *arguments), head=head)
            else:
                async with asyncio.timeout(context.limits.request_time):
                    text = await _run(method, arguments, context, head)
        except Exception as error:
            return self._failed(call, error, begun)
        self._succeeded(call, begun)
        if call.id is None:
            return b""
        text += b"}"
        return text

    def _succeeded(self, call: _Call, begun: float) -> None:
        if self._observer is not None:
            self._observer(call.name, time.perf_counter() - begun, True, 1)

    def _failed(self, call: _Call, error: Exception, begun: float) -> bytes:
        visible = _visible(call.name, error)
        if self._observer is not None and call.name in METHODS:
            self._observer(call.name, time.perf_counter() - begun, False, 1)
        return b"" if call.id is None else error_answer(call.id, visible)

    def _handle_batch(self, body: bytes, context: Context) -> bytes | Awaitable[Text]:
        """Large ones are decoded by a worker thread, but for those of transactions, which wait for nobody."""
        if len(body) <= _SMALL or bulk.names_sends(body):
            fast = _recognise(body, context)
            if fast is not None:
                return self._handle_bulk(fast, context)
        if len(body) > _SMALL:
            return self._handle_large(body, context)
        entries = _decode_batch(body, context.limits)
        return entries if isinstance(entries, bytes) else self._run_batch(entries, context)

    async def _handle_large(self, body: bytes, context: Context) -> Text:
        def decode() -> list[_Call | bytes] | bytes | bulk.ReceiptBatch | bulk.SendBatch:
            with READS.unbroken():
                return _recognise(body, context) or _decode_batch(body, context.limits)

        found = await context.services.workers.run(decode)
        if isinstance(found, bytes):
            return found
        if isinstance(found, list):
            return await self._run_batch(found, context)
        answer = self._handle_bulk(found, context)
        return answer if isinstance(answer, bytes) else await answer

    def _handle_bulk(
        self, batch: bulk.SendBatch | bulk.ReceiptBatch, context: Context
    ) -> bytes | Awaitable[bytes]:
        if len(batch.ids) > context.limits.batch:
            return _too_large(_encode(batch.ids[0]))
        return self._run_bulk(batch, context)

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

    async def _run_batch(self, entries: list[_Call | bytes], context: Context) -> Text:
        text = bytearray()
        held = 0

        def add(content: Text) -> None:
            nonlocal text
            if content:
                text += b"," if text else b"["
                text += content

        try:
            stop: RpcError | None = None
            deadline = time.perf_counter() + context.limits.request_time
            position = 0
            while position < len(entries) and stop is None:
                size = held
                for content in await self._run_next(entries, position, context):
                    size += len(content)
                    if size > context.limits.response:
                        stop = too_large()  # for this entry and all that follow
                        break
                    position += 1
                    add(content)
                granted = context.services.memory.move(held, size)
                held = size
                if stop is None and not granted:
                    stop = limit_exceeded("too much is being answered, try again later")
                if stop is None and time.perf_counter() > deadline:
                    stop = RpcError("request timed out", TIMEOUT)
            for entry in entries[position:]:
                if isinstance(entry, bytes):
                    add(entry)
                elif entry.id is not None and stop is not None:
                    add(error_answer(entry.id, stop))
            if text:
                text += b"]"
            return text
        finally:
            context.services.memory.move(held, 0)

    async def _run_next(
        self, entries: list[_Call | bytes], position: int, context: Context
    ) -> Sequence[Text]:
        """Answers to the next entry; a run of transactions goes on together, as it would in a pure batch.

        Of a run of reads a worker thread answers as many as fit into a slice of time.
        """
        first = entries[position]
        if len(entries) > _FEW and _is_read(first):
            return await context.services.workers.run(self._answer_reads, entries, position, context)
        if isinstance(first, bytes) or _is_quick(first):
            return await self._answer_here(entries, position, context)
        end = position
        run: list[bytes | Awaitable[Text]] = []
        while end < len(entries):
            entry = entries[end]
            if isinstance(entry, bytes) or entry.name != _SEND:
                break
            run.append(self._start(entry, context))
            end += 1
        if not run:
            started = self._start(first, context)
            return [started if isinstance(started, bytes) else await started]
        done = iter(await asyncio.gather(*[item for item in run if not isinstance(item, bytes)]))
        return [item if isinstance(item, bytes) else next(done) for item in run]

    async def _answer_here(
        self, entries: list[_Call | bytes], position: int, context: Context
    ) -> Sequence[Text]:
        """Answers to entries from ``position`` on that the event loop gives at once, while a slice lasts.

        One batch at a time, and then as long for others, however many there are.
        """
        answers: list[bytes] = []
        rest: Awaitable[Text] | None = None
        async with self._loop_turn:
            begun = time.perf_counter()
            for entry in islice(entries, position, None):
                if not _is_quick(entry):
                    break
                started = entry if isinstance(entry, bytes) else self._start(entry, context)
                if not isinstance(started, bytes):  # its parameters are large
                    rest = started
                    break
                answers.append(started)
                elapsed = time.perf_counter() - begun
                if elapsed > _LOOP_SLICE:
                    await asyncio.sleep(elapsed)
                    break
        return answers if rest is None else [*answers, await rest]

    def _answer_reads(self, entries: list[_Call | bytes], position: int, context: Context) -> list[bytes]:
        """Answers to entries from ``position`` on, one at least, while they are reads and time is left."""
        answers: list[bytes] = []
        counts: Counter[tuple[str, bool]] = Counter()
        begun, size = time.perf_counter(), 0
        for entry in islice(entries, position, None):
            if not _is_read(entry) or time.perf_counter() - begun > _SLICE or size > context.limits.response:
                break
            if not isinstance(entry, bytes):
                call, (entry, ok) = entry, _answer_read(entry, context)
                counts[call.name, ok] += 1
            answers.append(entry)
            size += len(entry)
        READS.pass_on()
        each = (time.perf_counter() - begun) / max(1, len(answers))
        for (name, ok), count in counts.items():
            if self._observer is not None and name in METHODS:
                self._observer(name, each * count, ok, count)
        return answers


def _answer_read(call: _Call, context: Context) -> tuple[bytes, bool]:
    """The answer, and whether it is a result."""
    try:
        method = find_method(call.name, context.services)
        arguments = method.bind(call.params, context.limits.params)
        result = encode(method.handler(context, *arguments), context.limits.response)
    except Exception as error:
        content = b"" if call.id is None else error_answer(call.id, _visible(call.name, error))
        return content, False
    return b"" if call.id is None else answer(call.id, result), True


def _is_read(entry: _Call | bytes) -> bool:
    """Whether any thread can answer it, without waiting for its turn among the heavy ones."""
    if isinstance(entry, bytes):
        return True
    method = METHODS.get(entry.name)
    return method is None or method.run in _ON_ANY_THREAD


def _is_quick(entry: _Call | bytes) -> bool:
    """Whether the event loop answers it at once."""
    if isinstance(entry, bytes):
        return True
    method = METHODS.get(entry.name)
    return method is None or method.run in _ON_LOOP


def _bind(method: Method, params: msgspec.Raw, context: Context) -> list[Any]:
    with READS.unbroken():
        return method.bind(params, context.limits.params)


async def _run(method: Method, arguments: list[Any], context: Context, head: bytes) -> Text:
    """JSON of a method's result, ``head`` before it."""
    workers, limit = context.services.workers, context.limits.response
    if method.run is Run.ASYNC:
        result = await method.handler(context, *arguments)
        return (
            encode(result, head=head)
            if isinstance(result, str)
            else await workers.run(encode, result, limit, head)
        )
    if method.run in _ON_LOOP:
        return encode(method.handler(context, *arguments), limit, head)

    def work() -> Text:
        return encode(method.handler(context, *arguments), limit, head)

    return await (workers.run_heavy(work) if method.run is Run.HEAVY else workers.run(work))


def _visible(name: str, error: Exception) -> RpcError:
    """What the client learns of a failure; of a fault in the node only that there was one."""
    if isinstance(error, RpcError):
        return error
    if isinstance(error, OutOfRangeError):
        return RpcError(str(error), INVALID_PARAMS)
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


def _recognise(body: bytes, context: Context) -> bulk.SendBatch | bulk.ReceiptBatch | None:
    return bulk.recognise(body) if "eth" in context.services.namespaces else None


def _decode_batch(body: bytes, limits: Limits) -> list[_Call | bytes] | bytes:
    """Calls of a batch, with ready answers for entries that are no requests; or the answer to a batch that is none."""
    if len(body) > _SMALL and count_values(body) > limits.values:
        return error_answer(b"null", limit_exceeded(f"more than {limits.values} JSON values"))
    try:
        entries = _decode_entries(body, limits.batch)
    except _decode_errors:
        return error_answer(b"null", RpcError("parse error", PARSE))
    if not entries:
        return error_answer(b"null", RpcError("empty batch", INVALID_REQUEST))
    if len(entries) > limits.batch:
        first = next((call.id for call in entries if isinstance(call, _Call) and call.id), b"null")
        return _too_large(first)
    return entries


def _decode_entries(body: bytes, limit: int) -> list[_Call | bytes]:
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
