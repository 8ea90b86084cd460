"""From a recorded execution to its ``Trace``."""

from __future__ import annotations

from collections.abc import Iterable

from .accessed_state import touched_accounts
from .recorder import Recorder
from .requests import Trace, TraceOptions, TraceParts
from .session import Session
from .trace_frames import read_frames
from .trace_steps import Steps


def trace_of(
    session: Session, recorder: Recorder, options: TraceOptions, first_log: int, also: Iterable[int] = ()
) -> Trace:
    """What ``options`` ask for of the transaction just executed.

    ``first_log`` is the machine's count of logs where counting begins; ``also`` are addresses that belong to the
    touched ones whatever happened.
    """
    parts = options.parts
    return Trace(
        steps=Steps(recorder) if TraceParts.STEPS in parts else (),
        frames=read_frames(recorder, first_log) if TraceParts.FRAMES in parts else (),
        touched=touched_accounts(session, also) if TraceParts.STATE in parts else {},
        truncated=recorder.truncated,
    )
