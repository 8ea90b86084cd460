"""The method table: each JSON-RPC method is a typed function; its parameters are decoded from its
annotations.

A handler takes a :class:`~jovay.rpc.context.Context` and then its JSON parameters, each annotated with a type
of :mod:`jovay.rpc.args` (``Annotated[python_type, Kind(...)]``). A parameter with a default may be left out
or be null.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from jovay.rpc.errors import invalid_params


class Run(Enum):
    """Where a handler runs.

    INLINE: on the event loop, for what memory answers at once; in a long batch, in a worker thread. LOOP: on the
    event loop always, for what lives there. POOL: in a worker thread. HEAVY: the same, but only few at a time.
    ASYNC: a coroutine on the event loop, bounded by the request's time. WAIT: a coroutine that bounds its own time.
    """

    INLINE = "inline"
    LOOP = "loop"
    POOL = "pool"
    HEAVY = "heavy"
    ASYNC = "async"
    WAIT = "wait"


class Kind(msgspec.Struct, frozen=True):
    """A JSON parameter type: its name for people and its parser (raising ``ValueError`` with geth's text)."""

    name: str
    parse: Callable[[Any], Any]


class Param(msgspec.Struct, frozen=True):
    """A parameter of a method."""

    name: str
    kind: Kind
    required: bool
    default: Any = None


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """A method: name, handler, parameters, where it runs and how long its parameters may be in bytes.

    ``dev``: for development chains only; ``tracing``: what a node serves only when it is asked to, for it
    executes again what clients name, or shows the node's inside.
    """

    name: str
    handler: Callable[..., Any]
    params: tuple[Param, ...]
    run: Run
    large: bool
    dev: bool
    tracing: bool
    doc: str

    @property
    def namespace(self) -> str:
        """What stands before the name's first ``_``."""
        return self.name.partition("_")[0]

    def bind(self, raw: msgspec.Raw, limit: int) -> list[Any]:
        """Arguments from the ``params`` member; raises :class:`RpcError` -32602."""
        if not self.large and len(memoryview(raw)) > limit:
            raise invalid_params(f"parameters too large (limit {limit} bytes)")
        values = _decode_params(raw)
        if len(values) > len(self.params):
            raise invalid_params(f"too many arguments, want at most {len(self.params)}")
        arguments = []
        for position, param in enumerate(self.params):
            value = values[position] if position < len(values) else None
            if value is None:
                if param.required:
                    raise invalid_params(f"missing value for required argument {position}")
                arguments.append(param.default)
                continue
            try:
                arguments.append(param.kind.parse(value))
            except ValueError as error:
                raise invalid_params(f"invalid argument {position}: {error}") from None
        return arguments


_decode_any = msgspec.json.Decoder(Any).decode
_EMPTY = (b"", b"null", b"[]")


def _decode_params(raw: msgspec.Raw) -> list[Any]:
    content = bytes(raw)
    if content in _EMPTY:
        return []
    try:
        values = _decode_any(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise invalid_params("invalid parameters: nested too deeply or malformed") from error
    if not isinstance(values, list):
        raise invalid_params("non-array args")
    return values


METHODS: dict[str, Method] = {}

Handler = TypeVar("Handler", bound=Callable[..., Any])


TRACING_NAMESPACES = ("debug", "trace")
"""All their methods count as tracing ones."""


def method(
    name: str, run: Run, *, large: bool = False, dev: bool = False, tracing: bool = False
) -> Callable[[Handler], Handler]:
    """Register a handler as JSON-RPC method ``name``."""

    def register(handler: Handler) -> Handler:
        if name in METHODS:
            raise ValueError(f"two handlers for {name}")
        METHODS[name] = Method(
            name=name,
            handler=handler,
            params=_parameters(handler),
            run=run,
            large=large,
            dev=dev,
            tracing=tracing or name.startswith(tuple(f"{one}_" for one in TRACING_NAMESPACES)),
            doc=inspect.getdoc(handler) or "",
        )
        return handler

    return register


def alias(name: str, *others: str) -> None:
    """Register more names for a method."""
    for other in others:
        METHODS[other] = msgspec.structs.replace(METHODS[name], name=other)


def _parameters(handler: Callable[..., Any]) -> tuple[Param, ...]:
    hints = get_type_hints(handler, include_extras=True)
    params = []
    for parameter in list(inspect.signature(handler).parameters.values())[1:]:
        required = parameter.default is inspect.Parameter.empty
        kind = _kind_of(hints[parameter.name])
        if kind is None:
            raise TypeError(f"{handler.__qualname__}: parameter {parameter.name} has no JSON kind")
        params.append(Param(parameter.name, kind, required, None if required else parameter.default))
    return tuple(params)


def _kind_of(hint: Any) -> Kind | None:
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, Kind):
            return extra
    if get_origin(hint) is not None:
        for inner in get_args(hint):
            kind = _kind_of(inner)
            if kind is not None:
                return kind
    return None
