"""The tape on which the kernel writes the events of one execution."""

from __future__ import annotations

from jovay.kernel.evm import trace
from jovay.native.arena import Arena
from jovay.native.records import new_record

from .requests import TraceOptions, TraceParts

#: Tape for calls alone, where nobody said how much there may be.
FRAMES_BYTES = 64 << 20


class Recorder:
    """Records what ``options`` ask for; with ``frames`` calls and logs at least.

    The tape is address space: only what is written takes memory, up to ``options.max_bytes``.
    """

    def __init__(self, options: TraceOptions | None, frames: bool = False) -> None:
        flags = trace.WITH_FRAMES if frames else 0
        capacity, max_steps = FRAMES_BYTES, 0
        if options is not None:
            flags |= _flags(options)
            capacity = max(FRAMES_BYTES if frames else 4096, options.max_bytes)
            # One step more, since a step's price shows in what comes after it.
            max_steps = options.max_steps + 1 if options.max_steps else (1 << 64) - 1
        self.flags, self.options = flags, options
        needs_tape = flags & (trace.WITH_FRAMES | trace.WITH_STEPS)
        self.arena = Arena(capacity if needs_tape else 4096, name="tape")
        self.record = new_record(
            trace.Trace,
            {"buffer": self.arena, "capacity": self.arena.size, "flags": flags, "max_steps": max_steps},
        )

    def reset(self) -> None:
        """Begin the tape anew."""
        self.record.used = self.record.overflow = self.record.steps = 0

    @property
    def used(self) -> int:
        """Bytes on the tape."""
        return int(self.record.used)

    @property
    def truncated(self) -> bool:
        """Whether something did not fit, or steps were left out."""
        steps = self.options.max_steps if self.options is not None else 0
        return bool(self.record.overflow or (steps and self.record.steps > steps))

    def tape(self) -> memoryview:
        """What was written, in place."""
        return self.arena.memory(self.used)


def _flags(options: TraceOptions) -> int:
    parts, flags = options.parts, 0
    if TraceParts.STEPS in parts:
        flags |= trace.WITH_STEPS
        flags |= trace.WITH_STACK if options.stack else 0
        flags |= trace.WITH_MEMORY if options.memory else 0
        flags |= trace.WITH_RETURN_DATA if options.return_data else 0
    if TraceParts.FRAMES in parts:
        flags |= trace.WITH_FRAMES
    return flags
