"""Cases from seeds: a handful of contracts that call each other, and one to four transactions upon them."""

from __future__ import annotations

from random import Random

from jovay.kernel.precompiles.table import PRECOMPILES
from jovay.kernel.protocol import gas as price
from jovay.kernel.protocol.forks import CANCUN, FORKS, OSAKA, PRAGUE

from .cases import (
    ACCESS_LIST,
    BLOB,
    DYNAMIC_FEE,
    LEGACY,
    SET_CODE,
    Account,
    Authorization,
    Case,
    Environment,
    Transaction,
    address_of_key,
)
from .operands import Surroundings
from .programs import write_initcode, write_program

SENDERS, AUTHORITIES = (0, 1, 2), (2, 3, 4, 5)
CONTRACTS = tuple(0xC0DE << 144 | n for n in range(1, 6))
ABSENT = tuple(0xAB5E << 144 | n for n in range(1, 3))
ETHER = 10**18


def delegation(target: int) -> bytes:
    """The code of an account that delegates (EIP-7702)."""
    return b"\xef\x01\x00" + target.to_bytes(20)


class _Maker:
    """Makes one case."""

    def __init__(self, fork: str, seed: int) -> None:
        self.fork, self.level, self.seed = fork, FORKS[fork], seed
        self.dice = Random(f"{fork} {seed}")
        self.precompiles = [a for a, row in PRECOMPILES.items() if row.since <= self.level]
        self.contracts = CONTRACTS[: self.dice.randint(1, len(CONTRACTS))]
        self.senders = [address_of_key(k) for k in SENDERS]
        self.authorities = [address_of_key(k) for k in AUTHORITIES]

    def environment(self) -> Environment:
        dice = self.dice
        coinbases = [0xC0FFEE << 136, 0xC0FFEE << 136, *ABSENT, self.contracts[0], self.senders[1], 4]
        return Environment(
            fork=self.fork,
            number=dice.choice([1, 255, 1000, 1000]),
            timestamp=dice.randrange(1, 2**40),
            gas_limit=dice.choice([2**24, 36_000_000, 36_000_000]),
            base_fee=dice.choice([0, 1, 7, 10**9]),
            excess_blob_gas=dice.choice([0, 0, 10_000_000, 60_000_000]),
            prevrandao=dice.getrandbits(256),
            coinbase=dice.choice(coinbases),
        )

    def accounts(self, coinbase: int) -> dict[int, Account]:
        """Senders with money, contracts with code, storage and perhaps money, and accounts of odd kinds."""
        dice = self.dice
        addresses = [
            *self.contracts * 3,
            *self.senders,
            *self.authorities,
            *ABSENT,
            *self.precompiles,
            coinbase,
            0,
        ]
        around = Surroundings(addresses, self.precompiles, self.level)
        accounts = {
            a: Account(balance=dice.choice([1, 100, 10_000]) * ETHER, nonce=dice.choice([0, 1, 5]))
            for a in self.senders
        }
        for address in self.contracts:
            storage = {k: dice.choice([1, 2, 2**255]) for k in range(8) if dice.random() < 0.4}
            nonce = dice.choice([0, 1, 1, 2**64 - 1, 2**64 - 2]) if dice.random() < 0.2 else 1
            balance = dice.choice([0, 1, 1000, ETHER])
            accounts[address] = Account(balance, nonce, write_program(dice, around), storage)
        for address in self.authorities:
            if dice.random() < 0.3 and address not in accounts:
                accounts[address] = Account(
                    balance=dice.choice([1, ETHER]), nonce=dice.choice([1, 1, 2**64 - 1])
                )
            if self.level >= PRAGUE and dice.random() < 0.3:
                account = accounts.setdefault(address, Account(nonce=1))
                account.code = delegation(dice.choice(addresses))
                account.storage = {0: 1} if dice.random() < 0.3 else {}
        if dice.random() < 0.1:
            accounts[dice.choice(self.precompiles)] = Account(balance=1)
        if dice.random() < 0.3:
            accounts.setdefault(coinbase, Account(balance=1))
        self.around = around
        return accounts

    def data(self) -> bytes:
        dice, kind = self.dice, self.dice.random()
        if kind < 0.3:
            return b""
        if kind < 0.9:
            return dice.randbytes(dice.choice([1, 4, 32, 36, 100]))
        if kind < 0.97:
            return bytes(dice.randrange(2000))
        return dice.randbytes(dice.randrange(3000))

    def access_list(self) -> list[tuple[int, list[int]]]:
        dice = self.dice
        targets = dice.choices(self.around.addresses, k=dice.choice([0, 1, 2, 4]))
        return [(a, [dice.randrange(12) for _ in range(dice.choice([0, 1, 3]))]) for a in targets]

    def authorization(self, nonces: dict[int, int]) -> Authorization:
        """Mostly valid at the time when it is judged."""
        dice, key = self.dice, self.dice.choice(AUTHORITIES)
        authority = address_of_key(key)
        nonce = nonces.get(authority, 0)
        target = dice.choice([*self.contracts * 4, 0, 0, *self.around.addresses])
        good = dice.random() < 0.75
        chain = dice.choice([0, 1, 1]) if good else dice.choice([0, 1, 2, 2**64])
        if good:
            nonces[authority] = nonce + 1
            return Authorization(key, chain, target, min(nonce, 2**64 - 1))
        wrong = min(dice.choice([nonce, nonce + 1, 0, 2**64 - 1]), 2**64 - 1)
        return Authorization(key, chain, target, wrong, dice.choice(["", "", "high s", "parity", "r", "s"]))

    def gas_limit(self, least: int) -> int:
        """Mostly enough; sometimes to the brim of what is needed to begin, sometimes less, seldom very much."""
        dice, kind = self.dice, self.dice.random()
        if kind < 0.03:
            return least - dice.choice([1, 1, 1000])
        if kind < 0.06:
            return least + dice.choice([0, 1, 3])
        if kind < 0.35:
            return least + dice.randrange(60_000)
        if kind < 0.985:
            return least + dice.randrange(60_000, 700_000)
        return dice.choice(
            [
                3_000_000,
                2**24 if dice.random() < 0.2 else 2_000_000,
                2**24 + 1 if dice.random() < 0.2 else 1_000_000,
            ]
        )

    def transaction(self, nonces: dict[int, int], kinds: list[int], base_fee: int) -> Transaction:
        dice = self.dice
        kind, key = dice.choice(kinds), dice.choice(SENDERS)
        sender = address_of_key(key)
        tx = Transaction(
            kind=kind,
            key=key,
            nonce=nonces[sender],
            gas_limit=0,
            to=self.target(),
            value=dice.choice([0, 0, 0, 1, 1000, ETHER]),
            data=self.data(),
            max_fee=base_fee + dice.choice([0, 1, 10, 10**9]),
            protected=dice.random() < 0.8,
        )
        if kind in (LEGACY, ACCESS_LIST, DYNAMIC_FEE) and dice.random() < 0.15:
            tx.to, tx.data = None, write_initcode(dice, self.around)
        if kind >= DYNAMIC_FEE:
            tx.max_priority_fee = min(dice.choice([0, 1, tx.max_fee]), tx.max_fee)
        if kind != LEGACY:
            tx.access_list = self.access_list()
        nonces[sender] += 1
        if kind == BLOB:
            tx.max_blob_fee = 10**12
            tx.blob_hashes = [b"\x01" + dice.randbytes(31) for _ in range(dice.choice([1, 1, 2, 6]))]
        if kind == SET_CODE:
            tx.authorizations = [self.authorization(nonces) for _ in range(dice.choice([1, 1, 2, 4]))]
        tx.gas_limit = self.gas_limit(least_gas(tx))
        if dice.random() < 0.03:
            self.spoil(tx)
        return tx

    def target(self) -> int:
        dice = self.dice
        return dice.choice(self.contracts) if dice.random() < 0.85 else dice.choice(self.around.addresses)

    def spoil(self, tx: Transaction) -> None:
        """Make it invalid, or nearly."""
        dice = self.dice
        what = dice.randrange(8)
        if what == 0:
            tx.nonce = dice.choice([0, tx.nonce + 1, 2**64 - 1])
        elif what == 1:
            tx.value = 10**30
        elif what == 2:
            tx.max_fee = dice.choice([0, 2**256 - 1, 2**200])
        elif what == 3:
            tx.max_priority_fee = tx.max_fee + 1
        elif what == 4:
            tx.blob_hashes = dice.choice(
                [[], [bytes(32)], [b"\x01" + bytes(31)] * 10, [b"\x01" + bytes(31)] * 7]
            )
        elif what == 5:
            tx.authorizations = []
        elif what == 6:
            tx.to, tx.data = None, bytes(dice.choice([49_152, 49_153]))
            tx.gas_limit = least_gas(tx) + dice.randrange(50_000)
        else:
            tx.max_blob_fee = 0

    def make(self) -> Case:
        dice = self.dice
        environment = self.environment()
        accounts = self.accounts(environment.coinbase)
        nonces = {a: account.nonce for a, account in accounts.items()}
        kinds = [LEGACY, ACCESS_LIST, DYNAMIC_FEE, DYNAMIC_FEE]
        if self.level >= PRAGUE:
            kinds += [SET_CODE, SET_CODE]
        transactions: list[Transaction] = []
        for i in range(dice.choice([1, 1, 1, 2, 3, 4])):
            first = (
                i == 0 and self.level >= CANCUN
            )  # a block's blobs are counted by who builds it: one such only
            transactions.append(
                self.transaction(nonces, [*kinds, BLOB] if first else kinds, environment.base_fee)
            )
        return Case(self.seed, environment, accounts, transactions, dice.random() < 0.5)


