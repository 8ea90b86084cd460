"""What the controller is asked for in JSON, checked: integers as numbers, bytes in hex."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jovay.bridge.controller_client import TEE, ZK, batch_fields
from jovay.bridge.errors import WireError
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.statement import Statement
from jovay.chain.settled import SettledConfig
from jovay.prover.controller.errors import BadRequestError
from jovay.prover.task import BatchTask
from jovay.tracer.chunk_witness import ChunkWitness

TYPES: Final = (TEE, ZK)
#: What sqlite3 takes.
_END = 1 << 63
_ADDRESS, _HASH = 20, 32
#: Chunks of a batch and blobs of a transaction; more are a mistake.
_MOST_CHUNKS, _MOST_BLOBS = 1 << 16, 64


class Body:
    """The fields of a request; each getter raises BadRequestError."""

    def __init__(self, fields: object) -> None:
        if not isinstance(fields, dict):
            raise BadRequestError("the body is no JSON object")
        self._fields: dict[str, Any] = fields

    def has(self, name: str) -> bool:
        """Given, and not null."""
        return self._fields.get(name) is not None

    def number(self, name: str) -> int:
        """0 to 2⁶³ − 1."""
        return _number(self._fields.get(name), name)

    def text(self, name: str, most: int = 256) -> str:
        """Of at most so many characters."""
        value = self._fields.get(name)
        if not isinstance(value, str) or len(value) > most:
            raise BadRequestError(f"{name} must be a text of at most {most} characters")
        return value

    def octets(self, name: str, size: int | None = None) -> bytes:
        """Bytes, as many as ``size`` if that is given."""
        return _octets(self._fields.get(name), name, size)

    def flag(self, name: str) -> bool:
        """True or false; false where it is not given."""
        value = self._fields.get(name, False)
        if not isinstance(value, bool):
            raise BadRequestError(f"{name} must be true or false")
        return value

    def items(self, name: str, most: int) -> Sequence[Any]:
        """Of at most so many."""
        value = self._fields.get(name)
        if not isinstance(value, list) or len(value) > most:
            raise BadRequestError(f"{name} must be a list of at most {most}")
        return value

    def object(self, name: str) -> Mapping[str, Any]:
        """A JSON object."""
        value = self._fields.get(name)
        if not isinstance(value, dict):
            raise BadRequestError(f"{name} must be an object")
        return value

    def type(self) -> str:
        """Of a proof."""
        return _type(self._fields.get("type"))

    def types(self) -> list[str]:
        """All of them where none are given."""
        return [_type(one) for one in self.items("types", len(TYPES))] if self.has("types") else list(TYPES)


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A batch to be proven, without witnesses: ``chunks`` are the first and the last block of each."""

    l1_chain_id: int
    rollup: bytes
    config: SettledConfig
    parent: BatchHeader
    header: BatchHeader
    da: DaData
    versioned_hashes: tuple[bytes, ...]
    chunks: tuple[tuple[int, int], ...]

    @property
    def index(self) -> int:
        return self.header.index

    @classmethod
    def read(cls, body: Body) -> BatchRequest:
        """``prove_batch``'s. Raises BadRequestError."""
        try:
            request = cls(
                l1_chain_id=body.number("l1ChainId"),
                rollup=body.octets("rollup", _ADDRESS),
                config=SettledConfig.decode(body.octets("config")),
                parent=BatchHeader.decode(body.octets("parentHeader")),
                header=BatchHeader.decode(body.octets("header")),
                da=DaData.from_calldata(body.octets("da")),
                versioned_hashes=tuple(
                    _octets(one, "versionedHashes", _HASH)
                    for one in body.items("versionedHashes", _MOST_BLOBS)
                ),
                chunks=tuple(map(_chunk, body.items("chunks", _MOST_CHUNKS))),
            )
        except (WireError, ValueError) as error:
            raise BadRequestError(str(error)) from error
        if body.number("index") != request.index:
            raise BadRequestError(f"index {body.number('index')} with the header of batch {request.index}")
        if not request.chunks:
            raise BadRequestError("a batch without chunks")
        return request

    def to_json(self) -> dict[str, Any]:
        """As ``read`` takes it."""
        return batch_fields(
            self.l1_chain_id, self.rollup, self.config, self.parent, self.header, self.da,
            self.versioned_hashes, self.chunks,
        )  # fmt: skip

    def encode(self) -> str:
        """For the store: equal requests are equal texts."""
        return json.dumps(self.to_json())

    @classmethod
    def decode(cls, text: str) -> BatchRequest:
        """What ``encode`` gave."""
        return cls.read(Body(json.loads(text)))

    def task(self, witnesses: Sequence[ChunkWitness]) -> BatchTask:
        """What a prover works with."""
        return BatchTask(
            self.l1_chain_id, self.rollup, self.config, self.parent, self.header, self.da,
            self.versioned_hashes, witnesses,
        )  # fmt: skip

    def is_about(self, statement: Statement) -> bool:
        """Whether a statement is one of this batch, as far as can be told without executing it."""
        stated = (statement.l1_chain_id, statement.rollup, statement.chain_config_hash, statement.batch_hash)
        return stated == (self.l1_chain_id, self.rollup, self.config.hash, self.header.hash)


def read_statement(body: Body) -> Statement:
    """``report_proof``'s. Raises BadRequestError."""
    try:
        return Statement.from_json(body.object("statement"))
    except WireError as error:
        raise BadRequestError(str(error)) from error


def _number(value: object, name: str) -> int:
    if type(value) is not int or not 0 <= value < _END:
        raise BadRequestError(f"{name} must be a whole number from 0 to {_END - 1}")
    return value


def _octets(value: object, name: str, size: int | None) -> bytes:
    try:
        found = bytes.fromhex(str.removeprefix(value, "0x"))  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise BadRequestError(f"{name} must be bytes in hex") from error
    if size is not None and len(found) != size:
        raise BadRequestError(f"{name} has {len(found)} bytes, not {size}")
    return found


def _type(value: object) -> str:
    if value not in TYPES:
        raise BadRequestError(f"a type of proof must be one of {', '.join(TYPES)}")
    return str(value)


def _chunk(value: object) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise BadRequestError("a chunk is its first and its last block")
    first, last = (_number(one, "chunks") for one in value)
    if last < first:
        raise BadRequestError(f"a chunk from block {first} to block {last}")
    return first, last
