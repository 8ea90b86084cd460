"""State tests on the native kernel."""

from __future__ import annotations

from jovay.kernel.programs.state_test import Outcome, run_state_test
from jovay.native.arena import Arena, Buffer
from jovay.native.library import Library

#: Address space, of which a test touches little.
ARENA_BYTES = 8 << 30


class NativeEngine:
    """Runs tests one after the other in one arena, which is returned to zero in between."""

    def __init__(self, library: Library) -> None:
        self._run = library[run_state_test]
        self._arena = Arena(ARENA_BYTES, huge_pages=False)

    def run(self, data: bytes) -> tuple[bytes, int]:
        """(outcome, 0): the native engine counts no cycles."""
        out = Buffer(Outcome.size)
        self._run(Buffer(data), len(data), out, self._arena, self._arena.size)
        self._arena.reset()
        return bytes(out), 0
