"""When something came to be, found by halving over the states that are kept: there is no index of it."""

from __future__ import annotations

from collections.abc import Callable

from jovay.chain.types import Address, Inclusion
from jovay.rpc.backend import Backend, HistoryUnavailableError


def first_state(backend: Backend, holds: Callable[[int], bool]) -> int | None:
    """The first block after which ``holds`` does, where it goes on to hold; None if it does not hold now.

    Raises ``HistoryUnavailableError`` if the states before that block are not kept.
    """
    low, high, lost = 0, backend.head(), False
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


def transaction_of(backend: Backend, sender: Address, nonce: int) -> Inclusion | None:
    """The mined transaction of a sender with that nonce."""
    number = first_state(backend, lambda height: backend.account(sender, height).nonce > nonce)
    block = None if number is None else backend.block(number)
    if block is None:
        return None
    for index, transaction in enumerate(block.transactions):
        if transaction.sender == sender and transaction.nonce == nonce:
            return Inclusion(transaction, block.header, index)
    return None
