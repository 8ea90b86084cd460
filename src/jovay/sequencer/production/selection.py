"""What a block is made of: the pool's next transactions, results from beside the blocks, or one that has it alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from jovay.chain.environment import BlockEnvironment
from jovay.kernel.evm.validity import SET_ASIDE
from jovay.kernel.machine.status import ARENA_FULL
from jovay.sequencer.inbox import Inbox, Message
from jovay.sequencer.pool.pooled import Taken
from jovay.sequencer.pool.txpool import TxPool
from jovay.sequencer.settings import SequencerSettings
from jovay.state.machine import NativeMachine
from jovay.state.writes import Records

from .aside import Aside, Heavy
from .block import Dropped, ProducedBlock, U64Array
from .block_limits import BlockLimits

#: L1 messages take one part in so many of a block, so that others find room beside them; the next one always fits.
MESSAGE_SHARE = 2
#: Bytes before a transaction where it is published: its size.
PUBLISHED = 4


@dataclass(frozen=True, slots=True)
class Selected:
    """All of a block's transactions: L1 ``messages``, then ``entries`` of the pool, the first of which were executed
    ``beside`` the blocks. ``own``: it has the block alone.
    """

    entries: Taken
    messages: Sequence[Message] = ()
    beside: Sequence[Heavy] = ()
    own: Heavy | None = None

    def __len__(self) -> int:
        return len(self.messages) + len(self.entries)

    @property
    def addresses(self) -> U64Array:
        """Of all records, in this order."""
        messages = np.array([message.address for message in self.messages], np.uint64)
        return np.concatenate([messages, self.entries.addresses])

    @property
    def machines(self) -> list[NativeMachine]:
        """Those that hold the results from beside the blocks."""
        return [heavy.machine for heavy in self.beside if heavy.machine is not None]


class Selection:
    """Takes from inbox, pool and side lane, and gives back what found no place."""

    def __init__(self, pool: TxPool, aside: Aside, inbox: Inbox, settings: SequencerSettings) -> None:
        self._pool, self._aside, self._inbox = pool, aside, inbox
        self._most, self._size = settings.max_transactions, settings.block_bytes
        self._limits = BlockLimits(self._most, settings.gas_limit)

    def is_wanted(self) -> bool:
        """Whether there is something to make a block of."""
        return len(self._pool) > 0 or len(self._inbox) > 0 or self._aside.wants_block()

    def nothing(self) -> Selected:
        """For a block without transactions."""
        return Selected(self._pool.take(0, 0))

    def choose(self, environment: BlockEnvironment) -> Selected:
        """What the block is made of: one transaction at least, if there is one and room for it."""
        messages = self._inbox.head(environment.gas_limit // MESSAGE_SHARE, self._most // MESSAGE_SHARE)
        limit = environment.gas_limit - sum(message.gas for message in messages)
        beside = self._aside.due(replace(environment, gas_limit=limit), self._pool.retake)
        if not beside and (own := self._aside.own_block(self._pool.retake)):
            return Selected(Taken.of(self._pool, [own.entry]), own=own)
        most = self._most - len(messages) - len(beside)
        limit -= sum(heavy.gas for heavy in beside)
        size = self._size - sum(PUBLISHED + int(heavy.entry.record["raw_size"]) for heavy in beside)
        limits, take = self._limits, self._pool.take
        entries = take(min(limits.transactions, most), min(limits.gas, limit), size) or take(1, limit, size)
        if beside:
            entries = Taken.of(self._pool, [heavy.entry for heavy in beside]).followed_by(entries)
        return Selected(entries, messages, beside)

    def executed(self, selected: Selected, produced: ProducedBlock, changed: Records, seconds: float) -> None:
        """The block is executed, which took ``seconds`` and ``changed`` these accounts: others may follow now."""
        dropped = produced.dropped.after(len(selected.messages))
        self._pool.executed(selected.entries, dropped, changed)
        if selected.own is None:
            crowded = bool((dropped.statuses == ARENA_FULL).any())
            self._limits.made(seconds, len(produced.order), crowded, produced.environment.gas_limit)
        else:
            self._aside.own_block_took(seconds)
        self._set_aside(dropped, selected)

    def _set_aside(self, dropped: Dropped, selected: Selected) -> None:
        """What takes long, or does not stand, is executed beside the next blocks."""
        beside, entries, is_aside = selected.beside, selected.entries, self._pool.is_aside
        indexes = dropped.indexes[dropped.statuses == SET_ASIDE].tolist()
        void = {index for index in indexes if index < len(beside)}
        self._aside.release([heavy for index, heavy in enumerate(beside) if index not in void])
        self._aside.again([beside[index] for index in sorted(void) if is_aside(beside[index].entry)])
        fresh = [entries[index] for index in indexes if index not in void]
        if fresh := [entry for entry in fresh if is_aside(entry)]:
            self._aside.add(fresh)

    def withdraw(self) -> None:
        """Give all that is beside the blocks back to the pool."""
        for entry in reversed(self._aside.withdraw()):
            self._pool.give_back(entry)
