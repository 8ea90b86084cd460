"""The chain as simulations see it: implements ``ChainSource`` of ``jovay.simulation.source``."""

from __future__ import annotations

from jovay.chain.rules import ChainRules
from jovay.chain.types import Hash32, Header
from jovay.sequencer.sequencer import Sequencer
from jovay.simulation.source import StoredTransaction
from jovay.state.historical_tries import HistoricalTries
from jovay.state.roots import RootsAfter

from .visible_chain import VisibleChain


class SimulationSource:
    """Reads one sequencer's chain."""

    def __init__(self, sequencer: Sequencer, chain: VisibleChain, tries: HistoricalTries) -> None:
        self._sequencer, self._chain, self._tries = sequencer, chain, tries

    @property
    def rules(self) -> ChainRules:
        """The chain's rules."""
        return self._sequencer.rules

    def header(self, number: int) -> Header | None:
        """Header of a visible block."""
        return self._chain.header(number)

    def raw_header(self, number: int) -> bytes | None:
        """RLP of a visible header."""
        return self._chain.raw_header(number)

    def block_hash(self, number: int) -> Hash32 | None:
        """Hash of a visible block."""
        return self._chain.block_hash(number)

    def stored_transactions(self, number: int) -> list[StoredTransaction]:
        """The transactions of a visible block."""
        return self._chain.stored_transactions(number)

    def next_base_fee(self, header: Header) -> int:
        """Base fee of the block after this one, in wei."""
        return self._sequencer.next_block.base_fee_after(header)

    def roots_after(self, number: int) -> RootsAfter:
        """Roots of states that follow from the state after a block."""
        return RootsAfter(self._sequencer.data, self._tries, number)
