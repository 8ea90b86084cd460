"""The chips' formulas in Solidity give what the same functions give in Python."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from jovay.bridge import artifacts
from jovay.chain.genesis import MAX_CODE
from jovay.prover.zk.chip import Chip, Message
from jovay.prover.zk.field import R
from jovay.prover.zk.machine.accelerators import ACCELERATORS
from jovay.prover.zk.machine.program import chips_with
from jovay.prover.zk.rows import Weights, value_at
from jovay.prover.zk.solidity.evaluators import HEADER, Arguments, evaluators
from jovay.prover.zk.solidity.key import EVALUATORS
from rigs import zk_tables
from rigs.zk_contracts import Chain, Compiled, compiled

POWERS = Chip(
    "powers",
    ("a", "b", "c"),
    lambda row: [
        row.a * row.a * row.a * row.b - (row.a * row.a - 1) * 7,
        -row.b + 5 - row.a * (R - 3),
        0 * row.a,
        row.c - (row.a + row.b + row.c + row.a + row.b + row.c + row.a) * (1 << 64),
        3 - row.c,
    ],
    lambda row: [
        Message(9, 1, (row.a, 0, 2 * row.a - row.b, -row.c, row.index * (1 << 16))),
        Message(3, -row.a - row.b, (row.c - 1,)),
        Message(4, 0 * row.a, ()),
    ],
    fixed=("f",),
    computed=("index",),
)
EMPTY = Chip("empty", ("nothing",), lambda row: [row.nothing], lambda row: [])


def evaluated(
    chain: Chain, chips: tuple[Chip, ...], width: int, seed: int, contracts: Sequence[Compiled] = ()
) -> tuple[int, int]:
    """What the contracts and what Python find for random arguments: Σ γⁱ·constraintᵢ + first·messages.

    Without ``contracts`` they are printed and compiled.
    """
    rng = random.Random(seed)
    some = [0, 1, R - 1]
    take = lambda: rng.choice([*some, rng.randrange(R), rng.randrange(R)])  # noqa: E731
    gamma, alpha, *betas = (take() for _ in range(2 + width))
    arguments = Arguments(chips, width)
    weights = [[take() for _ in range(chip.shape.messages)] for chip in chips]
    values = [[take() for _ in chip.names] for chip in chips]
    shown = [len(chip.columns) + len(chip.fixed) for chip in chips]
    words = [R, gamma, 0, gamma * alpha % R, *(gamma * beta % R for beta in betas)]
    assert len(words) == HEADER + width
    words += [v for row, count in zip(values, shown, strict=True) for v in row[count:]]
    words += [weight for each in weights for weight in each]
    words += [v for row, count in zip(values, shown, strict=True) for v in row[:count]]
    made = {} if contracts else evaluators(arguments, "Chips")
    contracts = contracts or [compiled({f"{name}.sol": text}, yul=False)[name] for name, text in made.items()]
    constraints = messages = 0
    for contract in reversed(contracts):
        words[2] = constraints
        constraints, part = asked(chain, contract, words)
        messages += part
    count = sum(chip.shape.constraints for chip in chips)
    found = (constraints + pow(gamma, count, R) * messages) % R
    return found, expected(chips, gamma, alpha, betas, weights, values)


def asked(chain: Chain, contract: Compiled, words: Sequence[int]) -> tuple[int, int]:
    """The two words of a contract's answer."""
    assert contract.size <= MAX_CODE
    to = chain.deploy(contract)
    data = b"".join(word.to_bytes(32, "big") for word in words)
    answer = bytes(chain.evm.message_call("0x" + "11" * 20, to, calldata=data, gas=1 << 30))
    assert len(answer) == 64
    return int.from_bytes(answer[:32], "big"), int.from_bytes(answer[32:], "big")


def expected(
    chips: tuple[Chip, ...],
    gamma: int,
    alpha: int,
    betas: Sequence[int],
    weights: Sequence[Sequence[int]],
    values: Sequence[Sequence[int]],
) -> int:
    """By the functions of the verifier."""
    first = sum(chip.shape.constraints for chip in chips)
    total = before = 0
    for chip, weighed, row in zip(chips, weights, values, strict=True):
        count = chip.shape.constraints
        own = [pow(gamma, before + i, R) for i in range(count)]
        sides = [[w * pow(gamma, power, R) % R for w in weighed] for power in (first, first + 1)]
        total += value_at(chip, Weights(own, *sides), alpha, betas, row)
        before += count
    return total % R


@pytest.mark.parametrize("seed", range(12))
def test_small_chips(seed: int) -> None:
    found, right = evaluated(Chain(), (POWERS, EMPTY, *zk_tables.CHIPS), 6, seed)
    assert found == right


def test_chips_and_parts_of_chips_in_several_contracts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jovay.prover.zk.solidity.evaluators.MOST_CODE", 300)
    chips = (POWERS, EMPTY, *zk_tables.CHIPS)
    assert len(evaluators(Arguments(chips, 6), "Chips")) > 3
    found, right = evaluated(Chain(), chips, 6, 1)
    assert found == right


def test_a_chip_that_fits_no_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jovay.prover.zk.solidity.evaluators.MOST_CODE", 60)
    with pytest.raises(ValueError, match="do not fit"):
        evaluators(Arguments((POWERS,), 6), "Chips")


@pytest.mark.parametrize("seed", range(3))
def test_what_ships_for_batches(seed: int) -> None:
    chips = chips_with(tuple(ACCELERATORS.values()))
    names = sorted(name for name in artifacts.names() if name.startswith(EVALUATORS))
    shipped = [artifacts.load(name) for name in names]
    contracts = [Compiled(each.bytecode, len(each.runtime), each.abi) for each in shipped]
    width = max(chip.shape.width for chip in chips)
    found, right = evaluated(Chain(), chips, width, seed, contracts)
    assert found == right, "run `make contracts`"
