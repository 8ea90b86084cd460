"""Sums of fractions: those that are zero are proven, others cannot be."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from jovay.prover.zk import fractions, sumcheck
from jovay.prover.zk.errors import FractionsError, ZkError
from jovay.prover.zk.field import R, Vector
from jovay.prover.zk.fractions import Claim, Given, Proof
from jovay.prover.zk.multilinear import evaluate
from jovay.prover.zk.transcript import Transcript


def looked_up(variables: int, seed: int = 1) -> tuple[list[int], list[int]]:
    """LogUp: values are taken from a table, as often as the table's side says."""
    rng = random.Random(seed)
    half = 1 << (variables - 1)
    table, alpha = [7 * i for i in range(half)], rng.randrange(R)
    taken = [rng.choice(table) for _ in range(half)]
    p = [1] * half + [-taken.count(entry) % R for entry in table]
    return p, [(alpha + value) % R for value in (*taken, *table)]


def verified(variables: int, proof: Proof) -> Claim:
    claim = fractions.verify(variables, proof, Transcript("test"))
    fractions.check_zero(fractions.total(proof))
    return claim


def proven(p: list[int], q: list[int]) -> tuple[Proof, Claim]:
    return fractions.prove(Given(Vector.of(p), Vector.of(q)), Transcript("test"))


@pytest.mark.parametrize("variables", [3, 4, 6, 9])
def test_lookups_are_proven(variables: int) -> None:
    p, q = looked_up(variables)
    proof, claim = proven(p, q)
    assert verified(variables, proof) == claim
    assert (claim.p, claim.q) == tuple(evaluate(Vector.of(side), claim.point) for side in (p, q))


def test_another_multiplicity_is_found() -> None:
    p, q = looked_up(5)
    p[-1] = (p[-1] + 1) % R
    with pytest.raises(FractionsError, match="add up"):
        verified(5, proven(p, q)[0])


def test_a_value_that_is_not_in_the_table_is_found() -> None:
    p, q = looked_up(5)
    q[0] = (q[0] + 1) % R
    with pytest.raises(FractionsError, match="add up"):
        verified(5, proven(p, q)[0])


def test_zero_denominators_are_found() -> None:
    p, q = looked_up(5)
    q[3] = 0
    with pytest.raises(FractionsError, match="zero"):
        verified(5, proven(p, q)[0])


@pytest.mark.parametrize("seed", range(30))
def test_changed_proofs_lead_to_no_claim_that_holds(seed: int) -> None:
    """Either the verifier refuses, or the claim that is left is not true of the leaves."""
    rng = random.Random(seed)
    p, q = looked_up(6, seed)
    proof, _ = proven(p, q)
    at = rng.randrange(len(proof.layers))
    layer = proof.layers[at]
    if seed % 3 == 0:
        tops = [list(side) for side in proof.tops]
        side = rng.choice(tops)
        i = rng.randrange(8)
        side[i] = (side[i] + 1) % R
        changed = replace(proof, tops=(tops[0], tops[1]))
    else:
        rounds, values = [list(each) for each in layer.rounds], list(layer.values)
        part = values if seed % 3 == 1 else rng.choice(rounds)
        i = rng.randrange(len(part))
        part[i] = (part[i] + rng.randrange(1, R)) % R
        layers = list(proof.layers)
        layers[at] = sumcheck.Proof(rounds, values)
        changed = replace(proof, layers=layers)
    try:
        claim = verified(6, changed)
    except ZkError:
        return
    found = tuple(evaluate(Vector.of(side), claim.point) for side in (p, q))
    assert (claim.p, claim.q) != found


def test_other_shapes_are_refused() -> None:
    proof, _ = proven(*looked_up(5))
    with pytest.raises(FractionsError, match="2 layers for 6"):
        verified(6, proof)
    with pytest.raises(FractionsError, match="malformed"):
        verified(5, replace(proof, tops=(proof.tops[0][:4], proof.tops[1])))
    aliased = [value + R for value in proof.tops[0]]
    with pytest.raises(FractionsError, match="malformed"):
        verified(5, replace(proof, tops=(aliased, proof.tops[1])))
