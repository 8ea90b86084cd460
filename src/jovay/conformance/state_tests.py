"""State tests of execution-spec-tests, as geth's ``evm statetest``: JSON case → ``programs.state_test`` → outcome."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from jovay.chain.reasons import ending
from jovay.chain.refusals import decoding_text
from jovay.chain.rules import fake_exponential
from jovay.kernel.machine.environment import Block
from jovay.kernel.programs.state_test import Outcome, PreAccount, StateTest
from jovay.kernel.protocol.forks import FORKS
from jovay.native.records import pack, read_record, values_of

from .results import TestResult

STAGES = ("execution", "decoding", "sender recovery", "arena")
DEFAULT_BLOB_SCHEDULE = {
    "Cancun": {"target": 3, "max": 6, "baseFeeUpdateFraction": 3338477},
    "Prague": {"target": 6, "max": 9, "baseFeeUpdateFraction": 5007716},
    "Osaka": {"target": 6, "max": 9, "baseFeeUpdateFraction": 5007716},
}


class EngineError(Exception):
    """An engine did not get to an outcome; the message says where and why."""


class Engine(Protocol):
    """Runs ``run_state_test`` on an input; (outcome bytes, cycles)."""

    def run(self, data: bytes) -> tuple[bytes, int]: ...


def number(value: Any, default: int = 0) -> int:
    """A JSON quantity: hex string, decimal string or number."""
    if value is None:
        return default
    return int(value, 0) if isinstance(value, str) else int(value)


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def encode_block(env: dict[str, Any], config: dict[str, Any], fork: str) -> bytes:
    """The ``Block`` record of a test's environment."""
    schedule = (config.get("blobSchedule") or DEFAULT_BLOB_SCHEDULE).get(fork) or {}
    fraction = number(schedule.get("baseFeeUpdateFraction"), 1)
    return pack(
        Block,
        {
            "number": number(env["currentNumber"]),
            "timestamp": number(env["currentTimestamp"]),
            "gas_limit": number(env["currentGasLimit"]),
            "base_fee": number(env.get("currentBaseFee")),
            "blob_base_fee": fake_exponential(1, number(env.get("currentExcessBlobGas")), fraction),
            "prevrandao": number(env.get("currentRandom")),
            "coinbase": number(env["currentCoinbase"]),
            "chain_id": number(config.get("chainid"), 1),
            "fork": FORKS[fork],
            "difficulty": number(env.get("currentDifficulty")),
            "max_blobs": number(schedule.get("max")),
        },
    )


def encode(case: dict[str, Any], fork: str, post: dict[str, Any], scale: int) -> bytes:
    """Input of ``run_state_test`` for one post-state of a case."""
    raw = unhex(post["txbytes"])
    head: dict[str, int | bytes] = {
        "block": encode_block(case["env"], case.get("config", {}), fork),
        "account_count": len(case["pre"]),
        "transaction_size": len(raw),
        "scale": scale,
    }
    parts = [pack(StateTest, head)]
    for address, account in case["pre"].items():
        code = unhex(account["code"])
        slots = account.get("storage", {})
        values = {
            "address": number(address),
            "balance": number(account["balance"]),
            "nonce": number(account["nonce"]),
            "code_size": len(code),
            "slot_count": len(slots),
        }
        parts += [pack(PreAccount, values), code + bytes(-len(code) % 8)]
        for key, value in slots.items():
            parts += [number(key).to_bytes(32, "little"), number(value).to_bytes(32, "little")]
    return b"".join([*parts, raw, bytes(64)])


def describe(stage: int, status: int) -> str:
    """Why a transaction did not run."""
    if status == 0:
        return ""
    if stage in (1, 2):
        return decoding_text(0, status)
    return ending(status) if stage == 0 else f"{STAGES[stage]} failed with status {status}"


def run_case(engine: Engine, name: str, case: dict[str, Any], scale: int = 1) -> Iterator[TestResult]:
    """Run every post-state of a case on ``engine``."""
    for fork, posts in case["post"].items():
        if fork not in FORKS:
            yield TestResult(name, False, "", fork, f"fork {fork} is not supported")
            continue
        for post in posts:
            data, cycles = engine.run(encode(case, fork, post, scale))
            outcome = values_of(read_record(Outcome, data))
            yield judge(name, fork, post, outcome, cycles)


def judge(name: str, fork: str, post: dict[str, Any], outcome: dict[str, Any], cycles: int) -> TestResult:
    """Compare an outcome with what the test expects."""
    root, logs = "0x" + outcome["state_root"].hex(), "0x" + outcome["logs_hash"].hex()
    why = describe(outcome["stage"], outcome["status"])
    problems = []
    if bool(post.get("expectException")) != bool(why):
        expected = post.get("expectException") or "a valid transaction"
        problems.append(f"expected {expected}, got {why or 'a valid transaction'}")
    if root != post["hash"]:
        problems.append(f"post state root mismatch: got {root}, want {post['hash']}")
    if logs != post["logs"]:
        problems.append(f"post state logs hash mismatch: got {logs}, want {post['logs']}")
    return TestResult(name, not problems, root, fork, "; ".join(problems), outcome["gas_used"], cycles)


class _Head(msgspec.Struct):
    post: dict[str, msgspec.Raw]


_decode_heads = msgspec.json.Decoder(dict[str, _Head]).decode


@dataclass(frozen=True)
class StateTests:
    """The suite of state tests, on engines that take inputs of ``scale``."""

    scale: int = 1
    what: str = "state tests"

    def forks_of(self, content: bytes) -> dict[str, Collection[str]]:
        """The forks of each test of a file; raises ``msgspec.DecodeError``."""
        return {test: head.post.keys() for test, head in _decode_heads(content).items()}

    def run(self, engine: Engine, name: str, case: dict[str, Any], forks: frozenset[str]) -> list[TestResult]:
        """A result for each post-state."""
        post = {fork: posts for fork, posts in case["post"].items() if not forks or fork in forks}
        try:
            return list(run_case(engine, name, case | {"post": post}, self.scale))
        except (KeyError, ValueError, TypeError, OverflowError, EngineError) as error:
            return [TestResult(name, False, "", fork, f"{type(error).__name__}: {error}") for fork in post]
