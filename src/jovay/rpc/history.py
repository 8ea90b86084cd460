"""When something came to be, found by halving over the states that are kept: there is no index of it."""

from __future__ import annotations

from collections.abc import Callable

from jovay.chain.types import Address, Inclusion
from jovay.rpc.backend.chain import Chain
from jovay.rpc.backend.errors import HistoryUnavailableError
from jovay.rpc.backend.state import State


def first_state(head: int, holds: Callable[[int], bool]) -> int | None:
    """The first block up to ``head`` after which ``holds`` does, and goes on to; None if it does not hold at ``head``.

    Raises ``HistoryUnavailableError`` if the states before that block are not kept.
    """
    low, high, lost = 0, head, False
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        try:
            if holds(middle):
                high = middle
            else:
                low, lost = middle + 1, False
        except HistoryUnavailableError:
            low, lost = middle + 1, True
    if lost:
        raise HistoryUnavailableError(f"older than block {low}, and states before it are not available")
    return low


def transaction_of(chain: Chain, state: State, sender: Address, nonce: int) -> Inclusion | None:
    """The mined transaction of a sender with that nonce."""
    number = first_state(chain.head(), lambda height: state.account(sender, height).nonce > nonce)
    block = None if number is None else chain.block(number)
    if block is None:
        return None
    for index, transaction in enumerate(block.transactions):
        if transaction.sender == sender and transaction.nonce == nonce:
            return Inclusion(transaction, block.header, index)
    return None
