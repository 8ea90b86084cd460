"""How a sequencer makes blocks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SequencerSettings:
    """Seconds, wei, gas. The defaults are those of a node, too (``NodeConfig``).

    ``base_fee`` None: EIP-1559 decides; ``record`` what blocks touch, for provers.
    """

    workers: int = 2
    tick: float = 0.010
    heartbeat: float = 1.0
    gas_limit: int = 1_000_000_000
    base_fee: int | None = None
    coinbase: int = 0x7100000000000000000000000000000000000000
    max_transactions: int = 16_384
    checkpoint_seconds: float = 5.0
    l1_fee_per_byte: int = 0
    history_blocks: int = 8_192
    record: bool = False
