"""Why the pool refused transactions of a batch, in geth's words; each text is made when somebody asks for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from jovay.kernel.transaction import status as decoding
from jovay.rpc.backend.pool import SubmitError
from jovay.sequencer.pool import txpool
from jovay.sequencer.pool.txpool import Refusal
from jovay.simulation.outcome import INVALID
from jovay.simulation.requests import Invalid

REASONS: dict[int, Invalid] = {
    **INVALID,
    txpool.ALREADY_KNOWN: Invalid.ALREADY_KNOWN,
    txpool.UNDERPRICED_REPLACEMENT: Invalid.REPLACEMENT_UNDERPRICED,
    txpool.POOL_FULL: Invalid.POOL_FULL,
    txpool.SENDER_FULL: Invalid.POOL_FULL,
    txpool.OVERSIZED: Invalid.OVERSIZED,
    txpool.BLOBS_NOT_TAKEN: Invalid.TYPE_NOT_SUPPORTED,
    txpool.UNDERPRICED: Invalid.UNDERPRICED,
    txpool.GAS_ABOVE_BLOCK: Invalid.EXCEEDS_GAS_LIMIT,
    txpool.DELEGATED_FULL: Invalid.POOL_FULL,
    txpool.DELEGATED_GAP: Invalid.NONCE_TOO_HIGH,
    txpool.OVERDRAWN: Invalid.INSUFFICIENT_FUNDS,
}
_DECODING = {
    decoding.TYPE_NOT_SUPPORTED: Invalid.TYPE_NOT_SUPPORTED,
    decoding.BLOB_SIDECAR: Invalid.TYPE_NOT_SUPPORTED,
    decoding.CHAIN_ID_TOO_LARGE: Invalid.CHAIN_ID,
    decoding.INVALID_SIGNATURE: Invalid.INVALID_SENDER,
    decoding.RECOVERY_FAILED: Invalid.INVALID_SENDER,
}


def reason_of(status: int) -> Invalid:
    """The reason that a status of pool, validity or decoding stands for."""
    return REASONS.get(status) or _DECODING.get(status & 0xFF, Invalid.MALFORMED)


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
            found[reason_of(status)] += count
        return found
