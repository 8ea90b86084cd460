"""``python -m jovay.native``: build a kernel function as a program, name it, run it."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from jovay.compiler.cache import write_atomically
from jovay.compiler.errors import CompilerError
from jovay.compiler.riscv.build import build_elf
from jovay.compiler.riscv.elf import program_digest, read_elf
from jovay.compiler.riscv.layout import MIB, MemorySizes
from jovay.kernel.lang import KernelFunction

from .emulator import Emulator


def kernel_function(name: str) -> KernelFunction:
    """The kernel function ``package.module:function``; ``CompilerError`` if there is none."""
    module, _, attribute = name.partition(":")
    try:
        function: KernelFunction = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise CompilerError(f"no kernel function {name}: {error}") from error
    if not hasattr(function, "symbol"):
        raise CompilerError(f"{name} is not a kernel function")
    return function


def describe(elf: bytes) -> str:
    """Size and digest of a program, as printed."""
    text = read_elf(elf).text
    return f"{len(elf)} bytes, {text.size // 4} instructions, digest {program_digest(elf).hex()}"


def _progress(done: int, total: int, symbol: str) -> None:
    print(f"{done}/{total} {symbol}" if total else symbol, file=sys.stderr)


def _build(arguments: argparse.Namespace) -> int:
    sizes = {f.name: getattr(arguments, f.name) * MIB for f in fields(MemorySizes)}
    elf = build_elf(kernel_function(arguments.entry), MemorySizes(**sizes), _progress)
    write_atomically(arguments.output_path, elf)
    print(describe(elf))
    return 0


def _digest(arguments: argparse.Namespace) -> int:
    print(describe(arguments.program.read_bytes()))
    return 0


def _run(arguments: argparse.Namespace) -> int:
    data = arguments.data.read_bytes() if arguments.data else b""
    result = Emulator(arguments.program.read_bytes()).run(data, arguments.max_cycles)
    print(f"{result.reason} at {result.pc:#x} after {result.cycles} cycles, status {result.status}")
    if arguments.output_path:
        arguments.output_path.write_bytes(result.output)
    elif result.output:
        print(result.output.hex())
    return 0 if result.exited else 1


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m jovay.native", description=__doc__)
    commands = top.add_subparsers(required=True)
    build = commands.add_parser("build", help="compile a kernel function to an ELF file")
    build.add_argument("entry", help="package.module:function")
    build.add_argument("-o", dest="output_path", type=Path, required=True, metavar="PATH")
    for f in fields(MemorySizes):
        default = f.default // MIB  # type: ignore[operator]
        build.add_argument(f"--{f.name}", type=int, default=default, metavar="MIB")
    build.set_defaults(command=_build)
    digest = commands.add_parser("digest", help="print a program's size and digest")
    digest.add_argument("program", type=Path)
    digest.set_defaults(command=_digest)
    run = commands.add_parser("run", help="run a program in the emulator")
    run.add_argument("program", type=Path)
    run.add_argument("--data", type=Path, help="file with the input")
    run.add_argument("--max-cycles", type=int, default=10**10)
    run.add_argument("-o", dest="output_path", type=Path, metavar="PATH", help="file for the output")
    run.set_defaults(command=_run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry of the command line; the exit status."""
    chosen = parser().parse_args(arguments)
    try:
        status: int = chosen.command(chosen)
    except (CompilerError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
