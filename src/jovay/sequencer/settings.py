"""How a sequencer makes blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jovay.chain.settled import EIP1559, MOST_BLOCK_BYTES, Place, SettledConfig

from .backpressure import Backlog

#: Seconds between two empty blocks of a settled chain, at least: each is published, and proven.
LEAST_HEARTBEAT = 60.0


@dataclass(frozen=True)
class SequencerSettings:
    """Seconds, wei, gas. The defaults are those of a node, too (``NodeConfig``).

    ``base_fee`` None: EIP-1559 decides, but for the ``least_base_fee``; ``record`` what blocks touch, for provers.
    ``follow``: blocks come from L1, and none are made here.
    ``block_bytes``: the most that a block's transactions take where they are published. ``l1_fee``: account and slot
    that have the price of a byte there. ``backlog``: what may wait for L1.
    """

    workers: int = 2
    tick: float = 0.010
    heartbeat: float = 1.0
    gas_limit: int = 1_000_000_000
    base_fee: int | None = None
    least_base_fee: int = 0
    coinbase: int = 0x7100000000000000000000000000000000000000
    fees_to_coinbase: bool = True
    max_transactions: int = 16_384
    block_bytes: int = (1 << 64) - 1
    checkpoint_seconds: float = 5.0
    l1_fee_per_byte: int = 0
    l1_fee: Place | None = None
    backlog: Backlog | None = None
    history_blocks: int = 8_192
    record: bool = False
    follow: bool = False

    def settled(self, config: SettledConfig) -> SequencerSettings:
        """These, with all that a settled chain's configuration says of its blocks."""
        return replace(
            self,
            heartbeat=max(self.heartbeat, LEAST_HEARTBEAT),
            gas_limit=config.gas_limit,
            base_fee=None if config.base_fee_rule == EIP1559 else config.base_fee,
            least_base_fee=config.base_fee,
            coinbase=config.coinbase,
            fees_to_coinbase=config.fees_to_coinbase,
            block_bytes=MOST_BLOCK_BYTES,
            l1_fee=config.l1_fee if config.l1_fee[0] else None,
            record=True,
        )
