"""Nothing that gas can buy breaks the machine: a bomb runs out of gas, or an arena is full and it never was."""

import copy

import pytest

from jovay.conformance.differential.cases import Outcome
from jovay.conformance.differential.native import NativeRunner
from jovay.kernel.replay import replay_transactions
from rigs.bombs import BOMBS, bomb, node_sizes, plain_transaction

TRANSACTION_CAP = 1 << 24  # EIP-7825
CALL_GAS = 500_000_000


@pytest.fixture(scope="module")
def kernel(library):
    return NativeRunner(library[replay_transactions])


def _without_bomb(kernel, case) -> Outcome:
    case = copy.deepcopy(case)
    case.transactions = [plain_transaction(0)]
    return kernel.run(case, node_sizes())


def _check(kernel, name, gas, fork):
    case = bomb(name, gas, fork)
    case.transactions.append(plain_transaction(0))
    outcome = kernel.run(case, node_sizes())
    exploded, behind, instead = outcome.ran
    alone = _without_bomb(kernel, case)
    if exploded.valid:
        assert not instead.valid
        assert 21_000 < exploded.gas_used <= gas
        assert (behind.success, behind.gas_used) == (alone.ran[0].success, alone.ran[0].gas_used)
    else:
        assert exploded.why == "execution arena full"
        assert instead == alone.ran[0]
        assert outcome.accounts == alone.accounts
    return exploded


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_of_one_transaction(kernel, name):
    """The arenas of the node hold whatever a transaction can do."""
    assert _check(kernel, name, TRANSACTION_CAP, "Osaka").valid


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_of_a_call(kernel, name):
    """An eth_call may have thirty times the gas: here arenas may be full, and then nothing has happened."""
    _check(kernel, name, CALL_GAS, "Prague")
