"""Hostile witnesses: no outcome but a refusal, the block's own result, or what another block gives."""

from __future__ import annotations

import ctypes
import dataclasses
import multiprocessing
import os
import signal
import time
from random import Random

import pytest

from jovay.conformance.witnesses import fuzz
from jovay.conformance.witnesses.fuzz import Fuzzer, Outcome, Summary, campaign
from jovay.conformance.witnesses.judge import Unsound, judge
from jovay.conformance.witnesses.parts import HEAD, Parts, get, put, take_apart
from jovay.conformance.witnesses.proofs import Roots, made_up, parse, unparse
from jovay.kernel.programs import verdict
from jovay.native.guarded import Guarded
from jovay.native.library import Library
from jovay.tracer.witness import MESSAGES, StatelessResult

CASES = 1_500


@pytest.fixture(scope="module")
def fuzzer(library: Library) -> Fuzzer:
    return Fuzzer(library, sources=12)


def test_hostile_witnesses(fuzzer: Fuzzer) -> None:
    summary = Summary()
    for seed in range(CASES):
        summary.add(fuzzer.run(seed))
    assert not summary.faults, "\n".join(summary.lines())
    refusals = {
        verdict.RECEIPTS_TOO_LARGE,
        verdict.NO_ROOM,
        verdict.INCOMPLETE_TRIE,
        verdict.MISSING_KEY,
        verdict.WRONG_CONTEXT,
        verdict.WRONG_MESSAGE,
        verdict.WRONG_BATCH,
        verdict.CHUNK_REFUSED,
        verdict.COMPRESSED,
    }  # take more than these, or chunks and batches
    for status in MESSAGES.keys() - refusals:
        assert summary.verdicts[f"refused: {MESSAGES[status]}"] > 0, MESSAGES[status]
    assert (
        sum(count for verdict, count in summary.verdicts.items() if verdict.startswith("accepted"))
        > CASES / 20
    )


def test_the_same_seed_gives_the_same_witness(library: Library, fuzzer: Fuzzer) -> None:
    again = Fuzzer(library, sources=12)
    for seed in range(100):
        assert fuzzer.case(seed)[2] == again.case(seed)[2]


def test_proofs_as_trees(library: Library, fuzzer: Fuzzer) -> None:
    for source in fuzzer.sources:
        proof = source.recorded.input.multiproof
        assert unparse(parse(proof)) == proof
        assert fuzzer.roots.root_of(proof) == source.parent_root
    known = sum(any(Roots(library).root_of(unparse(made_up(Random(n), size=8)))) for n in range(30))
    assert known > 10


# ---- the judge -----------------------------------------------------------------------------------------------


def altered(result: StatelessResult) -> list[StatelessResult]:
    other = b"\x77" * 32
    return [
        dataclasses.replace(result, state_root=other),
        dataclasses.replace(result, receipts_root=other),
        dataclasses.replace(result, gas_used=result.gas_used + 1),
        dataclasses.replace(result, bloom=bytes(256)[:-1] + b"\1"),
    ]


def test_another_result_of_the_same_block_is_unsound(fuzzer: Fuzzer) -> None:
    source, honest = fuzzer.sources[0], fuzzer.honest[0]
    for result in altered(honest):
        with pytest.raises(Unsound):
            judge(source, source.witness, honest, result)


def test_another_block_is_executed_over_the_whole_state(fuzzer: Fuzzer) -> None:
    source, honest = fuzzer.sources[1], fuzzer.honest[1]
    parts = take_apart(source.witness)
    put(parts.head, HEAD["block.prevrandao"], get(parts.head, HEAD["block.prevrandao"]) ^ 1)
    witness = parts.encode()
    result = fuzzer.executor.execute(witness)
    assert judge(source, witness, honest, result) == "accepted: another block"
    for wrong in altered(result):
        with pytest.raises(Unsound):
            judge(source, witness, honest, wrong)


def test_refusals_have_a_known_status_and_no_results(fuzzer: Fuzzer) -> None:
    source, honest = fuzzer.sources[0], fuzzer.honest[0]
    for result in (dataclasses.replace(honest, status=1), StatelessResult(99, 0, 0, 0, *[b""] * 5)):
        with pytest.raises(Unsound):
            judge(source, source.witness, honest, result)


