"""How much a block takes from the pool, so that blocks stay short whatever their transactions do."""

from __future__ import annotations


class BlockLimits:
    """Bounds of the next block: how many transactions, and the sum of their gas limits.

    A block that took longer than ``seconds`` makes the next one smaller in proportion; one whose logs or changes did
    not all fit makes it as small as what did. Every other block lets it grow by two, up to what the settings allow.
    """

    def __init__(self, transactions: int, gas: int, seconds: float = 0.25) -> None:
        self._most_transactions, self._seconds = transactions, seconds
        self.transactions, self.gas = transactions, gas

    def made(self, seconds: float, included: int, crowded: bool, gas_limit: int) -> None:
        """A block took ``seconds`` and has ``included`` transactions; ``crowded``: others did not fit."""
        share = 2.0 if seconds <= self._seconds else self._seconds / seconds
        self.gas = max(1, min(gas_limit, int(min(self.gas, gas_limit) * share)))
        more = included if crowded else 2 * self.transactions
        self.transactions = max(1, min(self._most_transactions, more))
