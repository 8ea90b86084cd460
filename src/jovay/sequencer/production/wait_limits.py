"""How long blocks wait for state that is not in memory, and what is postponed to a later one for that."""

from __future__ import annotations

from dataclasses import dataclass

from jovay.kernel.evm.capacities import LISTED_GAS
from jovay.kernel.protocol.gas import (
    PER_EMPTY_ACCOUNT_COST,
    TX_ACCESS_LIST_ADDRESS_COST,
    TX_ACCESS_LIST_STORAGE_KEY_COST,
)

from .block import U64Array

#: Postponed transactions that are remembered.
MOST_POSTPONED = 4096


@dataclass(frozen=True)
class WaitLimits:
    """How long a block waits for keys that are not in memory.

    At first every transaction guesses that they are absent, so that one round finds many of them: ``rounds`` at least,
    more while they take no longer than ``guessing`` seconds. What misses keys after that is deferred, and waits for one
    key after the other; after ``waiting`` seconds what is left is postponed to a later block.

    A transaction that takes long stops after every ``slice`` of gas (0: never). When it has gone on for ``running``
    seconds it leaves the block, to be executed beside the blocks; with guesses it begins anew, once the keys are there.
    When such have kept a block for ``looking`` seconds, it looks at no more: those of more than ``doubtful`` gas come
    last.

    A wrong guess leads to keys that nobody asks for. So guesses bring in only what leaves room in the tables for all
    keys that the block's gas pays for.
    """

    rounds: int = 4
    guessing: float = 0.02
    waiting: float = 0.05
    slice: int = 500_000
    doubtful: int = 100_000
    running: float = 0.008
    looking: float = 0.008


def needs_of(gas: int) -> tuple[int, int, int, int]:
    """How much so much gas can take of the world's tables, in the order of ``NativeWorld.fill``.

    Of code that is what it founds: a delegation (EIP-7702) takes about 100 bytes, a contract less for its gas.
    """
    accounts, slots = gas // TX_ACCESS_LIST_ADDRESS_COST, gas // TX_ACCESS_LIST_STORAGE_KEY_COST
    return accounts, slots, gas // 100, gas // PER_EMPTY_ACCOUNT_COST


def changes_of(gas: int) -> int:
    """How many changes so much gas can list in the world."""
    return gas // LISTED_GAS


class Postponed:
    """Postponed transactions by the address of their record, and whether they shall guess no more.

    One that found no room may guess again, once: there is room in the next block.
    """

    def __init__(self) -> None:
        self._here: dict[int, bool] = {}  # those of the running block
        self._others: dict[int, bool] = {}  # oldest first

    def begin(self, transactions: U64Array) -> list[int]:
        """A block of these transactions begins; those that shall wait for their keys from the start."""
        own = self._others.keys() & transactions.tolist() if self._others else ()
        self._here = {address: self._others.pop(address) for address in own}
        return [address for address, is_patient in self._here.items() if is_patient]

    def has_been(self, address: int) -> bool:
        """Whether a transaction of the running block was postponed before."""
        return address in self._here

    def is_patient(self, address: int) -> bool:
        """Whether a transaction of the running block shall not guess."""
        return self._here.get(address, False)

    def some_are_patient(self) -> bool:
        """Whether the running block has transactions that shall not guess."""
        return any(self._here.values())

    def add(self, address: int, found_room: bool) -> None:
        """A transaction of the running block is postponed."""
        self._others[address] = found_room or self.has_been(address)
        while len(self._others) > MOST_POSTPONED:
            del self._others[next(iter(self._others))]
