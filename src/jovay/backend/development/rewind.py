"""Going back to an earlier block in development: what came after it leaves the chain, the state and the disk."""

from __future__ import annotations

import msgspec

from jovay.backend.errors import executing
from jovay.backend.events import NodeEvents
from jovay.backend.visible_chain import VisibleChain
from jovay.chain.types import Log
from jovay.rpc.backend.chain import LogFilter
from jovay.rpc.backend.errors import BackendError
from jovay.sequencer.sequencer import Sequencer
from jovay.state.errors import HistoryUnavailableError
from jovay.state.historical_values import HistoricalValues, changed_keys
from jovay.state.reader import StateReader
from jovay.state.rebuilt import rebuilt
from jovay.storage.headers import read_header

_ALL_AT_ONCE = 1 << 40


class Rewinder:
    """Cuts the chain of one sequencer."""

    def __init__(
        self,
        sequencer: Sequencer,
        state: StateReader,
        chain: VisibleChain,
        events: NodeEvents,
    ) -> None:
        self._sequencer, self._chain = sequencer, chain
        self._past = HistoricalValues(sequencer.world, state)
        self._events = events

    def rewind(self, target: int) -> None:
        """Make block ``target`` the newest one. Pooled transactions are dropped."""
        sequencer = self._sequencer
        blocks = sequencer.data.blocks
        with executing(), sequencer.paused() as head:
            if not blocks.oldest <= target <= head.number:
                raise BackendError(f"block {target} is not stored")
            if target == head.number:
                return
            header = read_header(blocks, target)
            accounts, slots = changed_keys(blocks, target, _ALL_AT_ONCE)
            try:
                older = self._past.writes(accounts, slots, target)
            except HistoryUnavailableError:
                alloc = sequencer.rules.genesis.alloc
                older = rebuilt(blocks, alloc, sequencer.keccak, accounts, slots, target)
            gone = self._logs(target + 1, head.number)
            sequencer.rewind(header, older)
            self._chain.forget()
        self._events.removed(header, gone)

    def _logs(self, first: int, last: int) -> list[Log]:
        logs = self._chain.logs(LogFilter(first=first, last=last, limit=0))
        return [msgspec.structs.replace(log, removed=True) for log in logs]
