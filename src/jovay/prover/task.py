"""What a prover is handed of a batch, and its binary form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jovay.bridge.errors import WireError
from jovay.bridge.wire import batch_header
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.da import DaData
from jovay.chain.settled import SettledConfig
from jovay.tracer.binary import Reader, listed, number, sized
from jovay.tracer.chunk_witness import ChunkWitness

from .errors import TaskFormatError

_MAGIC = b"JVB1"
_ADDRESS, _HASH = 20, 32


@dataclass(frozen=True, slots=True)
class BatchTask:
    """A batch as L1 has it, with its parent's header and with witnesses. ``versioned_hashes`` is empty where the data
    travelled as calldata.
    """

    l1_chain_id: int
    rollup: bytes
    config: SettledConfig
    parent: BatchHeader
    header: BatchHeader
    da: DaData
    versioned_hashes: Sequence[bytes]
    witnesses: Sequence[ChunkWitness]

    def encode(self) -> bytes:
        """Its binary form: magic, the fields in order, the DA data as calldata have them."""
        return b"".join(
            (
                _MAGIC,
                number(self.l1_chain_id),
                self.rollup,
                sized(self.config.encode()),
                self.parent.encode(),
                self.header.encode(),
                sized(self.da.calldata),
                listed(self.versioned_hashes),
                listed([sized(witness.encode()) for witness in self.witnesses]),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> BatchTask:
        """The inverse of ``encode``; ``TaskFormatError`` for anything else."""
        try:
            return cls._decode(Reader("batch task", data))
        except (ValueError, WireError) as error:
            raise TaskFormatError(str(error)) from error

    @classmethod
    def _decode(cls, reader: Reader) -> BatchTask:
        if (magic := reader.take(len(_MAGIC))) != _MAGIC:
            raise TaskFormatError(f"begins with {magic.hex()}")
        l1_chain_id, rollup = reader.number(), reader.take(_ADDRESS)
        config = SettledConfig.decode(reader.sized())
        parent, header = (BatchHeader.decode(reader.take(batch_header.SIZE)) for _ in range(2))
        da = DaData.from_calldata(reader.sized())
        hashes = reader.listed(lambda: reader.take(_HASH))
        witnesses = reader.listed(lambda: ChunkWitness.decode(reader.sized()))
        reader.end()
        return cls(l1_chain_id, rollup, config, parent, header, da, hashes, witnesses)
