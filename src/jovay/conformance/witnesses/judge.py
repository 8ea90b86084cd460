"""What may come of a hostile witness."""

from __future__ import annotations

from jovay.tracer.witness import MESSAGES, StatelessResult

from .parts import take_apart
from .source import Source, results_of


class Unsound(Exception):  # noqa: N818  (a verdict, not an error of the program)
    """The stateless function accepted what is not so, or answered what it never should."""


def judge(
    source: Source,
    witness: bytes,
    honest: StatelessResult,
    result: StatelessResult,
    again: bool = True,
) -> str:
    """A word for the outcome; raises ``Unsound``.

    A refusal has a known status and no results. What is accepted under the inputs and transactions of the source's own
    block must be its result; another block over the same state must be what executing it over the whole state gives
    (``again``). Of a state that is made up nothing can be said but that the claim names its root.
    """
    if result.status:
        if result.status not in MESSAGES:
            raise Unsound(f"status {result.status}")
        if any(b"".join((result.state_root, result.receipts_root, result.transactions_root, result.bloom))):
            raise Unsound(f"results beside status {result.status}")
        return f"refused: {MESSAGES[result.status]}"
    if (result.inputs, result.transactions_root) == (honest.inputs, honest.transactions_root):
        if result != honest:
            raise Unsound(f"{result} for the block that gives {honest}")
        return "accepted: the same block"
    if (
        result.inputs == honest.inputs
        and take_apart(witness).transactions == take_apart(source.witness).transactions
    ):
        raise Unsound("another root of the same transactions")
    if take_apart(witness).parent_root != source.parent_root:
        return "accepted: a block over another state"
    expected = source.made_of(witness) if again else results_of(result)
    if expected != results_of(result):
        raise Unsound(f"{results_of(result)} for a block that gives {expected}")
    return "accepted: another block"
