"""A transaction for which an arena is too small leaves no trace; the others end as if it had never been there."""

import copy
from random import Random

import pytest

from jovay.conformance.differential.cases import Case
from jovay.conformance.differential.generate import make_case
from jovay.conformance.differential.native import NativeRunner
from jovay.kernel.programs.transition import replay_transactions
from rigs.bombs import node_sizes

FULL = "execution arena full"
#: What a case takes of each arena goes from nothing to somewhat more than this.
USED = {
    "accounts": 25,
    "slots": 25,
    "journal": 150,
    "memory_bytes": 3000,
    "code_bytes": 1200,
    "return_bytes": 100,
    "logs": 4,
    "log_bytes": 60,
    "touched": 15,
}


@pytest.fixture(scope="module")
def kernel(library):
    return NativeRunner(library[replay_transactions])


def _cases(seed: int) -> Case:
    return make_case(("Cancun", "Prague", "Osaka")[seed % 3], seed)


@pytest.mark.parametrize("arena", USED)
def test_small_arenas_change_nothing_else(kernel, arena):
    full = 0
    for seed in range(60):
        case = _cases(seed)
        world, machine = node_sizes(shared=4096)
        machine[arena] = Random(seed).randrange(USED[arena])
        outcome = kernel.run(case, (world, machine))
        kept = [i for i, ran in enumerate(outcome.ran) if ran.why != FULL or ran.valid]
        full += len(outcome.ran) - len(kept)
        rest = copy.deepcopy(case)
        rest.transactions = [case.transactions[i] for i in kept]
        expected = kernel.run(rest)
        outcome.ran = [outcome.ran[i] for i in kept]
        assert kernel.run(rest, (world, machine)).ran == outcome.ran, f"seed {seed}: less room than alone"
        assert outcome.difference(expected) == [], f"seed {seed}, {arena} of {machine[arena]}"
    assert full > 0


def test_enough_is_enough(kernel):
    """With the node's own arenas no generated case finds one full."""
    for seed in range(60):
        assert all(ran.valid or ran.why != FULL for ran in kernel.run(_cases(seed), node_sizes()).ran)
