"""What transactions offer for gas and blob gas: by the market, below ceilings, and more when they are replaced."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from jovay.bridge.l1.client import L1Client

GWEI = 10**9
#: Blocks whose tips are looked at, and the percentile of each that is.
_BLOCKS, _PERCENTILE = 10, 50.0
#: What nodes ask for a replacement, percent on top of each fee.
_REPLACEMENT, _BLOB_REPLACEMENT = 10, 100


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Wei per gas, per gas on top of the base fee, and per blob gas, above which nothing is offered."""

    fee: int = 300 * GWEI
    tip: int = 50 * GWEI
    blob_fee: int = 300 * GWEI


@dataclass(frozen=True, slots=True)
class Fees:
    """What a transaction offers, wei per gas or blob gas (0 without blobs)."""

    fee: int
    tip: int
    blob_fee: int = 0


@dataclass(frozen=True, slots=True)
class Market:
    """The next block's base fees, and a tip that recent blocks took."""

    base_fee: int
    blob_base_fee: int
    tip: int

    def admits(self, fees: Fees) -> bool:
        """Whether the next block could hold a transaction that offers ``fees``."""
        return fees.fee >= self.base_fee and (not fees.blob_fee or fees.blob_fee >= self.blob_base_fee)

    def offer(self, ceilings: Ceilings, blobs: bool) -> Fees | None:
        """Fees that stay good for five full blocks; None while the market is above the ceilings."""
        tip = min(self.tip, ceilings.tip)
        blob_fee = max(1, self.blob_base_fee) if blobs else 0
        if self.base_fee + tip > ceilings.fee or blob_fee > ceilings.blob_fee:
            return None
        fee = min(2 * self.base_fee + tip, ceilings.fee)
        return Fees(fee, tip, min(2 * blob_fee, ceilings.blob_fee))

    def replacement(self, old: Fees, ceilings: Ceilings) -> Fees | None:
        """Fees with which nodes take a transaction in place of one with ``old``; None if the ceilings forbid it."""
        more = 100 + (_BLOB_REPLACEMENT if old.blob_fee else _REPLACEMENT)
        offer = self.offer(ceilings, bool(old.blob_fee)) or Fees(0, 0)
        fees = Fees(
            max(-(-old.fee * more // 100), offer.fee),
            max(-(-old.tip * more // 100), offer.tip),
            max(-(-old.blob_fee * more // 100), offer.blob_fee),
        )
        if fees.fee > ceilings.fee or fees.tip > ceilings.tip or fees.blob_fee > ceilings.blob_fee:
            return None
        return fees


def market(client: L1Client) -> Market:
    """Asks for the fees of the last blocks. Raises what the client raises."""
    history = client.fee_history(_BLOCKS, "latest", [_PERCENTILE])
    tips = [rewards[0] for rewards in history.rewards if rewards and rewards[0]]
    tip = int(median(tips)) if tips else client.priority_fee()
    return Market(
        history.base_fees[-1] if history.base_fees else 0,
        history.blob_base_fees[-1] if history.blob_base_fees else 0,
        tip,
    )
