"""State tests on the native kernel."""

from __future__ import annotations

import ctypes

from jovay.kernel.programs.state_test import Outcome, run_state_test
from jovay.native.arena import Arena, Given
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
        source = Given(data)
        out = ctypes.create_string_buffer(Outcome.size)
        self._run(
            source.address,
            len(data),
            ctypes.addressof(out),
            self._arena.address,
            self._arena.size,
        )
        self._arena.reset()
        return out.raw, 0
