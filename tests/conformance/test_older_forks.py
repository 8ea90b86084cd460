"""Rules of older forks that no published test of the archive has: made-up cases, with states worked out by hand."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from jovay.conformance.blocks.engine import BlockEngine
from jovay.conformance.blocks.state import state_of
from jovay.conformance.native_engine import NativeEngine
from jovay.conformance.state_tests import encode
from jovay.kernel.evm import validity
from jovay.kernel.programs.state_test import Outcome
from jovay.native.records import read_record, values_of
from rigs.accounts import KEYS
from rigs.load import address_of
from rigs.transactions import sign

KEY = bytes.fromhex(KEYS[0][2:])
SENDER = "0x" + address_of(KEYS[0]).hex()
COINBASE, INNER, OUTER = "0x" + "c0" * 20, "0x" + "11" * 20, "0x" + "22" * 20
GAS, PRICE, BALANCE = 200_000, 10, 10**18


@pytest.fixture(scope="module")
def engine(library):
    return NativeEngine(library)


@pytest.fixture(scope="module")
def root_of(library):
    """The root of a state."""
    blocks = BlockEngine(library)
    yield lambda accounts: blocks.root_of(state_of(accounts, library))
    blocks.close()


def account(balance: int = 0, code: str = "", nonce: int = 0) -> dict[str, Any]:
    return {"balance": hex(balance), "nonce": hex(nonce), "code": "0x" + code, "storage": {}}


def run(engine: NativeEngine, fork: str, pre: dict[str, Any], to: str, gas: int = GAS) -> dict[str, Any]:
    fields = [0, PRICE, gas, bytes.fromhex(to[2:]), 0, b""]
    env = {"currentNumber": 1, "currentTimestamp": 1, "currentGasLimit": 10**7, "currentCoinbase": COINBASE}
    post = {"txbytes": "0x" + sign(0, fields, KEY).hex()}
    return values_of(read_record(Outcome, engine.run(encode({"env": env, "pre": pre}, fork, post, 1))[0]))


def paid(pre: dict[str, Any], gas_used: int) -> dict[str, Any]:
    """The state after a transaction that only cost gas."""
    after = copy.deepcopy(pre)
    after[SENDER] = account(BALANCE - gas_used * PRICE, nonce=1)
    after[COINBASE] = account(gas_used * PRICE)
    return after


#: CALL(50000, 3, 0, …), then INVALID; and a call of that.
TOUCHES_3 = "600060006000600060006003" + "61c350f1" + "fe"
CALLS_INNER = "60006000600060006000" + "73" + "11" * 20 + "62020000f100"


@pytest.mark.parametrize("fork", ["SpuriousDragon", "Byzantium", "Istanbul", "London"])
@pytest.mark.parametrize("to", [OUTER, INNER], ids=["in a call", "outermost"])
def test_the_touch_of_ripemd160_survives(engine, root_of, fork: str, to: str) -> None:
    """0x03 goes although the frame that touched it failed; 0x02, touched in the same way, stays."""
    empty = {f"0x{n:040x}": account() for n in (2, 3)}
    both = TOUCHES_3.replace("6003", "6002")[:-2] + TOUCHES_3
    pre = {SENDER: account(BALANCE), INNER: account(code=both), OUTER: account(code=CALLS_INNER)} | empty
    outcome = run(engine, fork, pre, to)
    after = paid(pre, outcome["gas_used"])
    del after[f"0x{3:040x}"]
    assert outcome["status"] == 0
    assert outcome["success"] == (to == OUTER)
    assert outcome["state_root"] == root_of(after)


def test_nothing_survives_since_paris(engine, root_of) -> None:
    pre = {SENDER: account(BALANCE), INNER: account(code=TOUCHES_3), f"0x{3:040x}": account()}
    outcome = run(engine, "Paris", pre, INNER)
    after = paid(pre, outcome["gas_used"])
    assert outcome["state_root"] == root_of(after)


@pytest.mark.parametrize(
    "fork", ["Frontier", "Homestead", "Byzantium", "Istanbul", "Berlin", "London", "Osaka"]
)
def test_a_sender_with_code_is_refused_at_every_fork(engine, root_of, fork: str) -> None:
    """EIP-3607 holds for the past too."""
    pre = {SENDER: account(BALANCE, code="00"), OUTER: account(1)}
    outcome = run(engine, fork, pre, OUTER)
    assert (outcome["stage"], outcome["status"]) == (0, validity.SENDER_NOT_EOA)
    assert outcome["state_root"] == root_of(pre)


def test_the_opposite_works(engine, root_of) -> None:
    pre = {SENDER: account(BALANCE), OUTER: account(1)}
    outcome = run(engine, "Frontier", pre, OUTER)
    assert (outcome["status"], outcome["gas_used"]) == (0, 21_000)
    assert outcome["state_root"] == root_of(paid(pre, 21_000))
