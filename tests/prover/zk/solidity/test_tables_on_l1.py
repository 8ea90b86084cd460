"""The verifier on L1 about a small statement: the same verdicts as in Python, and each refusal by its name."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from jovay.prover.zk.chip import Message
from jovay.prover.zk.curve import P
from jovay.prover.zk.encoding import decode, encode
from jovay.prover.zk.errors import ZkError
from jovay.prover.zk.field import R
from jovay.prover.zk.proof import Proof, Statement
from jovay.prover.zk.prover import prove
from jovay.prover.zk.setup import Setup
from jovay.prover.zk.solidity.cost import Cost, intrinsic_gas
from jovay.prover.zk.solidity.key import key, message, setup_points
from jovay.prover.zk.verifier import verify
from rigs import zk_tables
from rigs.paths import SOLIDITY
from rigs.zk_contracts import HARNESS, Chain, Verifier, compiled, sources

WORD = 32


@pytest.fixture(scope="module")
def setup() -> Setup:
    return zk_tables.setup()


@pytest.fixture(scope="module")
def example(setup: Setup) -> tuple[Statement, bytes]:
    return zk_tables.example(setup)


@pytest.fixture(scope="module")
def verifier(setup: Setup, example: tuple[Statement, bytes]) -> Verifier:
    return Verifier(example[0], setup)


def test_an_honest_proof_is_accepted(verifier: Verifier, example: tuple[Statement, bytes]) -> None:
    assert verifier.refusal(*example) is None


# ---- refusals by their names -----------------------------------------------------------------------------------------

Change = Callable[[Statement, bytes], bytes]


def _put(proof: bytes, at: int, data: bytes) -> bytes:
    return proof[:at] + data + proof[at + len(data) :]


def _changed(change: Callable[[Proof], Proof]) -> Change:
    """Decoded, changed, encoded again."""
    return lambda statement, proof: encode(change(decode(statement, proof)[1]))


def _one_more(values: list[int]) -> list[int]:
    return [(values[0] + 1) % R, *values[1:]]


def _round(proof: Proof) -> Proof:
    layers = list(proof.messages.layers)
    layers[0] = replace(layers[0], rounds=[_one_more(layers[0].rounds[0]), *layers[0].rounds[1:]])
    return replace(proof, messages=replace(proof.messages, layers=layers))


def _last_round(proof: Proof) -> Proof:
    return replace(proof, rows=[*proof.rows[:-1], _one_more(proof.rows[-1])])


def _reduction(proof: Proof) -> Proof:
    return replace(proof, stack=[*proof.stack[:-1], _one_more(proof.stack[-1])])


def _fold_value(proof: Proof) -> Proof:
    *rest, (plus, minus) = proof.opening.values
    return replace(proof, opening=replace(proof.opening, values=[*rest, ((plus + 1) % R, minus)]))


def _square(proof: Proof) -> Proof:
    return replace(proof, opening=replace(proof.opening, square=(proof.opening.square + 1) % R))


def _quotient(proof: Proof) -> Proof:
    return replace(proof, opening=replace(proof.opening, quotient=None))


def _nothing_sent(proof: Proof) -> Proof:
    """Fractions of zeros: each layer follows from the one above."""
    layers = [
        replace(layer, rounds=[[0, 0] for _ in layer.rounds], values=[0] * 4)
        for layer in proof.messages.layers
    ]
    return replace(proof, messages=replace(proof.messages, tops=([0] * 8, [0] * 8), layers=layers))


def _aliased(statement: Statement, proof: bytes) -> bytes:
    """The last fraction's value, and R."""
    at = _ends(statement, proof)["tops"]
    return _put(proof, at, (int.from_bytes(proof[at : at + WORD], "big") + R).to_bytes(WORD, "big"))


def _aliased_opening(statement: Statement, proof: bytes) -> bytes:
    at = len(proof) - 3 * WORD
    return _put(proof, at, (int.from_bytes(proof[at : at + WORD], "big") + R).to_bytes(WORD, "big"))


def _ends(statement: Statement, proof: bytes) -> dict[str, int]:
    layout, _ = decode(statement, proof)
    return {"heights": WORD, "tops": WORD + 2 * WORD * layout.own_pieces}


