"""One table of reasons: every status of the kernel has its words, once, and no words are for nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from types import ModuleType

import pytest

from jovay.chain import reasons
from jovay.chain.reasons import HALTS, INVALID, RLP, UNDECODABLE, UNFINISHED, Halt, Invalid
from jovay.chain.refusals import decoding_text, refusal_text
from jovay.kernel import rlp
from jovay.kernel.evm import validity
from jovay.kernel.machine import status
from jovay.kernel.pool import record as pool
from jovay.kernel.transaction import status as decoding
from rigs.paths import ROOT

#: Numbers of these modules that are bounds and no statuses.
BOUNDS = {"EXCEPTIONAL", "ABORT", "INVALID", "MALFORMED"}
#: Frames go on with these, or end in order.
IN_ORDER = {"NEXT", "STOP", "RETURN", "ENTER"}


def statuses(module: ModuleType, least: int, most: int) -> set[int]:
    """The statuses that a module of the kernel names."""
    named = {
        name: value
        for name, value in vars(module).items()
        if name.isupper() and type(value) is int and name not in BOUNDS | IN_ORDER
    }
    return {value for value in named.values() if least <= value <= most}


@pytest.mark.parametrize(
    ("known", "tables"),
    [
        (statuses(status, 1, 127) | statuses(validity, 128, 255), [HALTS, INVALID, UNFINISHED]),
        (statuses(pool, 512, 1023), [INVALID]),
        (statuses(rlp, 16, 31), [RLP]),
        (statuses(decoding, 32, 63), [UNDECODABLE]),
    ],
    ids=["machine and validity", "pool", "rlp", "decoding"],
)
def test_every_status_has_words_once(known: set[int], tables: list[dict[int, str]]) -> None:
    assert len(known) > 5
    for number in known:
        assert sum(number in table for table in tables) == 1, number


def test_no_table_has_a_status_that_the_kernel_has_not() -> None:
    machine = statuses(status, 1, 127) | statuses(validity, 128, 255)
    assert set(HALTS) | set(UNFINISHED) <= machine
    assert set(INVALID) <= machine | statuses(pool, 512, 1023)


def strings(paths: Iterable[str]) -> dict[str, set[str]]:
    """Strings of the package's files, with the files."""
    found: dict[str, set[str]] = {}
    for path in paths:
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.setdefault(node.value, set()).add(path)
    return found


def test_the_words_stand_in_one_file() -> None:
    files = [str(path.relative_to(ROOT)) for path in (ROOT / "src" / "jovay").rglob("*.py")]
    found = strings(files)
    for words in (*Halt, *Invalid, *RLP.values()):
        assert found[str(words)] == {"src/jovay/chain/reasons.py"}, words


def test_no_reason_is_for_nothing() -> None:
    """Each is that of a status, or the host's own and named where it arises."""
    of_status = {*HALTS.values(), *INVALID.values(), *UNDECODABLE.values()}
    own = {Halt.TIMEOUT, Invalid.FUNDS_FOR_TRANSFER, Invalid.MALFORMED, Invalid.OTHER}
    assert set(Halt) | set(Invalid) == of_status | own
    text = "".join(path.read_text() for path in (ROOT / "src" / "jovay").rglob("*.py"))
    assert all(f"{type(reason).__name__}.{reason.name}" in text for reason in own)


def test_words() -> None:
    assert reasons.ending(status.OUT_OF_GAS) == "out of gas"
    assert (
        reasons.ending(validity.NONCE_TOO_LOW) == refusal_text(2, validity.NONCE_TOO_LOW) == "nonce too low"
    )
    assert reasons.ending(9_999) == "status 9999"
    assert refusal_text(2, pool.POOL_FULL) == "txpool is full"
    assert decoding_text(2, decoding.INVALID_SIGNATURE) == "invalid transaction v, r, s values"
    place = decoding.IN_ACCESS_LIST << 16 | 9 << 8
    assert decoding_text(2, place | rlp.TOO_FEW_ELEMENTS) == "rlp: too few elements for types.AccessTuple"
    assert decoding_text(2, 1 << 8 | rlp.LEADING_ZERO).endswith("decoding into (types.DynamicFeeTx).ChainID")
    assert reasons.refusal_of(1 << 8 | rlp.LEADING_ZERO) is Invalid.MALFORMED
    assert reasons.refusal_of(pool.OVERDRAWN) is Invalid.INSUFFICIENT_FUNDS
    assert reasons.refusal_of(1 << 16 | 255) is Invalid.OTHER


def test_what_does_not_decode_has_no_hash() -> None:
    of_decoding = statuses(rlp, 16, 31) | statuses(decoding, 32, 63)
    for how in of_decoding:
        assert reasons.is_no_transaction(1 << 16 | 3 << 8 | how) == (how != decoding.RECOVERY_FAILED)
    assert not any(map(reasons.is_no_transaction, {0, *statuses(validity, 128, 255), *INVALID}))
