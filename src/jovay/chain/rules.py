"""The chain's rules as the genesis gives them: forks, fees, blob parameters."""

from __future__ import annotations

from dataclasses import dataclass

from jovay.kernel.protocol.forks import FORKS

from .genesis import INITIAL_BASE_FEE, Genesis
from .types import Header

MIN_BLOB_BASE_FEE = 1
#: EIP-1559.
ELASTICITY, BASE_FEE_CHANGE_DENOMINATOR = 2, 8
MOST_BASE_FEE = (1 << 256) - 1


@dataclass(frozen=True, slots=True)
class BlobRules:
    """Blob parameters in force (EIP-7840); ``maximum`` 0 before Cancun."""

    target: int = 0
    maximum: int = 0
    fraction: int = 1


class ChainRules:
    """What a block at a height and time must obey."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.chain_id = genesis.config.chain_id
        self.settled = None if genesis.settlement is None else genesis.settlement.config

    def fork_name(self, number: int, timestamp: int) -> str:
        """The newest fork in force."""
        return self.genesis.config.fork(number, timestamp)

    def fork(self, number: int, timestamp: int) -> int:
        """The same as the kernel's number."""
        return FORKS[self.fork_name(number, timestamp)]

    def blobs(self, number: int, timestamp: int) -> BlobRules:
        """Blob parameters in force; a settled chain has no blobs."""
        if self.settled is not None:
            return BlobRules()
        name = self.fork_name(number, timestamp).lower()
        schedule = self.genesis.config.blob_schedule.get(name)
        if schedule is None:
            return BlobRules()
        return BlobRules(schedule.target, schedule.maximum, schedule.base_fee_update_fraction)

    def blob_base_fee(self, excess: int, number: int, timestamp: int) -> int:
        """EIP-4844: wei per unit of blob gas after ``excess``."""
        return fake_exponential(MIN_BLOB_BASE_FEE, excess, self.blobs(number, timestamp).fraction)


def fake_exponential(factor: int, numerator: int, denominator: int) -> int:
    """EIP-4844: factor · e^(numerator / denominator), by its Taylor series in integers."""
    i, output, term = 1, 0, factor * denominator
    while term > 0:
        output += term
        term = term * numerator // (denominator * i)
        i += 1
    return output // denominator


def base_fee_after(parent: Header) -> int:
    """EIP-1559: base fee of the block after ``parent``, in wei, of 256 bits at most.

    Simulated blocks may have gas limits that no chain allows; a target of less than 1 counts as 1.
    """
    fee, target = parent.base_fee_per_gas, max(1, parent.gas_limit // ELASTICITY)
    if fee is None:
        return INITIAL_BASE_FEE
    if parent.gas_used > target:
        more = fee * (parent.gas_used - target) // target // BASE_FEE_CHANGE_DENOMINATOR
        return min(fee + max(more, 1), MOST_BASE_FEE)
    return fee - fee * (target - parent.gas_used) // target // BASE_FEE_CHANGE_DENOMINATOR
