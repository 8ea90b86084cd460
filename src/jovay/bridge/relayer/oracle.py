"""What L2's transactions pay for their data: the feed of ``L1GasOracle`` (docs/settlement.md).

Told are the gas and blob gas that recent batches took, at the prices of L1 now, for the bytes that they carried. A
margin and what recent batches took in too little are added; the contract's bounds limit what a feeder can do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jovay.bridge.errors import L1AnswerError, L1RpcError
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract
from jovay.bridge.l1.fees import Market
from jovay.bridge.l1.transaction_store import Request
from jovay.bridge.l1.transactions import Pending, TxManager
from jovay.bridge.predeploys import L1_GAS_ORACLE
from jovay.bridge.relayer.costs import BatchCost
from jovay.bridge.relayer.traffic import Traffic

log = logging.getLogger("jovay.oracle")

ORACLE = Contract("L1GasOracle", L1_GAS_ORACLE)
#: The contract counts a batch as at least so many bytes: the figures of smaller ones are told as of one of this size.
MIN_BATCH_BYTES = 786_432


@dataclass(frozen=True, slots=True)
class OraclePolicy:
    """How the fee is fed.

    ``window``: batches whose mean is told. ``margin``: percent on top. ``least_bytes``: a batch's cost is shared by at
    least so many bytes; the operator bears the rest of emptier ones. ``change``: percent that the fee has to move by to
    be told anew at once, ``longest``: seconds after which a smaller change is told, too.

    What is told takes a transaction on L2, and so in the end a batch. While nobody else sends any, it is told only once
    it has doubled, or was at most half for ``longest`` since it was told.
    """

    window: int = 16
    margin: int = 25
    least_bytes: int = 10_000
    change: int = 10
    longest: float = 3_600.0


DEFAULT = OraclePolicy()


@dataclass(frozen=True, slots=True)
class Figures:
    """What the oracle is told of a batch: wei for blob gas and for gas, and its bytes."""

    da_fee: int
    exec_fee: int
    size: int

    @property
    def per_byte(self) -> float:
        """Wei, before the scales that the owner has set."""
        return (self.da_fee + self.exec_fee) / self.size if self.size else 0.0


def figures(costs: Sequence[BatchCost], taken_in: int, prices: Market, policy: OraclePolicy) -> Figures:
    """What to tell. ``taken_in``: wei that the transactions of these batches paid for their data.

    What the batches took in too little is spread over as many bytes as they had, and at most doubles the fee.
    """
    count = len(costs)
    carried = sum(max(cost.charged, policy.least_bytes) for cost in costs)
    exec_fee = sum(cost.gas for cost in costs) * (prices.base_fee + prices.tip)
    da_fee = sum(cost.blob_gas for cost in costs) * prices.blob_base_fee
    borne = sum(cost.total * min(cost.charged, policy.least_bytes) // policy.least_bytes for cost in costs)
    missing = max(0, borne - taken_in)
    now = exec_fee + da_fee
    more = 100 + policy.margin + (min(100, 100 * missing // now) if now else 0)
    size = max(carried // count, MIN_BATCH_BYTES)
    da_fee, exec_fee = (fee * more * size // (100 * carried) for fee in (da_fee, exec_fee))
    return Figures(da_fee, exec_fee, size)


class Oracle:
    """Feeds the fee on L2. ``prices`` are L1's, ``costs`` the newest batches' (``Costs.recent``)."""

    def __init__(
        self,
        l2: L1Client,
        manager: TxManager,
        prices: Callable[[], Market],
        costs: Callable[[int], Sequence[BatchCost]],
        policy: OraclePolicy = DEFAULT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._l2, self._manager, self._prices, self._costs = l2, manager, prices, costs
        self._policy, self._clock = policy, clock
        self._told_at = clock()
        self._traffic = Traffic(l2, manager.address)
        self._waits_for: str | None = None
        self._fees: dict[int, int | None] = {}

    def step(self) -> None:
        """Feed the fee if it has moved. Raises what the clients raise."""
        if self._waits_for and isinstance(self._manager.status(self._waits_for), Pending):
            return
        costs = self._costs(self._policy.window)
        if not costs:
            return
        self._fees = {cost.last_block: self._fee_at(cost) for cost in costs}
        known = self._known()
        taken_in = sum(map(self._taken_in, costs))
        found = self._bounded(figures(costs, taken_in, self._prices(), self._policy))
        if found != known and self._is_due(found.per_byte, known.per_byte):
            self._tell(found)

    def _is_due(self, found: float, known: float) -> bool:
        late = self._clock() - self._told_at >= self._policy.longest
        if self._traffic.seen():
            return late or abs(found - known) * 100 >= known * self._policy.change
        return found >= 2 * known or (late and 2 * found <= known)

    def _tell(self, found: Figures) -> None:
        data = ORACLE.encode("setNewBatchBlobFeeAndTxFee", found.da_fee, found.exec_fee, found.size)
        head = self._l2.block_number()
        key = f"L1 fee at block {head}: {found.da_fee} {found.exec_fee} {found.size}"
        self._manager.send(Request(ORACLE.address, data, key))
        self._traffic.forget(head)
        self._waits_for, self._told_at = key, self._clock()
        log.info("L1 data: %.0f wei a byte, %s", found.per_byte, found)

    def _known(self) -> Figures:
        """What the oracle was told last."""
        names = ("lastBatchDaFee", "lastBatchExecFee", "lastBatchByteLength")
        return Figures(*(ORACLE.read(self._l2, name) for name in names))

    def _bounded(self, found: Figures) -> Figures:
        """As the contract takes them: what is above its bounds would be told in vain, again and again."""
        price = ORACLE.read(self._l2, "MAX_GAS_PRICE")
        blob_gas = ORACLE.read(self._l2, "maxL1BlobGasUsedLimit")
        gas = ORACLE.read(self._l2, "maxL1ExecGasUsedLimit")
        size = min(found.size, ORACLE.read(self._l2, "MAX_BATCH_BYTES"))
        return Figures(min(found.da_fee, price * blob_gas), min(found.exec_fee, price * gas), size)

    def _fee_at(self, cost: BatchCost) -> int | None:
        """Wei per byte at a batch's last block; None where L2 does not tell (any more)."""
        if cost.last_block in self._fees:
            return self._fees[cost.last_block]
        try:
            return int(ORACLE.read(self._l2, "l1FeePerByte", block=cost.last_block))
        except (L1RpcError, L1AnswerError):
            return None

    def _taken_in(self, cost: BatchCost) -> int:
        fee = self._fees[cost.last_block]
        return cost.total if fee is None else cost.charged * fee
