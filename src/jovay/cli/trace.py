"""``jovay trace``: blocks of a node, executed as the zkVM executes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from jovay.cli.stack import StackError, told_errors
from jovay.monitoring import logs

if TYPE_CHECKING:
    from jovay.bridge.relayer.blocks import Block
    from jovay.tracer.chunk import ChunkInput


def trace(
    first: Annotated[int, typer.Argument(min=1, help="the first block")],
    last: Annotated[int, typer.Argument(help="the last one")],
    node: Annotated[
        str, typer.Option("--node", metavar="URL", help="JSON-RPC of a settled chain's node")
    ] = "http://127.0.0.1:8545",
    blocks: Annotated[int, typer.Option(min=1, help="blocks of a chunk")] = 100,
    processes: Annotated[int, typer.Option(min=1, help="chunks that run at a time")] = 2,
) -> None:
    """Execute blocks from their witnesses as the RISC-V program that the zkVM proves, and show what that takes.

    The status is 0 if each chunk leads to the node's own block.
    """
    from jovay.tracer.full_trace import full_traces

    logs.setup("error", "text")
    right = True
    with told_errors():
        found = list(_blocks(node, first, last))
        parts = [found[at : at + blocks] for at in range(0, len(found), blocks)]
        traces = full_traces(_inputs(node, parts), processes)
        for part, (statement, cycles) in zip(parts, traces, strict=True):
            is_right = not statement.error and statement.last_block_hash == part[-1].hash
            outcome = "" if is_right else f": {statement.error or 'another block'}"
            typer.echo(
                f"{'pass' if is_right else 'FAIL'}  blocks {part[0].number} to {part[-1].number}, "
                f"{statement.transaction_count} transactions: {cycles:,} cycles{outcome}"
            )
            right = right and is_right
    raise typer.Exit(0 if right else 1)


def _blocks(node: str, first: int, last: int) -> Iterator[Block]:
    from jovay.bridge.l1.client import L1Client
    from jovay.bridge.relayer.blocks import BlockSource

    source = BlockSource(L1Client(node))
    while first <= last:
        found, head = source.since(first)
        if last > head or not found:
            raise StackError(f"the node's newest block is {head}")
        yield from found[: last + 1 - first]
        first += len(found)


def _inputs(node: str, parts: list[list[Block]]) -> Iterator[ChunkInput]:
    """What the program is given of each chunk."""
    from jovay.bridge.l1.client import L1Client
    from jovay.bridge.relayer.blocks import chunk_of
    from jovay.chain.settlement import settlement_from_json
    from jovay.prover.witnesses import fetch_witness
    from jovay.tracer.chunk import ChunkInput

    client = L1Client(node)
    config = settlement_from_json(client.call("jovay_getSettlement")).config.encode()
    for part in parts:
        witness = fetch_witness(client, part[0].number, part[-1].number)
        yield ChunkInput(config, 2, chunk_of(part).encode(2), witness)
