"""All commands. Modules of commands load what they need when a command runs, so that help comes at once."""

from __future__ import annotations

from typing import Annotated

import typer

from jovay import __version__
from jovay.cli import (
    bench,
    blocktest,
    bridging,
    checked,
    data,
    demo,
    evm_run,
    follow,
    fuzz,
    key,
    l1,
    node,
    opcodes,
    proofs,
    prover,
    relayer,
    statetest,
    trace,
)

app = typer.Typer(
    name="jovay",
    help="An Ethereum L2: a node that executes in parallel and answers in real time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"jovay {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="print the version"),
    ] = False,
) -> None:
    """An Ethereum L2: a node that executes in parallel and answers in real time."""


evm = typer.Typer(help="The EVM by itself.", no_args_is_help=True)
evm.command()(evm_run.run)
evm.command()(statetest.statetest)
evm.command()(blocktest.blocktest)
evm.command()(opcodes.opcodes)
evm.command()(fuzz.fuzz)
evm.command()(fuzz.fuzz_blocks)
evm.command()(fuzz.fuzz_inputs)
evm.command()(checked.checked)
evm.command()(fuzz.fuzz_witness)

app.command()(node.up)
app.command()(node.node)
app.command()(follow.follow)
app.command()(follow.verify_batch)
app.command("exit")(follow.leave)
app.command()(demo.demo)
app.command()(bridging.deposit)
app.command()(bridging.withdraw)
app.command()(bridging.finality)
app.command()(relayer.relayer)
app.command()(trace.trace)
app.command()(proofs.prove)
app.command()(proofs.verify)
app.command()(proofs.vk)
app.command()(data.config)
app.add_typer(evm, name="evm")
app.add_typer(key.key, name="key")
app.add_typer(l1.l1, name="l1")
app.add_typer(prover.prover, name="prover")
app.add_typer(data.genesis, name="genesis")
app.add_typer(data.snapshot, name="snapshot")
app.command(context_settings=bench.PLAIN_ARGUMENTS)(bench.bench)
