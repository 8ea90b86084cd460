"""Witnesses of chunks from a node, which serves large ones in parts."""

from __future__ import annotations

from typing import Any, Protocol

from jovay.tracer.chunk_witness import PART_BYTES, ChunkWitness
from jovay.tracer.errors import FormatError


class Node(Protocol):
    """A JSON-RPC client of the L2 node."""

    def call(self, method: str, *params: Any) -> Any: ...


def fetch_witness(node: Node, first: int, last: int, again: bool = False) -> ChunkWitness:
    """That of blocks ``first`` to ``last``; ``again``: not from what was recorded of them.

    Raises ``FormatError``, and what the client raises.
    """
    parts = [_part(node, first, last, again)]
    while len(parts[-1]) == PART_BYTES:
        parts.append(_part(node, first, last, again, hex(PART_BYTES * len(parts))))
    return ChunkWitness.decode(b"".join(parts))


def _part(node: Node, first: int, last: int, *rest: Any) -> bytes:
    found = node.call("jovay_getChunkWitness", hex(first), hex(last), *rest)
    if not isinstance(found, str):
        raise FormatError("chunk witness", f"the node answered {type(found).__name__}")
    try:
        return bytes.fromhex(found.removeprefix("0x"))
    except ValueError as error:
        raise FormatError("chunk witness", str(error)) from error
