"""jovay_*: what the relayer publishes of blocks, and what provers are given of chunks of them."""

from __future__ import annotations

from jovay.rpc.args import BoolArg, IntegerArg
from jovay.rpc.backend.tracer import BlockTrace, Tracer
from jovay.rpc.codec import data, quantity
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError, invalid_params
from jovay.rpc.forms import Form
from jovay.rpc.table import Run, method
from jovay.tracer.chunk_witness import PART_BYTES

#: Bytes of blocks in one answer, where nobody asks for less.
TRACE_BYTES = 8 << 20
#: Blocks of a chunk.
MOST_BLOCKS = 1 << 16


def _tracer(context: Context) -> Tracer:
    if context.tracer is None:
        raise RpcError("this node does not record what provers need: --record-witnesses")
    return context.tracer


@method("jovay_getBlockTraces", Run.HEAVY)
def get_block_traces(context: Context, first: IntegerArg, max_bytes: IntegerArg = TRACE_BYTES) -> Form:
    """Stored blocks from a number on, as the relayer publishes them: as many as fit in ``max_bytes``, and ``head``, the
    newest block's number.

    ``context``: 40 bytes, as in a chunk; ``transactions``: each a u32 length and the signed bytes, without L1
    messages; ``nextL1Message`` and ``rollingHash``: those after the block; ``witnessBytes``: the most that the block
    adds to a chunk's witness, ``cycles``: about what it adds to the RISC-V program's run; null where that is not
    recorded.
    """
    most = min(max_bytes, TRACE_BYTES, context.limits.response // 4)
    traces, head = _tracer(context).block_traces(first, most)
    return {"blocks": [_form(trace) for trace in traces], "head": quantity(head)}


def _form(trace: BlockTrace) -> Form:
    return {
        "number": quantity(trace.number),
        "hash": data(trace.hash),
        "header": data(trace.header),
        "context": data(trace.context),
        "transactions": data(trace.transactions),
        "l1Messages": quantity(trace.l1_messages),
        "nextL1Message": quantity(trace.next_l1_message),
        "rollingHash": data(trace.rolling_hash),
        "gasUsed": quantity(trace.gas_used),
        "witnessBytes": None if trace.witness_bytes is None else quantity(trace.witness_bytes),
        "cycles": None if trace.cycles is None else quantity(trace.cycles),
    }


@method("jovay_getChunkWitness", Run.HEAVY)
def get_chunk_witness(
    context: Context, first: IntegerArg, last: IntegerArg, again: BoolArg = False, offset: IntegerArg = 0
) -> str:
    """What provers are given of a chunk of stored blocks beside its published bytes (``tracer/chunk_witness.py``): from
    byte ``offset`` on, 4 MiB at most; after as many there is more.

    From what was recorded of the blocks when they were made, or, with ``again``, from executing them once more.
    """
    if not first <= last < first + MOST_BLOCKS:
        raise invalid_params(f"blocks {first} to {last} are no chunk of 1 to {MOST_BLOCKS} blocks")
    witness = _tracer(context).chunk_witness(first, last, context.limits.trace_time, again)
    return data(witness[offset : offset + PART_BYTES])
