"""What L1 has confirmed of a chain, told to its ``L1Finality``: until both say the same, whatever happened before."""

from __future__ import annotations

import logging
from collections.abc import Callable

from jovay.sequencer.finality import Confirmation, L1Finality, Step

from .record import Claim, Kind, L1Record

log = logging.getLogger("jovay.l1")
_CLAIMS = {Step.ATTESTED: Kind.TEE, Step.PROVEN: Kind.FINAL}


class ConfirmedBlocks:
    """A record of L1, and the finality of a chain that is to follow it.

    ``check`` is shown each claim, with the last block of its batch, before it counts, and raises what it finds wrong.
    """

    def __init__(self, record: L1Record, finality: L1Finality, check: Callable[[Claim, int], None]) -> None:
        self._record, self._finality, self._check = record, finality, check
        self._zk_checked = self._head = 0

    def tell(self, head: int, finalized: int) -> None:
        """Take back what does not stand on L1, and report what does.

        ``head``: the newest L2 block that is stored; ``finalized``: L1's newest final one. Only batches whose L2 blocks
        are in the record, and stored, count, up to the first that lacks them.
        """
        self._head = head
        parted = [batch for step in Step if (batch := self._parted(step)) is not None]
        if parted:
            block = self._last_block(min(parted)) or 0
            log.warning("L1 took back what it had confirmed", extra={"from_block": block + 1})
            self._finality.rewind(block)
        for step in Step:
            reached = self._finality.reached(step)
            known = self._finality.confirmation(step, reached) if reached else None
            index = known.batch or 0 if known else 0
            while (confirmation := self._confirmation(step, index := index + 1)) is not None:
                claim = self._record.claim(_CLAIMS[step], index) if step in _CLAIMS else None
                if claim is not None:
                    if step is Step.PROVEN and claim.block > finalized:
                        break
                    self._check(claim, confirmation.block)
                self._finality.report(step, confirmation)
        self._check_zk()

    def _check_zk(self) -> None:
        """Claims of ZK provers count once the contract has compared them; here they are looked at before."""
        while self._zk_checked and self._record.claim(Kind.ZK, self._zk_checked) is None:
            self._zk_checked -= 1
        while claim := self._record.claim(Kind.ZK, self._zk_checked + 1):
            block = self._last_block(claim.batch)
            if block is None:
                return
            self._check(claim, block)
            self._zk_checked += 1

    def _parted(self, step: Step) -> int | None:
        """The newest batch up to which both agree on a step; None where they agree on all of it."""
        block = self._finality.reached(step)
        known = self._finality.confirmation(step, block) if block else None
        index = newest = known.batch or 0 if known else 0
        while index and not _same(known, self._confirmation(step, index)):
            index -= 1
            block = self._last_block(index) or 0
            known = self._finality.confirmation(step, block) if block else None
        return None if index == newest else index

    def _confirmation(self, step: Step, index: int) -> Confirmation | None:
        """What L1 says of a step of a batch."""
        block = self._last_block(index)
        batch = self._record.batch(index)
        told = batch if step is Step.COMMITTED else self._record.claim(_CLAIMS[step], index)
        if block is None or batch is None or told is None:
            return None
        return Confirmation(block, index, told.transaction, told.time)

    def _last_block(self, index: int) -> int | None:
        batch = self._record.batch(index)
        blocks = self._record.blocks_of(batch) if batch else None
        return blocks[1] if blocks and blocks[1] <= self._head else None


def _same(known: Confirmation | None, told: Confirmation | None) -> bool:
    """Whether two are of the same transaction; L1 may have put it into another block meanwhile."""
    if known is None or told is None:
        return False
    return (known.block, known.batch, known.transaction) == (told.block, told.batch, told.transaction)
