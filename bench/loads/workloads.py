"""The loads: who sends what to whom, as signed raw transactions in the order in which they are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from .accounts import Accounts, Call, Signed, accounts, keccak, signed
from .chain import (
    COLLECTIONS,
    ETHER,
    EXCHANGE,
    PAIRS,
    PROBE_GROUP,
    PROBES,
    collection,
    pair,
    token,
    traders,
    word,
)

TRANSFER_GAS, TOKEN_GAS, SWAP_GAS, MINT_GAS = 21_000, 65_000, 160_000, 110_000


@cache
def selector(signature: str) -> bytes:
    """The first four bytes of a function's hash."""
    return keccak(signature.encode())[:4]


class Senders:
    """Whose turn it is, and with which nonce: all accounts in a shuffled order, again and again."""

    def __init__(self, owners: Accounts, senders: int, seed: int) -> None:
        self.owners = owners
        self.random = np.random.default_rng(seed)
        self._order = self.random.permutation(len(owners))[:senders].tolist()
        self._turn = 0
        self._nonces: dict[int, int] = {}

    def next(self) -> int:
        """The next sender."""
        self._turn += 1
        return int(self._order[(self._turn - 1) % len(self._order)])

    def anyone(self, below: int | None = None) -> int:
        """A random account."""
        return int(self.random.integers(below or len(self.owners)))

    def call(self, sender: int, to: bytes, data: bytes = b"", gas: int = TOKEN_GAS, value: int = 0) -> Call:
        """A call with the sender's next nonce."""
        nonce = self._nonces.get(sender, 0)
        self._nonces[sender] = nonce + 1
        return Call(sender, nonce, to, value, data, gas)

    def pay(self, to: bytes) -> Call:
        """A native transfer of the next sender's."""
        return self.call(self.next(), to, b"", TRANSFER_GAS, 1 + self._turn % 1000)

    def send_tokens(self, to: bytes) -> Call:
        """An ERC-20 transfer of the next sender's."""
        data = selector("transfer(address,uint256)") + to.rjust(32, b"\0") + word(1 + self._turn % 1000)
        return self.call(self.next(), token(0), data)

    def swap(self) -> Call:
        """A trade with one of the market makers."""
        zero_for_one, amount = int(self.random.integers(2)), int(self.random.integers(1, 1000)) * ETHER
        data = selector("swap(bool,uint256,uint256)") + word(zero_for_one) + word(amount) + word(0)
        return self.call(self.anyone(traders(self.owners)), pair(self.anyone(PAIRS)), data, SWAP_GAS)

    def mint(self) -> Call:
        """A mint of one of the collections."""
        return self.call(self.next(), collection(self.anyone(COLLECTIONS)), selector("mint()"), MINT_GAS)


def native(s: Senders) -> Call:
    """A native transfer to a random account."""
    return s.pay(s.owners.address(s.anyone()))


def erc20(s: Senders) -> Call:
    """A token transfer to a random account."""
    return s.send_tokens(s.owners.address(s.anyone()))


def mixed(s: Senders) -> Call:
    """45 % ERC-20, 25 % native, 15 % swaps, 10 % mints, 5 % payments to one account."""
    lot = s.random.random()
    if lot < 0.45:
        return erc20(s)
    if lot < 0.70:
        return native(s)
    if lot < 0.85:
        return s.swap()
    return s.mint() if lot < 0.95 else s.pay(EXCHANGE)


def hot(share: int) -> Callable[[Senders], Call]:
    """``share`` per cent of the token transfers go to one account."""

    def make(s: Senders) -> Call:
        return s.send_tokens(EXCHANGE) if s.random.random() * 100 < share else erc20(s)

    return make


def counted(s: Senders) -> Call:
    """20 % mints of one collection, whose counter says which slots each writes; the others send tokens."""
    if s.random.random() < 0.2:
        return s.call(s.next(), collection(0), selector("mint()"), MINT_GAS)
    return erc20(s)


LOADS: dict[str, Callable[[Senders], Call]] = {
    "native": native,
    "erc20": erc20,
    "mixed": mixed,
    "counted": counted,
    "hot10": hot(10),
    "hot50": hot(50),
    "hot100": hot(100),
}
TITLES = {
    "native": "native transfers",
    "erc20": "ERC-20 transfers",
    "mixed": "mixed (45 % ERC-20, 25 % native, 15 % AMM swaps, 10 % NFT mints, 5 % one account)",
    "counted": "ERC-20, 20 % mints that write the slots which one counter tells",
    "hot10": "ERC-20, 10 % to one account",
    "hot50": "ERC-20, 50 % to one account",
    "hot100": "ERC-20, all to one account",
}


def probes(count: int, account_count: int, group: int) -> Signed:
    """``count`` token transfers of accounts that send nothing else, each of the group in turn."""
    owners = accounts(account_count + PROBES)

    def calls() -> Iterator[Call]:
        for i in range(count):
            to = owners.address((i * 7919) % account_count).rjust(32, b"\0")
            data = selector("transfer(address,uint256)") + to + word(1)
            sender = account_count + (group * PROBE_GROUP + i % PROBE_GROUP) % PROBES
            yield Call(sender, i // PROBE_GROUP, token(0), 0, data, TOKEN_GAS)

    return signed("probes", (2, count, account_count, group), owners, calls)


def load(name: str, count: int, account_count: int, senders: int | None = None) -> Signed:
    """``count`` transactions of a load among ``account_count`` accounts, sent by ``senders`` of them (default: all)."""
    owners = accounts(account_count)
    chosen = min(senders or account_count, account_count)

    def calls() -> Iterator[Call]:
        s = Senders(owners, chosen, seed=7)
        return (LOADS[name](s) for _ in range(count))

    return signed(f"load-{name}", (1, count, chosen), owners, calls)