# ---- forgeries, class by class -------------------------------------------------------------------------------


def outcomes(fuzzer: Fuzzer, change: str, rounds: int = 6) -> list[int]:
    """Statuses of every source's witness with one kind of change; accepted ones are judged."""
    from jovay.conformance.witnesses.mutate import Mutator

    found = []
    for source, honest in zip(fuzzer.sources, fuzzer.honest, strict=True):
        for k in range(rounds):
            others = [other.witness for other in fuzzer.sources]
            mutator = Mutator(Random(f"{change} {source.seed} {k}"), others, fuzzer.roots)
            parts = take_apart(source.witness)
            getattr(mutator, change)(parts)
            witness = parts.encode()
            result = fuzzer.executor.execute(witness)
            judge(source, witness, honest, result)
            found.append(result.status)
    return found


@pytest.mark.parametrize(
    ("change", "refused_with"),
    [
        ("record_field", verdict.WRONG_VALUE),
        ("accounts", verdict.INVALID_TRANSACTION),
        ("slots", verdict.OK),
        ("codes", verdict.MISSING_CODE),
        ("withhold", verdict.WRONG_VALUE),
        ("forge", verdict.WRONG_VALUE),
        ("proof", verdict.BAD_MULTIPROOF),
        ("hashes", verdict.OK),
        ("environment", verdict.INVALID_TRANSACTION),
        ("transactions", verdict.BAD_TRANSACTION),
        ("splice", verdict.WRONG_VALUE),
        ("tail", verdict.MALFORMED),
    ],
)
def test_forgeries(fuzzer: Fuzzer, change: str, refused_with: int) -> None:
    assert refused_with in outcomes(fuzzer, change)


def test_every_account_withheld(fuzzer: Fuzzer) -> None:
    """Without an account the block is refused, or it never looked at it."""
    refused = 0
    for source, honest in zip(fuzzer.sources, fuzzer.honest, strict=True):
        for index in range(len(take_apart(source.witness).accounts)):
            parts: Parts = take_apart(source.witness)
            del parts.accounts[index]
            result = fuzzer.executor.execute(parts.encode())
            judge(source, parts.encode(), honest, result)
            refused += result.status != verdict.OK
    assert refused > 2 * len(fuzzer.sources)


def test_every_slot_withheld(fuzzer: Fuzzer) -> None:
    refused = 0
    for source, honest in zip(fuzzer.sources, fuzzer.honest, strict=True):
        for index in range(len(take_apart(source.witness).slots)):
            parts: Parts = take_apart(source.witness)
            del parts.slots[index]
            result = fuzzer.executor.execute(parts.encode())
            judge(source, parts.encode(), honest, result)
            refused += result.status != verdict.OK
    assert refused > 0


# ---- the process of their own --------------------------------------------------------------------------------


class Curious(Fuzzer):
    """Looks behind an input; it has processes of its own, as compiling the kernel takes."""

    def __init__(self, *arguments: object) -> None:
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert pool.map(abs, [-1]) == [1]
        self.memory = Guarded()

    def run(self, seed: int) -> Outcome:
        ctypes.string_at(self.memory.place(bytes(100)), 100 + seed)
        return Outcome(seed, "nothing", "accepted: the same block")


def test_reading_behind_the_input_is_a_crash() -> None:
    summary = campaign(0, 2, fuzzer=Curious)
    assert [(fault.seed, fault.verdict) for fault in summary.faults] == [(1, "crashed")]


class Fragile(Fuzzer):
    """Crashes on one case and hangs on another."""

    def __init__(self, *arguments: object) -> None:
        pass

    def run(self, seed: int) -> Outcome:
        if seed == 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        if seed == 3:
            time.sleep(3600)
        return Outcome(seed, "nothing", "accepted: the same block")


def test_a_crash_and_a_hang_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "DEADLINE", 2.0)
    summary = campaign(0, 4, fuzzer=Fragile)
    assert summary.cases == 4
    assert [(fault.seed, fault.verdict) for fault in summary.faults] == [(1, "crashed"), (3, "hung")]
