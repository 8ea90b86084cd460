"""The configuration of a settled chain, whose hash both provers state and L1 knows (docs/settlement.md)."""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.crypto import keccak

from jovay.kernel.programs import settled_config as layout

#: Base-fee rules.
FIXED, EIP1559 = layout.FIXED, layout.EIP1559
Place = tuple[int, int]
"""An account and one of its storage slots."""


@dataclass(frozen=True, slots=True)
class SettledConfig:
    """Everything about blocks' environments that neither published data nor state say; wei, seconds.

    ``base_fee`` is the fee, or under EIP-1559 the least. ``forks``: first second and number of each, in order.
    """

    chain_id: int
    gas_limit: int
    coinbase: int
    base_fee: int
    forks: tuple[tuple[int, int], ...]
    base_fee_rule: int = FIXED
    fees_to_coinbase: bool = True
    l1_fee: Place = (0, 0)
    l2_msg_root: Place = (0, 0)

    def encode(self) -> bytes:
        """The words that the kernel reads."""
        if len(self.forks) > layout.FORK_PLACES:
            raise ValueError(f"{len(self.forks)} forks, and a configuration holds {layout.FORK_PLACES}")
        words = [
            layout.VERSION,
            self.chain_id,
            self.gas_limit,
            self.coinbase,
            self.base_fee_rule,
            self.base_fee,
        ]
        words += [int(self.fees_to_coinbase), *self.l1_fee, *self.l2_msg_root]
        for fork in self.forks:
            words += fork
        words += [0] * (layout.WORDS - len(words))
        return b"".join(word.to_bytes(32, "big") for word in words)

    @property
    def hash(self) -> bytes:
        """``chainConfigHash``."""
        return keccak(self.encode())
