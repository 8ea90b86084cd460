"""Why the pool refused transactions of a batch, in geth's words; each text is made when somebody asks for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from jovay.chain.reasons import Invalid, refusal_of
from jovay.rpc.backend.pool import SubmitError
from jovay.sequencer.pool.txpool import Refusal


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
