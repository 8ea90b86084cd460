"""``jovay evm run``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from jovay.kernel.protocol.opcodes import mnemonic

if TYPE_CHECKING:
    from jovay.chain.genesis import Genesis
    from jovay.simulation.standalone import Message, MessageOutcome

SENDER, RECEIVER = b"sender".rjust(20, b"\0"), b"receiver".rjust(20, b"\0")
TRACE_BYTES = 8 << 30
"""Address space for steps; only what is written takes memory."""


class InputError(Exception):
    """A bad argument; the message names it."""


def run(
    code: Annotated[str | None, typer.Argument(help="bytecode, as --code", metavar="[HEX]")] = None,
    code_option: Annotated[str | None, typer.Option("--code", help="bytecode", metavar="HEX")] = None,
    code_file: Annotated[
        Path | None, typer.Option("--codefile", help="file with bytecode in hex; - reads standard input")
    ] = None,
    data: Annotated[str, typer.Option("--input", help="call data", metavar="HEX")] = "",
    gas: Annotated[int, typer.Option(min=0, max=1 << 62, help="gas of the frame")] = 10**10,
    value: Annotated[str, typer.Option(help="wei sent with the call", metavar="WEI")] = "0",
    price: Annotated[str, typer.Option(help="gas price that GASPRICE gives", metavar="WEI")] = "0",
    sender: Annotated[str, typer.Option(help="the caller", metavar="ADDRESS")] = "",
    receiver: Annotated[str, typer.Option(help="the account in execution", metavar="ADDRESS")] = "",
    create: Annotated[bool, typer.Option("--create", help="the code is init code of a creation")] = False,
    fork: Annotated[str | None, typer.Option(help="rules [default: of the prestate, or Osaka]")] = None,
    prestate: Annotated[
        Path | None, typer.Option(help="genesis file with accounts and environment", metavar="FILE")
    ] = None,
    trace: Annotated[bool, typer.Option("--trace", help="a line for each instruction")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the trace as JSON lines (EIP-3155)")] = False,
) -> None:
    """Execute bytecode and print what it returns; the exit status is 1 if it fails."""
    from jovay.chain.errors import ChainError
    from jovay.state.errors import ExecutionError
    from jovay.storage.errors import StorageError

    try:
        from jovay.simulation.standalone import Message

        program = _program(code, code_option, code_file)
        genesis, rules = _prestate(prestate, fork)
        to = _address(receiver, "--receiver") or RECEIVER
        call = _hex(data, "--input")
        if program and not create:
            genesis = _with_code(genesis, to, program)
        message = Message(
            sender=_address(sender, "--sender") or SENDER,
            to=None if create else to,
            data=program + call if create else call,
            gas=gas,
            value=_number(value, "--value"),
            price=_number(price, "--price"),
        )
        outcome = _execute(genesis, rules, message, trace or as_json)
    except (InputError, ChainError, StorageError, ExecutionError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        _print_json(outcome, sys.stdout)
    else:
        _print_text(outcome, trace, sys.stdout, sys.stderr)
    raise typer.Exit(1 if outcome.error else 0)


def _execute(genesis: Genesis, fork: int, message: Message, traced: bool) -> MessageOutcome:
    from jovay.compiler.interruptible import interruptible, on_another_thread
    from jovay.native.kernel import load_visibly
    from jovay.simulation.standalone import run_message

    library = load_visibly()
    outcomes: list[MessageOutcome] = []
    trace_bytes = TRACE_BYTES if traced else 0
    with interruptible():
        on_another_thread(lambda: outcomes.append(run_message(library, genesis, fork, message, trace_bytes)))
    return outcomes[0]


def _hex(text: str, what: str) -> bytes:
    digits = "".join(text.split()).removeprefix("0x")
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise InputError(f"{what}: no hex ({error})") from error


def _number(text: str, what: str) -> int:
    try:
        number = int(text, 0)
    except ValueError as error:
        raise InputError(f"{what}: {text!r} is no number") from error
    if not 0 <= number < 1 << 256:
        raise InputError(f"{what}: {text} does not fit into 256 bits")
    return number


def _address(text: str, what: str) -> bytes | None:
    if not text:
        return None
    raw = _hex(text, what)
    if len(raw) > 20:
        raise InputError(f"{what}: {len(raw)} bytes, an address has 20")
    return raw.rjust(20, b"\0")


def _program(argument: str | None, option: str | None, file: Path | None) -> bytes:
    given = [source for source in (argument, option, file) if source is not None]
    if len(given) > 1:
        raise InputError("code was given more than once (argument, --code, --codefile)")
    if file is not None:
        return _hex(sys.stdin.read() if str(file) == "-" else file.read_text(), "--codefile")
    text = argument if argument is not None else option or ""
    return _hex(text, "--code" if option is not None else "code")


def _prestate(path: Path | None, fork: str | None) -> tuple[Genesis, int]:
    """The state to execute on, and the number of the fork whose rules hold."""
    from jovay.chain.development import development_genesis
    from jovay.chain.genesis import read
    from jovay.kernel.protocol.forks import FORKS

    genesis = replace(development_genesis(), alloc={}) if path is None else read(path)
    name = fork or genesis.config.fork(genesis.number, genesis.timestamp)
    known = {known.lower(): number for known, number in FORKS.items()}
    if name.lower() not in known:
        raise InputError(f"--fork: {name} is none of {', '.join(FORKS)}")
    return genesis, known[name.lower()]


def _with_code(genesis: Genesis, address: bytes, code: bytes) -> Genesis:
    from jovay.chain.genesis import GenesisAccount

    before = genesis.alloc.get(address, GenesisAccount(0))
    return replace(genesis, alloc=genesis.alloc | {address: replace(before, code=code)})


def trace_lines(outcome: MessageOutcome) -> Iterator[dict[str, object]]:
    """EIP-3155: a line for each instruction, then the outcome."""
    for step in outcome.steps:
        line = {
            "pc": step.pc,
            "op": step.op,
            "gas": hex(step.gas),
            "gasCost": hex(step.gas_cost),
            "memSize": len(step.memory or b""),
            "stack": [hex(item) for item in step.stack or ()],
            "depth": step.depth,
            "refund": step.refund,
            "opName": mnemonic(step.op),
        }
        yield line | ({"error": step.error} if step.error else {})
    last: dict[str, object] = {"output": outcome.output.hex(), "gasUsed": hex(outcome.gas_used)}
    yield last | ({"error": outcome.error} if outcome.error else {})


def _print_json(outcome: MessageOutcome, stream: TextIO) -> None:
    for line in trace_lines(outcome):
        print(json.dumps(line), file=stream)


def _print_text(outcome: MessageOutcome, trace: bool, stream: TextIO, notes: TextIO) -> None:
    """The output on ``stream``, all else on ``notes``."""
    if trace:
        print(f"{'pc':>6} {'depth':>5} {'op':<16}{'gas':>14} {'cost':>10}  stack, top first", file=notes)
        for step in outcome.steps:
            items = " ".join(hex(item) for item in reversed((step.stack or ())[-4:]))
            name = mnemonic(step.op)
            print(
                f"{step.pc:>6} {step.depth:>5} {name:<16}{step.gas:>14} {step.gas_cost:>10}  {items}",
                file=notes,
            )
        if outcome.steps_lost:
            print("the trace was longer than its buffer; the rest is missing", file=notes)
    print("0x" + outcome.output.hex(), file=stream)
    for log in outcome.logs:
        topics = " ".join("0x" + topic.hex() for topic in log.topics)
        print(f"log 0x{log.address.hex()} [{topics}] 0x{log.data.hex()}", file=notes)
    if outcome.created and not outcome.error:
        print(f"created 0x{outcome.created.hex()}", file=notes)
    print(f"gas used {outcome.gas_used}, refund counted {outcome.gas_refunded}", file=notes)
    if outcome.error:
        print(f"error: {outcome.error}", file=notes)
