"""Going back to an earlier block: the state that leads there, and who wants to know."""

from __future__ import annotations

from collections.abc import Callable

from jovay.chain.rules import ChainRules
from jovay.state.errors import HistoryUnavailableError
from jovay.state.historical_values import HistoricalValues, changed_keys
from jovay.state.reader import StateReader
from jovay.state.rebuilt import rebuilt
from jovay.state.world import NativeWorld
from jovay.state.writes import WriteSet
from jovay.storage.blocks import BlockStore

#: Called with the block that stays the newest one and the one that is, before later blocks leave the chain; what it
#: answers is called when they have.
Preparation = Callable[[int, int], Callable[[], None]]
_ALL_AT_ONCE = 1 << 40


def state_before(
    world: NativeWorld, blocks: BlockStore, rules: ChainRules, keccak: Callable[[bytes], bytes], target: int
) -> WriteSet:
    """What leads the state back to that of block ``target``. Raises ``HistoryUnavailableError``."""
    accounts, slots = changed_keys(blocks, target, _ALL_AT_ONCE)
    try:
        return HistoricalValues(world, StateReader(world)).writes(accounts, slots, target)
    except HistoryUnavailableError:
        return rebuilt(blocks, rules.genesis.alloc, keccak, accounts, slots, target)
