"""The EVM as plain Python does, byte for byte, what the compiled kernel does. CPython is the slow oracle here."""

import ctypes
from dataclasses import dataclass
from random import Random

import pytest

from jovay.chain.rlp import encode as rlp
from jovay.conformance.differential.cases import Account, Case, Environment, Transaction
from jovay.conformance.differential.native import ARENA_BYTES, decode, encode
from jovay.conformance.differential.operands import Surroundings
from jovay.conformance.differential.programs import write_program
from jovay.kernel.lang import U64
from jovay.kernel.programs.transition import replay_transactions
from jovay.kernel.protocol.forks import OSAKA
from jovay.native.arena import Arena

#: Where L1 messages go and come from: they carry no signature, whose recovery would take plain Python seconds.
MAILBOX, RELAYER, OTHER = 0x61 << 152, 0x51 << 152, 0xC0DE
OUTPUT_BYTES = 1 << 20
SEEDS = 40


@dataclass(slots=True)
class L1Message(Transaction):
    def raw(self) -> bytes:
        return b"\x7f" + rlp([self.nonce, self.gas_limit, self.data])


def _case(seed: int) -> Case:
    dice = Random(seed)
    around = Surroundings([MAILBOX, OTHER, RELAYER], [2, 3, 4, 5, 9], OSAKA)
    accounts = {
        MAILBOX: Account(5, 1, write_program(dice, around, 1), {0: 1}),
        OTHER: Account(7, 1, write_program(dice, around, 1), {1: 2}),
        RELAYER: Account(1),
    }
    environment = Environment("Osaka", 5, 7, 2**24, 0, 0, 3, 9)
    messages = [
        L1Message(0, 0, nonce, 90_000, MAILBOX, 0, dice.randbytes(dice.randrange(40)), 0)
        for nonce in range(2)
    ]
    return Case(seed, environment, accounts, messages)


@pytest.fixture(scope="module")
def arena():
    return Arena(ARENA_BYTES)


def _output(function, case, arena):
    data = encode(case, scale=0, capacity=OUTPUT_BYTES)
    source, out = ctypes.create_string_buffer(data, len(data)), ctypes.create_string_buffer(OUTPUT_BYTES)
    places = ctypes.addressof(source), len(data), ctypes.addressof(out), arena.address, arena.size
    size = function(*map(U64, places))
    arena.reset()
    assert size != 0
    return out.raw[: int(size)]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_programs_end_alike(library, arena, seed):
    case = _case(seed)
    plain = _output(replay_transactions, case, arena)
    assert plain == _output(library[replay_transactions], case, arena)
    assert all(ran.valid for ran in decode(plain, 2).ran)


def test_the_programs_do_something(library, arena):
    outcomes = [decode(_output(library[replay_transactions], _case(seed), arena), 2) for seed in range(SEEDS)]
    ran = [r for outcome in outcomes for r in outcome.ran]
    assert len({r.gas_used for r in ran}) > 10
    assert 5 < sum(r.success for r in ran) < len(ran)
    assert any(len(account.storage) > 1 for outcome in outcomes for account in outcome.accounts.values())
