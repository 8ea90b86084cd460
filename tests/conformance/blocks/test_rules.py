"""A valid block of which one thing is changed is refused, and for that."""

from __future__ import annotations

from typing import Any

import pytest

from jovay.chain import rlp
from jovay.conformance.blocks.block_tests import run_chain
from jovay.conformance.blocks.encoding import MAX_BLOCK_SIZE
from jovay.conformance.blocks.engine import BlockEngine
from jovay.conformance.blocks.refusals import RefusedBlockError
from rigs import block_cases
from rigs.block_cases import Fields, changed, with_field

OTHER = b"\x11" * 32


@pytest.fixture(scope="module")
def blobs() -> dict[str, Any]:
    """Two blocks of Osaka; the second has a transaction with a blob."""
    return block_cases.find("fork_Osaka-parent_blobs_5-parent_excess_blobs_27-")


@pytest.fixture(scope="module")
def withdrawals() -> dict[str, Any]:
    """A block of Prague with withdrawals."""
    return block_cases.find("test_large_amount[fork_Prague")


def problems(engine: BlockEngine, case: dict[str, Any]) -> list[str]:
    return run_chain(engine, case).problems


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("parent_hash", OTHER, "UNKNOWN_PARENT"),
        ("parent_hash", bytes(32), "UNKNOWN_PARENT_ZERO"),
        ("uncles_hash", OTHER, "IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS"),
        ("state_root", OTHER, "INVALID_STATE_ROOT"),
        ("transactions_root", OTHER, "INVALID_TRANSACTIONS_ROOT"),
        ("receipts_root", OTHER, "INVALID_RECEIPTS_ROOT"),
        ("logs_bloom", b"\1" * 256, "INVALID_LOG_BLOOM"),
        ("difficulty", 1, "IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS"),
        ("nonce", b"\1" * 8, "IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS"),
        ("number", lambda old: old + 1, "INVALID_BLOCK_NUMBER"),
        ("gas_limit", 1 << 63, "GASLIMIT_TOO_BIG"),
        ("gas_limit", lambda old: old + old // 1024, "INVALID_GASLIMIT"),
        ("gas_limit", lambda old: old - old // 1024, "INVALID_GASLIMIT"),
        ("gas_used", lambda old: old + 1, "INVALID_GAS_USED"),
        ("gas_used", 1 << 62, "INVALID_GAS_USED_ABOVE_LIMIT"),
        ("timestamp", 0, "INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT"),
        ("extra_data", bytes(33), "EXTRA_DATA_TOO_BIG"),
        ("base_fee_per_gas", lambda old: old + 1, "INVALID_BASEFEE_PER_GAS"),
        ("withdrawals_root", OTHER, "INVALID_WITHDRAWALS_ROOT"),
        ("blob_gas_used", 0, "INCORRECT_BLOB_GAS_USED"),
        ("blob_gas_used", 1 << 30, "BLOB_GAS_USED_ABOVE_LIMIT"),
        ("excess_blob_gas", lambda old: old + 131072, "INCORRECT_EXCESS_BLOB_GAS"),
        ("requests_hash", OTHER, "INVALID_REQUESTS"),
        ("coinbase", bytes(19), "RLP_STRUCTURES_ENCODING"),
        ("number", b"\0\2", "RLP_STRUCTURES_ENCODING"),
        ("timestamp", 1 << 64, "RLP_INVALID_FIELD_OVERFLOW_64"),
    ],
)
def test_header(engine, blobs, field: str, value: Any, expected: str) -> None:
    """Nothing else is: the case's other expectations hold, so the head stays where it was."""
    case = changed(blobs, with_field(field, value), f"BlockException.{expected}")
    assert problems(engine, case) == []