CHANGES: dict[str, tuple[str, Change]] = {
    "empty": ("ProofLength", lambda s, p: b""),
    "a word too few": ("ProofLength", lambda s, p: p[:-WORD]),
    "a byte too few": ("ProofLength", lambda s, p: p[:-1]),
    "a byte too many": ("ProofLength", lambda s, p: p + b"\0"),
    "a word too many": ("ProofLength", lambda s, p: p + bytes(WORD)),
    "another height": ("LayerDoesNotHold", lambda s, p: _put(p, 0, bytes([p[0] + 1]))),
    "another height of the highest table": ("ProofLength", lambda s, p: _put(p, 1, bytes([p[1] + 1]))),
    "a height of nothing": ("HeightOutOfRange", lambda s, p: _put(p, 0, b"\2")),
    "a height of more than there may be": ("HeightOutOfRange", lambda s, p: _put(p, 0, b"\x20")),
    "a height that is not the key's": ("HeightOfFixedColumns", lambda s, p: _put(p, 2, bytes([p[2] + 1]))),
    "a table more": ("HeightsAreNotPadded", lambda s, p: _put(p, len(s.chips), b"\1")),
    "a table more at the end of the word": ("HeightsAreNotPadded", lambda s, p: _put(p, WORD - 1, b"\1")),
    "a value and R": ("NotBelowModulus", _aliased),
    "an opened value and R": ("NotBelowModulus", _aliased_opening),
    "a commitment's other sign": (
        "LayerDoesNotHold",
        lambda s, p: _put(
            p, 2 * WORD, (P - int.from_bytes(p[2 * WORD : 3 * WORD], "big")).to_bytes(WORD, "big")
        ),
    ),
    "no commitment": ("LayerDoesNotHold", lambda s, p: _put(p, WORD, bytes(2 * WORD))),
    "a layer's round": ("LayerDoesNotHold", _changed(_round)),
    "fractions of zeros": ("DenominatorIsZero", _changed(_nothing_sent)),
    "a round of the rows": ("RowsDoNotHold", _changed(_last_round)),
    "a column's value": (
        "RowsDoNotHold",
        _changed(lambda p: replace(p, columns=_one_more(p.columns))),
    ),
    "a round of the reduction": ("ReductionDoesNotHold", _changed(_reduction)),
    "a piece's value": (
        "ReductionDoesNotHold",
        _changed(lambda p: replace(p, pieces=_one_more(p.pieces))),
    ),
    "a fold's value": ("FoldsEndElsewhere", _changed(_fold_value)),
    "the value at the square": ("OpeningDoesNotHold", _changed(_square)),
    "no quotient": ("OpeningDoesNotHold", _changed(_quotient)),
    "a quotient that is no point": ("NotOnCurve", lambda s, p: _put(p, len(p) - WORD, bytes(WORD))),
    "a quotient beyond P": (
        "NotOnCurve",
        lambda s, p: _put(p, len(p) - WORD, (int.from_bytes(p[-WORD:], "big") + P).to_bytes(WORD, "big")),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_refusals_have_names(
    setup: Setup, verifier: Verifier, example: tuple[Statement, bytes], name: str
) -> None:
    statement, proof = example
    error, change = CHANGES[name]
    changed = change(statement, proof)
    assert changed != proof
    assert verifier.refusal(statement, changed) == error
    with pytest.raises(ZkError):
        verify(statement, changed, setup)


def _proven(setup: Setup, statement: Statement, asked: list[list[int]], fixed: list[list[int]]) -> bytes:
    steps, bytes_, _ = zk_tables.machine()
    return prove(statement, zk_tables.tables(steps, bytes_, asked, fixed), setup)


def test_proofs_of_what_is_wrong(setup: Setup, verifier: Verifier, example: tuple[Statement, bytes]) -> None:
    """By a prover that goes through with it."""
    statement, _ = example
    steps, bytes_, _ = zk_tables.machine()
    more = [[bytes_[0][0] + 1], *bytes_[1:]]
    unbalanced = prove(statement, zk_tables.tables(steps, more), setup)
    assert verifier.refusal(statement, unbalanced) == "FractionsAreNotZero"
    broken = [[*row[:-1], row[-1] + 1] if at == 3 else row for at, row in enumerate(steps)]
    assert (
        verifier.refusal(statement, prove(statement, zk_tables.tables(broken, bytes_), setup))
        == "RowsDoNotHold"
    )
    lies = [[x, 2 * x + (x == 5)] for x in range(20)]
    lied = _proven(setup, statement, [[1, 5, 11]], lies)
    assert verifier.refusal(statement, lied) is not None
    with pytest.raises(ZkError):
        verify(statement, lied, setup)


def test_other_statements_are_refused(
    setup: Setup, verifier: Verifier, example: tuple[Statement, bytes]
) -> None:
    statement, proof = example
    first, last = statement.public
    for public in (
        (first,),
        (last, first),
        (first, replace(last, values=(*last.values[:-1], (last.values[-1] + 1) % 256))),
        (*statement.public, Message(zk_tables.STATE, 1, (5, 5, 5)), Message(zk_tables.STATE, -1, (5, 5, 5))),
    ):
        other = replace(statement, public=public)
        assert verifier.refusal(other, proof) is not None


# ---- mutations -------------------------------------------------------------------------------------------------------


def mutated(proof: bytes, rng: random.Random) -> bytes:
    """Some change of words, bytes or length."""
    words = [proof[at : at + WORD] for at in range(0, len(proof), WORD)]
    at, other = rng.randrange(len(words)), rng.randrange(len(words))
    value = int.from_bytes(words[at], "big")
    kind = rng.randrange(8)
    if kind == 0:
        words[at], words[other] = words[other], words[at]
    elif kind == 1:
        words[at] = bytes(WORD)
    elif kind == 2:
        words[at] = (value ^ 1 << rng.randrange(256)).to_bytes(WORD, "big")
    elif kind == 3:
        words[at] = rng.randrange(R).to_bytes(WORD, "big")
    elif kind == 4:
        words[at] = (value + rng.choice([R, P, 1, -1])).__mod__(1 << 256).to_bytes(WORD, "big")
    elif kind == 5:
        del words[at]
    elif kind == 6:
        words.insert(at, words[other])
    else:
        heights = bytearray(words[0])
        heights[rng.randrange(6)] = rng.randrange(12)
        words[0] = bytes(heights)
    return b"".join(words)


def _verdicts_agree(setup: Setup, verifier: Verifier, statement: Statement, proof: bytes, seed: int) -> None:
    changed = mutated(proof, random.Random(seed))
    told = verifier.refusal(statement, changed)
    try:
        verify(statement, changed, setup)
        accepted = True
    except ZkError:
        accepted = False
    assert (told is None) == accepted == (changed == proof), (seed, told)
    assert told is None or told.isalpha(), (seed, told)


def test_verdicts_are_pythons(setup: Setup, verifier: Verifier, example: tuple[Statement, bytes]) -> None:
    for seed in range(150):
        _verdicts_agree(setup, verifier, *example, seed)


@pytest.mark.slow
def test_very_many_verdicts_are_pythons(
    setup: Setup, verifier: Verifier, example: tuple[Statement, bytes]
) -> None:
    for seed in range(10_000):
        _verdicts_agree(setup, verifier, *example, seed)


# ---- checks that no proof gets to, and that every check is needed ----------------------------------------------------

TRANSCRIPT = "src/l1/zk/Transcript.sol"


@pytest.mark.parametrize(
    ("label", "value", "error"), [("point", 0, "ScaleIsZero"), ("rho", 1, "RhoIsDegenerate")]
)
def test_challenges_that_hardly_ever_come(
    setup: Setup, example: tuple[Statement, bytes], label: str, value: int, error: str
) -> None:
    text = sources(HARNESS)[TRANSCRIPT]
    answer = "        return uint256(state) % R;"
    assert text.count(answer) == 1
    # The proof of another conversation passes where nothing is compared, which is all that comes before.
    fixed = f'        if (label == keccak256("{label}")) return {value};\n{answer}'
    changed = {TRANSCRIPT: text.replace(answer, fixed)}
    assert Verifier(example[0], setup, changed).refusal(*example) == error


def test_the_key_and_the_set_up(setup: Setup, example: tuple[Statement, bytes]) -> None:
    statement, proof = example
    contract = compiled(sources(HARNESS))["TablesHarness"]
    points = setup_points(setup)
    nobody = key(statement, [b"\x44" * 20])
    for chain, tried, error in (
        (Chain(1), nobody, "DevelopmentSetup"),
        (Chain(), key(statement, [b"\x44" * 20] * 755), "KeyTooLong"),  # for the code of a contract
    ):
        with pytest.raises(RuntimeError) as refused:
            chain.deploy(contract, tried, points)
        selector = next(s for s, name in contract.errors.items() if name == error)
        assert selector.hex() in str(refused.value)
    Chain(1).deploy(contract, nobody, (False, *points[1:]))
    chain = Chain()
    address = chain.deploy(contract, nobody, points)
    assert Verifier.asked(chain, address, contract, statement, proof) == "EvaluatorFailed"


def test_a_set_up_that_is_no_point(setup: Setup, example: tuple[Statement, bytes]) -> None:
    statement, proof = example
    other = Verifier(statement, setup)
    development, first, (x0, x1, y0, y1), third = setup_points(setup)
    evaluating = other.chain.deploy_evaluators(statement)
    wrong = development, first, (x0 + 1, x1, y0, y1), third
    address = other.chain.deploy(other.contract, key(statement, evaluating), wrong)
    assert Verifier.asked(other.chain, address, other.contract, statement, proof) == "NotInSecondGroup"


_REVERT = re.compile(r"revert (\w+)\(")
#: Named by other tests than those of ``CHANGES``.
ELSEWHERE = {
    *("FractionsAreNotZero", "ScaleIsZero", "RhoIsDegenerate", "DevelopmentSetup", "EvaluatorFailed"),
    *("NotInSecondGroup", "KeyTooLong"),
}
#: The precompile for powers does not fail; 0 is never inverted, since ρ and ρ² − 1 are not 0.
NEVER = {"NoInverse"}


def test_every_refusal_is_tested() -> None:
    texts = (path.read_text() for path in (SOLIDITY / "src" / "l1" / "zk").glob("*.sol"))
    named = {name for text in texts for name in _REVERT.findall(text)}
    assert named == {error for error, _ in CHANGES.values()} | ELSEWHERE | NEVER


_CHECK = re.compile(
    r"^ *if \([^{}\n]*\) (?:revert (\w+)\([^;]*\);\n|\{\s*revert (\w+)\([^;]*\);\s*\}\n)", re.MULTILINE
)


@pytest.mark.slow
def test_every_check_is_needed(setup: Setup, example: tuple[Statement, bytes]) -> None:
    """Without any of them, some proof that it refuses is accepted or refused by another name."""
    statement, proof = example
    files = sources(HARNESS)
    useless = []
    for file in sorted(name for name in files if name.startswith("src/l1/zk/")):
        for check in _CHECK.finditer(files[file]):
            if (check[1] or check[2]) in ELSEWHERE | NEVER or "(b.x, b.y)" in check[0]:
                continue  # the last: only products are added, and who multiplies has looked at the point
            without = files[file][: check.start()] + files[file][check.end() :]
            weaker = Verifier(statement, setup, {file: without})
            told = (weaker.refusal(statement, change(statement, proof)) for _, change in CHANGES.values())
            if list(told) == [error for error, _ in CHANGES.values()]:
                useless.append((file, check[0].strip()))
    assert useless == []


def test_the_gas_is_the_models(verifier: Verifier, example: tuple[Statement, bytes]) -> None:
    statement, proof = example
    assert verifier.refusal(statement, proof) is None
    data = verifier.contract.call("check", [message(each) for each in statement.public], proof)
    taken, cost = verifier.gas - intrinsic_gas(data), Cost(decode(statement, proof)[0])
    assert cost.proof_bytes == len(proof)
    assert abs(taken - cost.gas) < 0.2 * taken, (taken, cost.gas)
