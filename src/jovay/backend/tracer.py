"""Traces and witnesses as JSON-RPC sees them."""

from __future__ import annotations

from itertools import pairwise

from jovay.bridge.wire.block_context import BlockContext
from jovay.kernel.transaction.record import L1_MESSAGE
from jovay.rpc.backend.tracer import BlockTrace
from jovay.sequencer.sequencer import Sequencer
from jovay.storage.headers import read_header
from jovay.storage.standing import read_standing
from jovay.tracer.chunk_witness import PART_BYTES
from jovay.tracer.chunks import ChunkWitnesses
from jovay.tracer.estimates import cycles, witness_bytes
from jovay.tracer.witnesses import Witnesses

from .errors import executing, stored

_FIELDS = 256
"""Bytes of a trace beside header and transactions."""


class NodeTracer:
    """Implements ``Tracer`` of ``jovay.rpc.backend``; every method may be called from any thread."""

    def __init__(self, sequencer: Sequencer, witnesses: Witnesses) -> None:
        self._sequencer, self._witnesses = sequencer, witnesses
        self._chunks = ChunkWitnesses(sequencer.library, sequencer.data, witnesses.spv)
        self._made: tuple[tuple[int, int, bool, bytes], bytes] | None = None

    def block_traces(self, first: int, max_bytes: int) -> tuple[list[BlockTrace], int]:
        """Blocks from ``first`` on."""
        head, traces, size = self._sequencer.visible.number, list[BlockTrace](), 0
        self._wait_for_records()
        with stored():
            for number in range(first, head + 1):
                trace = self._trace(number)
                size += len(trace.header) + len(trace.transactions) + _FIELDS
                if traces and size > max_bytes:
                    break
                traces.append(trace)
        return traces, head

    def _trace(self, number: int) -> BlockTrace:
        blocks, rules = self._sequencer.data.blocks, self._sequencer.rules
        header, standing = read_header(blocks, number), read_standing(blocks, number)
        offsets, raw = blocks.transactions(number)
        published, messages = [], list[bytes]()
        for start, end in pairwise(offsets.tolist()):
            if raw[start] == L1_MESSAGE:
                messages.append(raw[start:end])
            else:
                published += [(end - start).to_bytes(4, "big"), raw[start:end]]
        context = BlockContext(
            spec_version=rules.fork(number, header.timestamp),
            number=number,
            timestamp=standing.milliseconds,
            base_fee=header.base_fee_per_gas or 0,
            gas_limit=header.gas_limit,
            transactions=len(offsets) - 1,
            l1_messages=len(messages),
        )
        sizes, signed = self._witnesses.sizes(number), context.transactions - context.l1_messages
        return BlockTrace(
            number=number,
            hash=header.hash,
            header=blocks.header(number),
            context=context.encode(),
            transactions=b"".join(published),
            l1_messages=len(messages),
            next_l1_message=standing.next_message,
            rolling_hash=standing.rolling_hash,
            gas_used=header.gas_used,
            witness_bytes=None if sizes is None else witness_bytes(sizes, messages),
            cycles=None if sizes is None else cycles(sizes, signed, header.gas_used),
        )

    def chunk_witness(self, first: int, last: int, time_limit: float, again: bool) -> bytes:
        """The witness of a chunk of blocks, encoded. Whoever asks for it in parts has it made once."""
        self._wait_for_records()
        with executing(), stored():
            wanted = first, last, again, self._sequencer.data.blocks.hash_of(last)
            if (made := self._made) is not None and made[0] == wanted:
                return made[1]
            witness = self._chunks.witness(first, last, time_limit, again).encode()
        self._made = (wanted, witness) if len(witness) > PART_BYTES else None
        return witness

    def _wait_for_records(self) -> None:
        """What is visible may still be on its way to TracerDB."""
        if self._sequencer.recording is not None:
            self._sequencer.recording.drain()
