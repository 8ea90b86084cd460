"""Nothing that gas can buy fills a machine that is made for that gas: a bomb runs out of gas and is over."""

import copy

import pytest

from jovay.conformance.differential.cases import Outcome
from jovay.conformance.differential.native import NativeRunner
from jovay.kernel.programs.transition import replay_transactions
from rigs.bombs import BOMBS, bomb, node_sizes, plain_transaction

TRANSACTION_CAP = 1 << 24  # EIP-7825
CALL_GAS = 500_000_000


@pytest.fixture(scope="module")
def kernel(library):
    return NativeRunner(library[replay_transactions])


def _without_bomb(kernel, case, sizes) -> Outcome:
    case = copy.deepcopy(case)
    case.transactions = [plain_transaction(0)]
    return kernel.run(case, sizes)


def _check(kernel, name, gas, fork):
    """A machine for one such transaction and nothing beside it, but the plain ones."""
    case, sizes = bomb(name, gas, fork), node_sizes(gas + 60_000, shared=8)
    case.transactions.append(plain_transaction(0))
    exploded, behind, instead = kernel.run(case, sizes).ran
    alone = _without_bomb(kernel, case, sizes)
    assert exploded.valid, exploded.why
    assert not instead.valid
    assert 21_000 < exploded.gas_used <= gas
    assert (behind.success, behind.gas_used) == (alone.ran[0].success, alone.ran[0].gas_used)


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_of_one_transaction(kernel, name):
    """The arenas of the node hold whatever a transaction can do."""
    _check(kernel, name, TRANSACTION_CAP, "Osaka")


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_of_a_call(kernel, name):
    """An eth_call may have thirty times the gas, and so may transactions before Osaka."""
    _check(kernel, name, CALL_GAS, "Prague")
