"""Run a RISC-V program on an input: loads the ELF into fresh memory and drives the compiled ``machine``."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.compiler import native
from jovay.compiler.cache import (
    COMPILER_DIRECTORY,
    KERNEL_DIRECTORY,
    cache_directory,
    digest,
    source_digest,
    write_atomically,
)
from jovay.compiler.checked import CHECKED, PLAIN, is_chosen
from jovay.compiler.errors import CompilerError
from jovay.compiler.riscv.elf import Function, Image, read_elf
from jovay.compiler.riscv.layout import INPUT_BASE, LENGTH_SIZE, OUTPUT_BASE, PAGE
from jovay.kernel.riscv import machine as m
from jovay.kernel.riscv import trace
from jovay.kernel.riscv.calls import WORDS
from jovay.kernel.riscv.decode import decode_text

from .arena import Arena, zeros
from .library import Library
from .records import View, dtype_of, new_record

#: Status names as ``Execution.reason`` has them, by the machine's status number.
REASONS = (
    "cycle limit",
    "exit",
    "breakpoint",
    "unknown system call",
    "illegal instruction",
    "load outside memory",
    "store outside writable memory",
    "jump outside the program",
    "block of a system call that is not aligned or not in writable memory",
    "operands that a system call does not take",
)
#: Cycles between two looks at Python's signals.
_SLICE = 1 << 28
#: Instructions that are written down at once.
_TRACED = 1 << 20
#: Calls that are.
_CALLED = 1 << 14


@dataclass(frozen=True)
class Execution:
    """How a run ended. ``status`` and ``output`` mean something only if the program exited."""

    reason: str
    status: int
    output: bytes
    cycles: int
    pc: int
    fault: int
    registers: tuple[int, ...]

    @property
    def exited(self) -> bool:
        return self.reason == "exit"


@dataclass(frozen=True)
class Calls:
    """All calls of one number in a run, in order: the numbers of their instructions, counted from 1, the addresses of
    their blocks, and what these held before and after, shape (calls, words).
    """

    clock: npt.NDArray[np.uint64]
    address: npt.NDArray[np.uint64]
    before: npt.NDArray[np.uint64]
    after: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.clock)


@dataclass(frozen=True)
class Trace:
    """A run, written down: all instructions (``kernel.riscv.trace.Step``), the calls by number, and how it ended."""

    steps: npt.NDArray[Any]
    calls: dict[int, Calls]
    execution: Execution


@dataclass(frozen=True)
class Profile:
    """Where a run spent its cycles: how often each instruction of the text was carried out, calls by number, and the
    addresses of the 8-byte words that loads and stores touched.
    """

    cycles: npt.NDArray[np.int64]
    calls: Counter[int]
    words: npt.NDArray[np.uint64]
    execution: Execution

    def by_function(self, functions: Sequence[Function], text: int) -> Counter[str]:
        """Cycles by function; ``text``: the address of the first instruction."""
        starts = [(f.address - text) // 4 for f in functions]
        sums = np.add.reduceat(self.cycles, starts).tolist() if starts else []
        found = Counter[str]()
        for f, spent in zip(functions, sums, strict=True):
            found[f.name] += int(spent)
        return found


class InputTooLargeError(CompilerError):
    """The input does not fit the program's input window."""


