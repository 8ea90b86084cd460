"""Raw transactions into the pool, with geth's words for those that are refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from jovay.chain.reasons import Invalid, is_no_transaction, refusal_of
from jovay.chain.refusals import refusal_text
from jovay.kernel.evm import validity
from jovay.kernel.protocol.limits import TX_MAX_GAS_LIMIT
from jovay.kernel.transaction.record import L1_MESSAGE, TRANSACTION_SIZE
from jovay.native.records import int_of
from jovay.rpc.backend.pool import RawBatch, SubmitError, Submitted
from jovay.sequencer.pool import txpool
from jovay.sequencer.pool.client_rules import refuse_what_clients_may_not_send
from jovay.sequencer.pool.txpool import Refusal
from jovay.sequencer.portal import DecodedBatch
from jovay.sequencer.sequencer import Sequencer

Reasons = Counter[Invalid]
"""How many were refused for which reason."""


class Submission:
    """The way into one sequencer's pool."""

    def __init__(
        self,
        sequencer: Sequencer,
        min_price: int = 0,
    ) -> None:
        """``min_price`` is the least priority fee, in wei per gas."""
        self._sequencer, self._min_price = sequencer, min_price
        self.seconds = {"portal": 0.0, "pool": 0.0}
        """Time spent so far."""

    def submit(self, batch: RawBatch, ready_only: bool = False) -> tuple[Submitted, bytes, Reasons]:
        """Pool raw transactions; the outcome, the hashes of those that the pool took, and why it refused others."""
        self._sequencer.check_taking()
        begun = time.perf_counter()
        decoded = self._sequencer.portal.decode(batch.data, batch.ends)
        between = time.perf_counter()
        refuse_what_clients_may_not_send(
            decoded.records,
            decoded.statuses,
            self._min_price,
            self._sequencer.next_block.expected.base_fee,
            busy=self._sequencer.backpressure.stall() is not None,
        )
        outcome = self.add(decoded, ready_only)
        self.seconds["portal"] += between - begun
        self.seconds["pool"] += time.perf_counter() - between
        return outcome

    def add(self, decoded: DecodedBatch, ready_only: bool = False) -> tuple[Submitted, bytes, Reasons]:
        """Pool decoded transactions; the same as ``submit``."""
        refused = self._sequencer.pool.add(decoded, ready_only)
        hashes = np.ascontiguousarray(decoded.records["hash"])
        if not refused:
            taken = hashes.tobytes()
            return Submitted(taken), taken, Counter()
        keep = np.ones(len(hashes), np.bool_)
        keep[list(refused)] = False
        errors = Refusals(refused, lambda i, refusal: self._error(decoded, i, refusal))
        malformed = [i for i, refusal in refused.items() if is_no_transaction(refusal.status)]
        hashes[malformed] = np.zeros((), hashes.dtype)
        return Submitted(hashes.tobytes(), errors), hashes[keep].tobytes(), errors.reasons()

    def _error(self, batch: DecodedBatch, index: int, refusal: Refusal) -> SubmitError:
        """geth's text for a refusal."""
        record, status = batch.records[index], refusal.status
        kind = int(record["kind"])
        text = refusal_text(kind, status)
        address = batch.first_address + index * TRANSACTION_SIZE
        detail = self._detail(record, address, refusal)
        message = f"{text}: {detail}" if detail else text
        shows_nonce = status in (validity.NONCE_TOO_LOW, validity.NONCE_TOO_HIGH)
        return SubmitError(refusal_of(status), message, refusal.nonce if shows_nonce else None)

    def _detail(self, record: Any, address: int, refusal: Refusal) -> str:
        status, nonce, limit = refusal.status, int(record["nonce"]), int(record["gas_limit"])
        if status in (validity.NONCE_TOO_LOW, validity.NONCE_TOO_HIGH):
            return f"next nonce {refusal.nonce}, tx nonce {nonce}"
        if status in (validity.INSUFFICIENT_FUNDS, txpool.OVERDRAWN):
            return self._shortage(record, refusal)
        if status == validity.INTRINSIC_GAS_TOO_LOW:
            return f"gas {limit}, minimum needed {self._gas_of(validity.intrinsic_gas, address)}"
        if status == validity.FLOOR_GAS_TOO_LOW:
            return f"gas {limit}, minimum needed {self._gas_of(validity.floor_gas, address)}"
        if status == validity.FEE_CAP_TOO_LOW:
            fees = int_of(record["max_fee"]), self._sequencer.next_block.expected.base_fee
            return "address 0x{}, maxFeePerGas: {}, baseFee: {}".format(
                record["sender"].tobytes().hex(), *fees
            )
        if status == txpool.UNDERPRICED:
            needed = max(self._min_price, int_of(refusal.tip))
            return f"gas tip cap {int_of(record['max_priority_fee'])}, minimum needed {needed}"
        if status == txpool.BUSY:
            stall = self._sequencer.backpressure.stall()
            return "" if stall is None else stall.reason
        if status == validity.TYPE_NOT_SUPPORTED and int(record["kind"]) == L1_MESSAGE:
            return "messages from L1 come through L1Mailbox only"
        if status == txpool.POOL_FULL:
            return f"{sum(self._sequencer.pool.counts())} transactions"
        if status == validity.GAS_LIMIT_TOO_HIGH:
            return f"cap: {TX_MAX_GAS_LIMIT}, tx: {limit}"
        return ""

    def _shortage(self, record: Any, refusal: Refusal) -> str:
        fee, value = int_of(record["max_fee"]), int_of(record["value"])
        l1_fee = self._sequencer.next_block.expected.l1_fee_per_byte * int(record["raw_size"])
        cost = fee * int(record["gas_limit"]) + value + l1_fee
        balance, spent = int_of(refusal.balance), int_of(refusal.spent)
        queued = f"queued cost {spent}, " if refusal.status == txpool.OVERDRAWN else ""
        overshot = cost - balance + (spent if queued else 0)
        return f"balance {balance}, {queued}tx cost {cost}, overshot {overshot}"

    def _gas_of(self, rule: Callable[..., Any], address: int) -> int:
        """A gas rule of the kernel for a decoded transaction."""
        head = self._sequencer.executed
        fork = self._sequencer.rules.fork(head.number + 1, head.timestamp)
        return int(self._sequencer.library[rule](address, fork))


class Refusals(Mapping[int, SubmitError]):
    """By index in the batch; ``error`` makes one out of index and outcome."""

    def __init__(self, outcomes: Mapping[int, Refusal], error: Callable[[int, Refusal], SubmitError]) -> None:
        self._outcomes, self._error = outcomes, error

    def __getitem__(self, index: int) -> SubmitError:
        return self._error(index, self._outcomes[index])

    def __iter__(self) -> Iterator[int]:
        return iter(self._outcomes)

    def __len__(self) -> int:
        return len(self._outcomes)

    def reasons(self) -> Counter[Invalid]:
        """How many were refused for which reason."""
        found: Counter[Invalid] = Counter()
        for status, count in Counter(refusal.status for refusal in self._outcomes.values()).items():
            found[refusal_of(status)] += count
        return found
