"""Contracts that ship, called and read by their ABI. Addresses are 20 bytes in and out; structs are tuples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.codec import ABICodec
from eth_abi.decoding import Fixed32ByteSizeDecoder
from eth_abi.exceptions import DecodingError
from eth_abi.registry import BaseEquals, registry
from eth_utils.crypto import keccak

from jovay.bridge import artifacts
from jovay.bridge.errors import L1AnswerError
from jovay.bridge.l1.client import L1Client, Where
from jovay.bridge.l1.records import L1Log
from jovay.chain.hexadecimal import shown

_SELECTOR = 4


def _codec() -> ABICodec:
    """eth_abi's, but addresses are decoded to bytes and not to hex."""
    own = registry.copy()  # type: ignore[no-untyped-call]
    own.unregister_decoder("address")
    decoder: Any = Fixed32ByteSizeDecoder
    address = decoder(value_bit_size=160, is_big_endian=True, decoder_fn=bytes)
    own.register_decoder(BaseEquals("address"), address, label="address")  # type: ignore[no-untyped-call]
    return ABICodec(own)


_CODEC = _codec()


@dataclass(frozen=True, slots=True)
class Entry:
    """A function, event, error or constructor of an ABI; ``types`` and ``names`` are its inputs'."""

    name: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    indexed: tuple[bool, ...]
    outputs: tuple[str, ...]

    @property
    def signature(self) -> str:
        """Name and types."""
        return f"{self.name}({','.join(self.types)})"

    @property
    def hash(self) -> bytes:
        """Keccak-256 of the signature: an event's topic, and the selector's source."""
        return keccak(text=self.signature)

    @property
    def selector(self) -> bytes:
        """Of calls, and of errors' data."""
        return self.hash[:_SELECTOR]


@dataclass(frozen=True, slots=True)
class Event:
    """A log, read; ``args`` by name, those that are hashed for being long as their hash."""

    name: str
    args: dict[str, Any]
    log: L1Log


@dataclass(frozen=True, slots=True)
class Contract:
    """The contract of an artefact at an address. Overloaded functions are named by their signature, all others
    by their name."""

    name: str
    address: bytes

    def encode(self, function: str, *arguments: Any) -> bytes:
        """Calldata."""
        entry = _entries(self.name, "function")[function]
        return entry.selector + _CODEC.encode(entry.types, arguments)

    def decode(self, function: str, data: bytes) -> Any:
        """What a call returned: its value, a tuple if there are several. Raises L1AnswerError."""
        outputs = _entries(self.name, "function")[function].outputs
        values = _decoded(outputs, data, f"{self.name}.{function}'s result")
        return values[0] if len(values) == 1 else values

    def read(self, client: L1Client, function: str, *arguments: Any, block: Where = "latest") -> Any:
        """Call a view. Raises what the client raises."""
        return self.decode(function, client.eth_call(self.address, self.encode(function, *arguments), block))

    def topic(self, event: str) -> bytes:
        """The first topic of an event."""
        return _entries(self.name, "event")[event].hash

    def event(self, log: L1Log) -> Event | None:
        """A log of this contract, read; None for one of another contract or of no event of this ABI.

        Raises L1AnswerError for a log that is not as its event says.
        """
        entry = _events(self.name).get(log.topics[0]) if log.topics else None
        if entry is None or log.address != self.address:
            return None
        what = f"a log {self.name}.{entry.name}"
        if len(log.topics) != 1 + sum(entry.indexed):
            raise L1AnswerError(f"the number of topics of {what}", len(log.topics))
        kept = tuple(kind for kind, indexed in zip(entry.types, entry.indexed, strict=True) if not indexed)
        data, topics = iter(_decoded(kept, log.data, what)), iter(log.topics[1:])
        args = {
            name: _topic(kind, next(topics), what) if indexed else next(data)
            for name, kind, indexed in zip(entry.names, entry.types, entry.indexed, strict=True)
        }
        return Event(entry.name, args, log)


def creation_code(name: str, *arguments: Any) -> bytes:
    """What a transaction that creates the contract of an artefact carries."""
    constructor = _entries(name, "constructor").get("")
    types = constructor.types if constructor else ()
    return artifacts.load(name).bytecode + _CODEC.encode(types, arguments)


def reason(data: bytes) -> str:
    """What a reverted call returned, in words: an error of any of the contracts, or what Solidity itself says."""
    entry = _errors().get(data[:_SELECTOR])
    if entry is None:
        return f"0x{data.hex()}" if data else "no reason given"
    try:
        values = _CODEC.decode(entry.types, data[_SELECTOR:])
    except DecodingError:
        return f"{entry.name}, and not as it should be: 0x{data.hex()}"
    return f"{entry.name}({', '.join(map(_shown, values))})"


def _shown(value: Any) -> str:
    return f"({', '.join(map(_shown, value))})" if isinstance(value, tuple) else shown(value)


def _decoded(types: tuple[str, ...], data: bytes, what: str) -> tuple[Any, ...]:
    try:
        return tuple(_CODEC.decode(types, data))
    except (DecodingError, OverflowError) as error:
        raise L1AnswerError(what, f"0x{data.hex()}") from error


def _topic(kind: str, topic: bytes, what: str) -> Any:
    """Values of more than a word stand in topics as their hash."""
    if kind in ("string", "bytes") or kind.startswith("(") or kind.endswith("]"):
        return topic
    return _decoded((kind,), topic, what)[0]


def _type(value: dict[str, Any]) -> str:
    """A parameter's canonical type: structs as tuples."""
    kind: str = value["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(part) for part in value['components'])}){kind.removeprefix('tuple')}"


def _abi(name: str, kind: str) -> Iterator[Entry]:
    for item in artifacts.load(name).abi:
        if item["type"] == kind:
            inputs = item.get("inputs", ())
            yield Entry(
                item.get("name", ""),
                tuple(one["name"] or f"_{n}" for n, one in enumerate(inputs)),
                tuple(map(_type, inputs)),
                tuple(one.get("indexed", False) for one in inputs),
                tuple(map(_type, item.get("outputs", ()))),
            )


@cache
def _entries(name: str, kind: str) -> dict[str, Entry]:
    found = list(_abi(name, kind))
    times = Counter(entry.name for entry in found)
    return {entry.signature if times[entry.name] > 1 else entry.name: entry for entry in found}


@cache
def _events(name: str) -> dict[bytes, Entry]:
    return {entry.hash: entry for entry in _abi(name, "event")}


@cache
def _errors() -> dict[bytes, Entry]:
    """Of all contracts that ship: a call that fails may hand on another's error."""
    found = [entry for name in artifacts.names() for entry in _abi(name, "error")]
    found.append(Entry("Error", ("message",), ("string",), (False,), ()))
    found.append(Entry("Panic", ("code",), ("uint256",), (False,), ()))
    return {entry.selector: entry for entry in found}
