"""What clients are told where blocks leave the chain."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from jovay.chain.types import Log
from jovay.rpc.backend.chain import LogFilter
from jovay.sequencer.sequencer import Sequencer

from .events import NodeEvents
from .visible_chain import VisibleChain


class Rewinding:
    """Listens to one sequencer."""

    def __init__(self, sequencer: Sequencer, chain: VisibleChain, events: NodeEvents) -> None:
        self._chain, self._events = chain, events
        sequencer.when_rewound(self._prepare)

    def _prepare(self, target: int, head: int) -> Callable[[], None]:
        gone, header = self._logs(target + 1, head), self._chain.header(target)

        def tell() -> None:
            self._chain.forget()
            if header is not None:
                self._events.removed(header, gone)

        return tell

    def _logs(self, first: int, last: int) -> list[Log]:
        logs = self._chain.logs(LogFilter(first=first, last=last, limit=0))
        return [msgspec.structs.replace(log, removed=True) for log in logs]
