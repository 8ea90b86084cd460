"""The checked build in tests: faults planted in kernel functions, and what child processes report."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jovay.compiler import native
from jovay.compiler.checked.runtime import VIOLATION
from jovay.compiler.frontend import lower_function
from jovay.kernel.lang import KernelFunction
from jovay.native.library import Library


@dataclass(frozen=True)
class Fault:
    """``old`` in a function's source, which becomes ``new``."""

    function: KernelFunction
    old: str
    new: str

    def source(self) -> str:
        text = inspect.getsource(self.function)
        assert text.count(self.old) == 1, (
            f"{self.function.symbol}: {self.old!r} occurs {text.count(self.old)} times"
        )
        return text.replace(self.old, self.new)

    def lines(self) -> range:
        """Lines of the function in its file."""
        text, first = inspect.getsourcelines(self.function)
        return range(first, first + len(text))


def build_with(entries: Sequence[KernelFunction], faults: Sequence[Fault] = ()) -> Library:
    """The checked build of some entries, with faults; no other function is compiled anew."""
    replaced = {
        fault.function.symbol: lower_function(fault.function, checked=True, source=fault.source())
        for fault in faults
    }
    return Library(native.compile_object(entries, checked=True, replaced=replaced), entries)


@dataclass(frozen=True)
class Report:
    """What a child process said of a violation."""

    text: str

    def _find(self, pattern: str) -> str:
        found = re.search(pattern, self.text)
        assert found, self.text
        return found.group(1)

    @property
    def function(self) -> str:
        return self._find(r"\n  in (\S+), ")

    @property
    def line(self) -> int:
        return int(self._find(r"\n  in \S+, \S+:(\d+)"))

    @property
    def part(self) -> str:
        """The part that it lies in, or behind whose end it lies."""
        return self._find(r"(?:of|end of) part «([^»]+)»")


def run_child(scenario: Callable[[], object]) -> Report | None:
    """Run a scenario in a child process: its report, or None if it ended well."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            os.dup2(writing, 2)
            scenario()
            status = 0
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, errors="replace") as stream:
        text = stream.read()
    _, how = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(how)
    assert code in (0, VIOLATION), f"exit status {code}: {text}"
    return Report(text) if code else None