class Emulator:
    """One program, ready to run on many inputs; each run starts from fresh memory."""

    def __init__(self, elf: bytes) -> None:
        self.image = read_elf(elf)
        self._library = _machine_library()
        self._code = self._decode()

    def _decode(self) -> npt.NDArray[np.uint64]:
        text = self.image.text
        count = text.size // 4
        decoded = np.zeros(count + 1, np.uint64)
        self._library.decode(text.data.ljust(text.size, b"\0"), count, decoded)
        return decoded

    def _machine(self, memory: _Memory) -> View:
        return new_record(
            m.Machine,
            {
                "memory": memory.arena,
                "base": memory.base,
                "size": memory.size,
                "writable": memory.writable,
                "code": self._code,
                "text": self.image.text.address,
                "text_size": self.image.text.size,
                "pc": self.image.entry,
            },
        )

    @property
    def decoded(self) -> npt.NDArray[np.uint64]:
        """The program's instructions as the machine runs them."""
        return self._code[:-1]

    def trace(self, data: bytes, max_cycles: int) -> Trace:
        """``run``, written down."""
        state = self._machine(memory := _Memory(self.image, data))
        parts, calls = [zeros(0, dtype_of(trace.Step))], [zeros(0, dtype_of(trace.Call))]
        for steps, called in self._slices(state, max_cycles):
            parts.append(steps)
            calls.append(called.copy())
        return Trace(
            np.concatenate(parts), _calls_by_number(np.concatenate(calls)), self._execution(state, memory)
        )

    def profile(self, data: bytes, max_cycles: int) -> Profile:
        """``run``, counted."""
        state = self._machine(memory := _Memory(self.image, data))
        text = self.image.text
        cycles, calls, words = np.zeros(text.size // 4, np.int64), Counter[int](), set[int]()
        for steps, called in self._slices(state, max_cycles):
            cycles += np.bincount((steps["pc"] - text.address) // 4, minlength=len(cycles))
            calls.update(called["number"].tolist())
            operation = steps["decoded"] & 255
            accesses = steps[
                (operation >= trace.FIRST_ACCESS) & (operation < trace.FIRST_ACCESS + trace.ACCESSES)
            ]
            offsets = (accesses["decoded"].view(np.int64) >> 32).view(np.uint64)
            words.update(np.unique((accesses["a"] + offsets) >> np.uint64(3)).tolist())
        return Profile(cycles, calls, np.array(sorted(words), np.uint64) * 8, self._execution(state, memory))

    def _slices(self, state: View, max_cycles: int) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
        """A run from ``state``, written down piece by piece: instructions and calls."""
        state.limit = max_cycles
        while state.status == m.RUNNING and state.cycles < max_cycles:
            steps = zeros(min(max_cycles, _TRACED), dtype_of(trace.Step))
            calls = zeros(_CALLED, dtype_of(trace.Call))
            tracing = new_record(
                trace.Tracing,
                {"steps": steps, "step_room": len(steps), "calls": calls, "call_room": len(calls)},
            )
            self._library.trace(state, tracing)
            yield steps[: tracing.step_count], calls[: tracing.call_count]

    def run(self, data: bytes, max_cycles: int) -> Execution:
        """Run on ``data`` until the program stops, or for ``max_cycles`` instructions."""
        memory = _Memory(self.image, data)
        state = self._machine(memory)
        status = m.RUNNING
        while status == m.RUNNING and state.cycles < max_cycles:
            state.limit = min(state.cycles + _SLICE, max_cycles)
            status = self._library.run(state)
        return self._execution(state, memory)

    @staticmethod
    def _execution(state: View, memory: _Memory) -> Execution:
        registers, reason = struct.unpack_from("<32Q", state.registers), REASONS[state.status]
        output = memory.output()
        return Execution(reason, registers[m.A0], output, state.cycles, state.pc, state.fault, registers)


def run(elf: bytes, data: bytes, max_cycles: int) -> Execution:
    """Run a program once; ``data`` becomes its input.

    Raises ``ElfError`` if it is no RV64IM executable, ``InputTooLargeError`` if the input does not fit.
    """
    return Emulator(elf).run(data, max_cycles)


def _calls_by_number(calls: npt.NDArray[Any]) -> dict[int, Calls]:
    """``Calls`` of the records ``kernel.riscv.trace.Call``, of each number that there is."""
    found = {}
    for number in np.unique(calls["number"]).tolist():
        these = calls[calls["number"] == number]
        before, after = (
            np.ascontiguousarray(these[name]).view(np.uint64).reshape(len(these), -1)[:, : WORDS[number]]
            for name in ("before", "after")
        )
        found[number] = Calls(these["clock"], these["address"], before, after)
    return found


class _Memory:
    """The guest's memory from its lowest to its highest segment, zero pages taken only when touched."""

    def __init__(self, image: Image, data: bytes) -> None:
        segments = image.segments
        self.base = segments[0].address // PAGE * PAGE
        self.size = segments[-1].end - self.base
        self.writable = next((s.address for s in segments if s.writable), segments[-1].end)
        window = next((s for s in segments if s.address == INPUT_BASE), None)
        if len(data) + LENGTH_SIZE > (window.size if window else 0) and (data or window):
            raise InputTooLargeError(f"input of {len(data)} bytes")
        self.arena = Arena(-(-self.size // PAGE) * PAGE, huge_pages=False, name="guest")
        for s in segments:
            self._write(s.address, s.data)
        if window:
            self._write(INPUT_BASE, struct.pack("<Q", len(data)))
            self._write(INPUT_BASE + LENGTH_SIZE, data)
        self._output = next((s for s in segments if s.address == OUTPUT_BASE), None)

    def _host(self, address: int) -> int:
        return self.arena.address + address - self.base

    def _write(self, address: int, data: bytes) -> None:
        self.arena.write(data, self._host(address))

    def output(self) -> bytes:
        """What the program left in its output window, cut at the window's end."""
        if not self._output or self._output.size < LENGTH_SIZE:
            return b""
        length = int.from_bytes(self.arena.read(LENGTH_SIZE, self._host(OUTPUT_BASE)), "little")
        size = min(length, self._output.size - LENGTH_SIZE)
        return self.arena.read(size, self._host(OUTPUT_BASE + LENGTH_SIZE))


# ---- the compiled machine ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Library:
    run: Callable[[View], int]
    decode: Callable[[bytes, int, npt.NDArray[np.uint64]], None]
    trace: Callable[[View, View], int]


@cache
def _machine_library() -> _Library:
    sources = source_digest(KERNEL_DIRECTORY, COMPILER_DIRECTORY)
    build, entries = CHECKED if is_chosen() else PLAIN, [m.run, decode_text, trace.run_traced]
    path = cache_directory() / "riscv" / f"machine-{digest(sources, native.host_key(), build)}.o"
    if not path.exists():
        write_atomically(path, native.compile_object(entries))
    library = Library(path.read_bytes(), entries)
    return _Library(*(library[entry] for entry in entries))