def test_bounds_of_the_gas_limit_are_exact(engine, blobs) -> None:
    """One less than the 1024th part more or less is within bounds: the block is refused for its state root at most."""
    for sign in (1, -1):
        change = with_field("gas_limit", lambda old, sign=sign: old + sign * (old // 1024 - 1))
        (problem,) = problems(engine, changed(blobs, change, "BlockException.INVALID_GASLIMIT"))[:1]
        assert "INVALID_GASLIMIT, got " in problem
        assert "BlockException.INVALID_GASLIMIT)" not in problem


@pytest.mark.parametrize(
    ("count", "expected"),
    [(15, "INCORRECT_BLOCK_FORMAT"), (20, "INCORRECT_BLOCK_FORMAT"), (22, "RLP_STRUCTURES_ENCODING")],
)
def test_fields_of_other_forks(engine, blobs, count: int, expected: str) -> None:
    def change(parts: Fields) -> None:
        parts[0] = [*parts[0], b"\1", b"\2"][:count]

    assert problems(engine, changed(blobs, change, f"BlockException.{expected}")) == []


def test_bodies(engine, blobs, withdrawals) -> None:
    def expect(case: dict[str, Any], change, expected: str) -> None:
        assert problems(engine, changed(case, change, expected)) == []

    def item(index: int, value: Any):
        return lambda parts: parts.__setitem__(index, value)

    first = rlp.decode_list(bytes.fromhex(blobs["blocks"][-1]["rlp"][2:]))[1][0]
    expect(blobs, item(1, []), "BlockException.INCORRECT_BLOB_GAS_USED")
    expect(blobs, item(1, [first, first]), "TransactionException.NONCE_MISMATCH_TOO_LOW")
    expect(blobs, item(1, [first] * 10), "TransactionException.TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED")
    expect(blobs, item(1, [b"\x05" + first[1:]]), "TransactionException.TYPE_NOT_SUPPORTED")
    expect(blobs, item(1, [first[:-1]]), "BlockException.RLP_STRUCTURES_ENCODING")
    expect(blobs, item(2, [b"\1"]), "BlockException.IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS")
    expect(blobs, lambda parts: parts.pop(), "BlockException.RLP_WITHDRAWALS_NOT_READ")
    expect(withdrawals, lambda parts: parts[3].pop(), "BlockException.INVALID_WITHDRAWALS_ROOT")
    expect(withdrawals, lambda parts: parts[3][0].pop(), "BlockException.RLP_STRUCTURES_ENCODING")
    expect(
        withdrawals, lambda parts: parts[3][0].__setitem__(2, bytes(19)), "BlockException.RLP_INVALID_ADDRESS"
    )
    expect(
        withdrawals, lambda parts: parts[3][0].__setitem__(3, b"\0"), "BlockException.RLP_STRUCTURES_ENCODING"
    )
    expect(
        withdrawals,
        lambda parts: parts[3][0].__setitem__(0, b"\1" * 9),
        "BlockException.RLP_INVALID_FIELD_OVERFLOW_64",
    )


def test_sizes(engine, blobs) -> None:
    """EIP-7934: one byte more than 8 MiB is too large; what is not too large is refused for what is in it."""
    raw = len(blobs["blocks"][-1]["rlp"]) // 2 - 1

    def change(size: int):
        return lambda parts: parts[0].__setitem__(12, bytes(MAX_BLOCK_SIZE + size - raw - 6))

    def size_of(case: dict[str, Any]) -> int:
        return len(case["blocks"][-1]["rlp"]) // 2 - 1

    large = changed(blobs, change(1), "BlockException.RLP_BLOCK_LIMIT_EXCEEDED")
    for extra in range(8):
        large = changed(blobs, change(extra), "BlockException.RLP_BLOCK_LIMIT_EXCEEDED")
        if size_of(large) == MAX_BLOCK_SIZE + 1:
            break
    assert size_of(large) == MAX_BLOCK_SIZE + 1
    assert problems(engine, large) == []
    fits = changed(blobs, change(extra - 1), "BlockException.EXTRA_DATA_TOO_BIG")
    assert size_of(fits) == MAX_BLOCK_SIZE
    assert problems(engine, fits) == []


def test_encodings(engine, blobs) -> None:
    """What is no RLP, not canonical, or has something behind it."""
    for data in ("c0", "", "80", "f90000", blobs["blocks"][-1]["rlp"][2:] + "00"):
        case = changed(blobs, lambda parts: None, "BlockException.RLP_STRUCTURES_ENCODING")
        case["blocks"][-1]["rlp"] = "0x" + data
        assert problems(engine, case) == []


def test_wrong_expectations_are_problems(engine, blobs) -> None:
    """The comparison itself can fail."""
    assert problems(engine, blobs) == []
    wrong = blobs | {"lastblockhash": "0x" + "11" * 32}
    assert "the head is 0x" in problems(engine, wrong)[0]
    refused = blobs | {
        "blocks": [blobs["blocks"][0] | {"expectException": "BlockException.INVALID_GASLIMIT"}]
    }
    assert "expected BlockException.INVALID_GASLIMIT, got a valid block" in problems(engine, refused)[0]
    other = changed(blobs, with_field("number", 9), "BlockException.INVALID_GASLIMIT")
    assert "got number 9 after 1 (BlockException.INVALID_BLOCK_NUMBER)" in problems(engine, other)[0]
    with pytest.raises(ValueError, match="the pre-state's root is"):
        problems(engine, blobs | {"pre": {}})


def test_names_and_alternatives() -> None:
    error = RefusedBlockError("no", "BlockException.A", "TransactionException.RLP_*")
    assert error.is_meant_by("BlockException.B|BlockException.A")
    assert error.is_meant_by("TransactionException.RLP_INVALID_DATA")
    assert not error.is_meant_by("BlockException.AB|TransactionException.R")


def test_a_refused_block_leaves_no_trace(engine, blobs) -> None:
    """Blocks that fail at their very end come before the valid one, at the same height."""
    case = changed(blobs, lambda parts: None, None)
    valid = blobs["blocks"][-1]
    refused = [
        changed(blobs, with_field(field, OTHER), f"BlockException.INVALID_{name}")["blocks"][-1]
        for field, name in (("state_root", "STATE_ROOT"), ("receipts_root", "RECEIPTS_ROOT"))
    ]
    case["blocks"] = [*blobs["blocks"][:-1], *refused, valid, *refused]
    case["lastblockhash"] = blobs["lastblockhash"]
    outcome = run_chain(engine, case)
    assert (outcome.problems, outcome.valid, outcome.refused) == ([], 2, 4)