def least_gas(tx: Transaction) -> int:
    """What a transaction needs to begin (EIP-2028, 2930, 3860, 7623, 7702)."""
    zeros = tx.data.count(0)
    others = len(tx.data) - zeros
    gas = price.TX_BASE_COST + price.TX_DATA_COST_PER_ZERO * zeros
    gas += int(price.TX_DATA_COST_PER_NON_ZERO[CANCUN]) * others
    if tx.to is None:
        words = (len(tx.data) + 31) // 32
        gas += int(price.TX_CREATE_COST[CANCUN]) + int(price.INIT_CODE_WORD_COST[CANCUN]) * words
    gas += price.TX_ACCESS_LIST_ADDRESS_COST * len(tx.access_list)
    gas += price.TX_ACCESS_LIST_STORAGE_KEY_COST * sum(len(keys) for _, keys in tx.access_list)
    gas += price.PER_EMPTY_ACCOUNT_COST * len(tx.authorizations)
    tokens = zeros + price.TOKENS_PER_NON_ZERO * others
    return max(gas, price.TX_BASE_COST + price.FLOOR_CALLDATA_COST * tokens)


def make_case(fork: str, seed: int) -> Case:
    """The case of a seed at Cancun, Prague or Osaka."""
    assert CANCUN <= FORKS[fork] <= OSAKA
    return _Maker(fork, seed).make()
