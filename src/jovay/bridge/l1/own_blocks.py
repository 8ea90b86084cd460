"""Whether what a batch publishes is what this chain has stored: how a sequencer knows its own blocks on L1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jovay.bridge.wire.block_context import BlockContext
from jovay.bridge.wire.chunk import Chunk
from jovay.sequencer.sequencer import Sequencer
from jovay.state.errors import HistoryUnavailableError
from jovay.state.reader import StateReader
from jovay.storage.headers import read_header

from .batches import CommittedBatch, Output
from .following_errors import BatchDifferenceError


def output_after(sequencer: Sequencer, number: int) -> Output:
    """What a batch that ends with a stored block leads to."""
    header, settled = read_header(sequencer.data.blocks, number), sequencer.rules.settled
    assert settled is not None
    address, slot = settled.l2_msg_root
    try:
        root = StateReader(sequencer.world).storage(address.to_bytes(20, "big"), slot, number)
    except HistoryUnavailableError:
        return Output(header.state_root, None, header.hash)
    return Output(header.state_root, root.to_bytes(32, "big"), header.hash)


def match(sequencer: Sequencer, batch: CommittedBatch, chunks: Sequence[Chunk], first: int) -> int:
    """The last block of a batch, which must begin with block ``first``.

    Raises ``BatchDifferenceError`` where it is not made of this chain's blocks.
    """
    expected = first
    for chunk in chunks:
        for context, transactions in chunk.by_block():
            for what, here, on_l1 in differences(sequencer, expected, context, transactions):
                if here != on_l1:
                    raise BatchDifferenceError(batch.index, f"{what} of block {expected}", here, on_l1)
            expected += 1
    last = expected - 1
    messages = sequencer.inbox.position(last)[0]
    if messages != batch.l1_messages:
        raise BatchDifferenceError(batch.index, "number of L1 messages", messages, batch.l1_messages)
    return last


def differences(
    sequencer: Sequencer, number: int, context: BlockContext, transactions: Sequence[bytes]
) -> Iterator[tuple[str, object, object]]:
    """(what, here, on L1) of a block and of what is published of it, whether they differ or not.

    What follows a pair that differs makes no sense.
    """
    yield "number", number, context.number
    latest = sequencer.visible.number
    yield "existence", number <= latest, True
    header = read_header(sequencer.data.blocks, number)
    yield "time", sequencer.block_time_ms(number), context.timestamp
    yield "base fee", header.base_fee_per_gas, context.base_fee
    yield "gas limit", header.gas_limit, context.gas_limit
    yield "fork", sequencer.rules.fork(number, header.timestamp), context.spec_version
    offsets, raw = sequencer.data.blocks.transactions(number)
    yield "number of transactions", len(offsets) - 1, context.transactions
    stored = bytes(raw[int(offsets[context.l1_messages]) :])
    yield "transactions", stored, b"".join(transactions)
