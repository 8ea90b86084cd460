"""A batch's payload: its chunks, each behind its length."""

from __future__ import annotations

from collections.abc import Sequence

from jovay.bridge.errors import WireError
from jovay.bridge.wire.chunk import Chunk

#: Bytes of a chunk's length.
LENGTH = 4


def encode_chunks(chunks: Sequence[Chunk], version: int) -> bytes:
    """u32 length and bytes of every chunk, in the form of a batch ``version``."""
    parts: list[bytes] = []
    for chunk in chunks:
        data = chunk.encode(version)
        parts += (len(data).to_bytes(LENGTH, "big"), data)
    return b"".join(parts)


def decode_chunks(data: bytes, version: int) -> list[Chunk]:
    """The chunks that ``data`` holds to its last byte; block numbers go on from chunk to chunk."""
    chunks: list[Chunk] = []
    at = 0
    while at < len(data):
        start = at + LENGTH
        end = start + int.from_bytes(data[at:start], "big")
        if end > len(data) or start > len(data):
            raise WireError("payload", f"chunk {len(chunks)} ends at byte {end} of {len(data)}", at)
        chunk = Chunk.decode(data[start:end], version)
        if chunks:
            before, block = chunks[-1].blocks[-1], chunk.blocks[0]
            if block.number != before.number + 1 or block.timestamp < before.timestamp:
                raise WireError("payload", f"block {block.number} follows block {before.number}", at)
        chunks.append(chunk)
        at = end
    if not chunks:
        raise WireError("payload", "no chunk")
    return chunks


def end_of_chunks(data: bytes) -> int:
    """The end of a payload behind which only padding follows: chunks go on until a length of zero."""
    at = 0
    while length := int.from_bytes(data[at : at + LENGTH], "big"):
        at += LENGTH + length
        if at > len(data):
            raise WireError("payload", f"a chunk ends at byte {at} of {len(data)}")
    return at
