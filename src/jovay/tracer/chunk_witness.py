"""What provers are given of a chunk beside its published bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jovay.state.writes import WriteSet

from .binary import Reader, listed, number, sized
from .errors import FormatError

#: Nodes hand out so much of a witness at once.
PART_BYTES = 4 << 20
_MAGIC = b"JVW1"
_HASH = 32


@dataclass(frozen=True, slots=True)
class ChunkWitness:
    """Nothing of it is believed. ``l1_messages``: 0x7f transactions, the first of which is number
    ``first_l1_message``; ``rolling_hash`` is that before it. ``hashes``: of blocks before the parent that BLOCKHASH
    gives, by number. ``touched``: keys of all blocks with the values before the chunk.
    """

    parent_header: bytes
    first_l1_message: int
    rolling_hash: bytes
    l1_messages: Sequence[bytes]
    hashes: Sequence[tuple[int, bytes]]
    touched: WriteSet
    multiproof: bytes

    def encode(self) -> bytes:
        """Its binary form: magic, the fields in order; of ``hashes`` each is a number and 32 bytes."""
        return b"".join(
            (
                _MAGIC,
                sized(self.parent_header),
                number(self.first_l1_message),
                self.rolling_hash,
                listed([sized(message) for message in self.l1_messages]),
                listed([number(block) + digest for block, digest in self.hashes]),
                sized(self.touched.encode()),
                sized(self.multiproof),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> ChunkWitness:
        """The inverse of ``encode``; ``FormatError`` for anything else."""
        reader = Reader("chunk witness", data)
        if reader.take(len(_MAGIC)) != _MAGIC:
            raise FormatError("chunk witness", f"begins with {data[: len(_MAGIC)].hex()}")
        parent_header, first, rolling_hash = reader.sized(), reader.number(), reader.take(_HASH)
        messages = reader.listed(reader.sized)
        hashes = reader.listed(lambda: (reader.number(), reader.take(_HASH)))
        touched, multiproof = reader.sized(), reader.sized()
        reader.end()
        try:
            keys = WriteSet.decode(touched)
        except ValueError as error:
            raise FormatError("chunk witness", str(error)) from error
        return cls(parent_header, first, rolling_hash, messages, hashes, keys, multiproof)
