"""Blockchain tests that are changed: samples of execution-spec-tests, their blocks taken apart and encoded again."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from jovay.chain import rlp
from jovay.conformance.blocks.encoding import NAMES
from rigs import fixtures

Fields = list[Any]


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, case) of all samples; skips the test where they are not at hand."""
    try:
        fixtures.locate(fixtures.BLOCK_TESTS)
    except fixtures.MissingFixturesError as missing:
        pytest.skip(str(missing))
    for _, content in fixtures.files(fixtures.BLOCK_TESTS):
        yield from msgspec.json.decode(content).items()


def find(part: str) -> dict[str, Any]:
    """The first sample with ``part`` in its name."""
    return next(case for name, case in cases() if part in name)


def changed(case: dict[str, Any], change: Callable[[Fields], None], expected: str | None) -> dict[str, Any]:
    """The case with its last block [header, transactions, uncles, withdrawals] changed, and expected to be refused."""
    out = copy.deepcopy(case)
    block = out["blocks"][-1]
    parts: Fields = list(rlp.decode_list(bytes.fromhex(block["rlp"][2:])))
    change(parts)
    block["rlp"] = "0x" + rlp.encode(parts).hex()
    block["expectException"] = expected
    before = out["blocks"][-2]["blockHeader"] if len(out["blocks"]) > 1 else out["genesisBlockHeader"]
    out["lastblockhash"] = before["hash"]
    return out


def with_field(name: str, value: Any) -> Callable[[Fields], None]:
    """A change of one field of the header: bytes, or a number, or a function of the old number."""
    at = NAMES.index(name)

    def change(parts: Fields) -> None:
        parts[0][at] = value(int.from_bytes(parts[0][at], "big")) if callable(value) else value

    return change
