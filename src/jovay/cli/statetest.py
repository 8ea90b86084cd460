"""``jovay evm statetest``."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .test_reports import run_and_exit

if TYPE_CHECKING:
    from jovay.conformance.state_tests import Engine


class EngineName(StrEnum):
    """What runs the tests."""

    native = "native"
    riscv = "riscv"
    accelerated = "accelerated"


def statetest(
    paths: Annotated[list[Path], typer.Argument(help="JSON files, folders of them, or tar archives")],
    as_json: Annotated[bool, typer.Option("--json", help="a list as geth's evm statetest --json")] = False,
    engine: Annotated[
        EngineName,
        typer.Option(
            help="the native kernel, or its RISC-V program in the emulator, with all accelerators or none"
        ),
    ] = EngineName.native,
    fork: Annotated[
        list[str] | None, typer.Option(help="only tests of this fork; may be given several times")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="processes")] = 1,
    every: Annotated[int, typer.Option(min=1, metavar="N", help="only every N-th test")] = 1,
    offset: Annotated[int, typer.Option(min=0, metavar="K", help="begin with test K, with --every")] = 0,
) -> None:
    """Run state tests of execution-spec-tests; the exit status is 1 if any fails."""
    from jovay.conformance.runner import Selection
    from jovay.conformance.state_tests import StateTests

    selection = Selection(_forks(fork or []), every, offset % every)
    maker = _EngineMaker(engine)
    maker.prepare()
    run_and_exit(StateTests(maker.scale), maker, paths, selection, jobs, as_json)


def _forks(names: list[str]) -> frozenset[str]:
    from jovay.kernel.protocol.forks import FORKS

    if unknown := [name for name in names if name not in FORKS]:
        typer.echo(f"error: --fork {unknown[0]}: must be one of {', '.join(FORKS)}", err=True)
        raise typer.Exit(2)
    return frozenset(names)


class _EngineMaker:
    """Makes engines in whichever process it is called in."""

    def __init__(self, name: EngineName) -> None:
        self.name = name
        self.scale = 1 if name is EngineName.native else 0
        self._first: Engine | None = None

    def prepare(self) -> None:
        """Compile what is not in the cache, once and before processes are forked."""
        if self.name is EngineName.native:
            from jovay.native.kernel import load_visibly

            load_visibly()
            return
        from jovay.compiler.progress import CompilationProgress
        from jovay.conformance.riscv_engine import RiscvEngine
        from jovay.kernel.accelerated import ACCELERATORS

        accelerators = set(ACCELERATORS) if self.name is EngineName.accelerated else set[str]()
        with CompilationProgress(sys.stderr, "compiling the kernel for RISC-V") as progress:
            self._first = RiscvEngine(progress, accelerators)

    def __call__(self) -> Engine:
        if self._first is not None:
            return self._first
        from jovay.conformance.native_engine import NativeEngine
        from jovay.native import kernel

        return NativeEngine(kernel.load())
