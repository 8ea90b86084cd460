"""``jovay prove``, ``jovay verify``, ``jovay vk``: ZK proofs of batches by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jovay.cli.follow import batch_verification
from jovay.cli.stack import L1_URL, NODE_URL, L1Url, NodeUrl, StackError, told_errors
from jovay.monitoring import logs

if TYPE_CHECKING:
    from jovay.prover.zk.machine.program import Program

SetupFile = Annotated[
    Path | None,
    typer.Option(
        "--setup",
        metavar="FILE",
        help="powers of tau of a ceremony (.ptau); without it those that anybody can forge with, for development",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="one JSON object instead of lines")]


def prove(
    number: Annotated[
        int | None, typer.Argument(metavar="[BATCH]", min=1, help="a batch that L1 has")
    ] = None,
    genesis: Annotated[
        Path | None, typer.Option("--genesis", metavar="FILE", help="of the settled chain")
    ] = None,
    node: NodeUrl = NODE_URL,
    l1: L1Url = L1_URL,
    task: Annotated[
        Path | None,
        typer.Option("--task", metavar="FILE", help="instead of a batch on L1: what a prover was handed"),
    ] = None,
    setup: SetupFile = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="where the proof goes")] = Path(
        "proof.json"
    ),
    keep: Annotated[
        Path | None, typer.Option("--keep-task", metavar="FILE", help="write down the task, too")
    ] = None,
) -> None:
    """Prove a batch, and write statement and proof down as ``jovay verify`` and the contract on L1 take them."""
    from jovay.native.kernel import load_visibly
    from jovay.prover.zk.batch import make_prover

    logs.setup("error", "text")
    with told_errors():
        load_visibly()
        data = task.read_bytes() if task else _task(number, genesis, node, l1)
        if keep:
            keep.write_bytes(data)
        begun = time.monotonic()
        with _progress() as tell:
            tell("program and set-up", 0.0)
            prover = make_prover(setup)
            statement, proof = prover.prove(data, tell)
        found = {
            "program": f"0x{prover.program.digest.hex()}",
            "statementHash": f"0x{statement.hash.hex()}",
            "statement": statement.to_json(),
            "proof": f"0x{proof.hex()}",
        }
        out.write_text(json.dumps(found, indent=1) + "\n")
        seconds = time.monotonic() - begun
    typer.echo(f"{out}: {len(proof):,} bytes of proof, after {seconds:.0f} s")


def _task(number: int | None, genesis: Path | None, node: str, l1: str) -> bytes:
    """What a prover is handed of a batch on L1."""
    from jovay.backend.l1 import L1Settings

    if number is None or genesis is None:
        raise StackError("a batch's number and --genesis, or --task, say what is to be proven")
    return batch_verification(L1Settings(l1), genesis, node).task(number).encode()


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="what jovay prove wrote")],
    setup: SetupFile = None,
) -> None:
    """Verify a proof of a batch; the status is 0 if it proves its statement. No chain is looked at."""
    from jovay.bridge.errors import WireError
    from jovay.bridge.wire.statement import Statement
    from jovay.prover.zk import batch
    from jovay.prover.zk.errors import ZkError

    logs.setup("error", "text")
    with told_errors():
        try:
            found = json.loads(file.read_text())
            statement, proof = Statement.from_json(found["statement"]), bytes.fromhex(found["proof"][2:])
        except (OSError, ValueError, KeyError, TypeError, WireError) as error:
            raise StackError(f"{file} is no proof of a batch: {error}") from error
        program = batch.batch_program(batch.setup_of(setup))
        try:
            batch.verify(program, statement.hash, proof)
        except ZkError as error:
            typer.echo(f"FAIL  {error}")
            raise typer.Exit(1) from error
    typer.echo(f"pass  statement 0x{statement.hash.hex()}, program 0x{program.digest.hex()}")


def vk(setup: SetupFile = None, as_json: Json = False) -> None:
    """Print what L1 has to know of the program that proves batches."""
    from jovay.prover.zk.batch import batch_program, setup_of

    with told_errors():
        program = batch_program(setup_of(setup))
        shown = _key(program)
    typer.echo(
        json.dumps(shown) if as_json else "\n".join(f"{name:12} {value}" for name, value in shown.items())
    )


def _key(program: Program) -> dict[str, Any]:
    statement = program.statement(0, 0)
    columns = sum(len(chip.columns) + len(chip.fixed) for chip in statement.chips)
    return {
        "program": f"0x{program.digest.hex()}",
        "chips": len(statement.chips),
        "columns": columns,
        "pieces": len(statement.key.commitments),
        "setup": "development: anybody can forge" if program.setup.development else "ceremony",
    }


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """A bar with the stage's name."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:24}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns) as bar:
        whole = bar.add_task("", total=1.0)
        yield lambda stage, share: bar.update(whole, description=stage, completed=share)
