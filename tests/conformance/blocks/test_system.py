"""System calls, withdrawals and requests: contracts with other code, without code, or that fail."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import pytest

from jovay.chain import rlp
from jovay.conformance.blocks.block_tests import run_chain
from jovay.conformance.blocks.encoding import NAMES
from jovay.conformance.blocks.engine import BlockEngine
from jovay.conformance.blocks.refusals import RefusedBlockError
from jovay.conformance.blocks.requests import DEPOSIT_CONTRACT, deposit, requests_hash
from jovay.conformance.blocks.state import read_state, state_of
from jovay.native.records import int_of
from rigs import block_cases
from rigs.transactions import keccak256

WITHDRAWALS = "0x00000961ef480eb55e80d19ad83579a64c007002"
HISTORY, BEACON_ROOTS = (
    "0x0000f90827f1c53a10cb7a02335b175320002935",
    "0x000f3df6d732807ef1319fb7b8bb8522d0beac02",
)


@pytest.fixture(scope="module")
def sample() -> dict[str, Any]:
    """A block of Prague without transactions."""
    return block_cases.find("test_zero_amount[fork_Prague-blockchain_test-two_withdrawals_no_value")


def with_pre(engine: BlockEngine, sample: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The case over another pre-state, whose block has not the state root that comes of it."""
    case = copy.deepcopy(sample)
    case["pre"] = {k: v for k, v in (case["pre"] | changes).items() if v is not None}
    header = list(rlp.decode_list(bytes.fromhex(case["genesisRLP"][2:]))[0])
    header[NAMES.index("state_root")] = engine.root_of(state_of(case["pre"], engine.library))
    case["genesisRLP"] = "0x" + rlp.encode([header, [], [], []]).hex()
    block = case["blocks"][0]
    parts = rlp.decode_list(bytes.fromhex(block["rlp"][2:]))
    parts[0][0] = keccak256(rlp.encode(header))
    block["rlp"] = "0x" + rlp.encode(parts).hex()
    return case


def refusal(engine: BlockEngine, case: dict[str, Any]) -> str:
    case["blocks"][0]["expectException"] = "BlockException.NONE"
    (problem, *_) = run_chain(engine, case).problems
    return problem


def account(code: str) -> dict[str, Any]:
    return {"nonce": "0x01", "balance": "0x00", "code": code, "storage": {}}


def test_contracts_of_requests_must_answer(engine, sample) -> None:
    for account_there, expected in (
        (None, f"no code at {WITHDRAWALS} (BlockException.SYSTEM_CONTRACT_EMPTY)"),
        (account("0x5f5ffd"), "execution reverted (BlockException.SYSTEM_CONTRACT_CALL_FAILED)"),
        (account("0xfe"), "invalid opcode (BlockException.SYSTEM_CONTRACT_CALL_FAILED)"),
        (account("0x5b5f56"), "out of gas (BlockException.SYSTEM_CONTRACT_CALL_FAILED)"),
    ):
        assert expected in refusal(engine, with_pre(engine, sample, {WITHDRAWALS: account_there}))


def test_what_a_contract_answers_is_hashed(engine, sample) -> None:
    """Its output is the request, whatever it is."""
    # stores its caller, the call's size and the gas price, and returns 2 bytes
    code = "0x335f55" + "36600155" + "3a600255" + "61abcd5f52" + "6002601ef3"
    case = with_pre(engine, sample, {WITHDRAWALS: account(code)})
    digest = requests_hash([(1, b"\xab\xcd")])
    assert f"requests hash {digest.hex()}" in refusal(engine, case)
    assert digest == hashlib.sha256(hashlib.sha256(b"\1\xab\xcd").digest()).digest()
    slots = {
        int_of(s["key"]): int_of(s["value"]) for s in read_state(engine._world).slots if at(s, WITHDRAWALS)
    }
    assert slots == {0: (1 << 160) - 2, 2: 7}


def at(record: Any, address: str) -> bool:
    return int_of(record["address"]) == int(address, 16)


def test_contracts_of_the_blocks_beginning_run_whatever_code_they_have(engine, sample) -> None:
    """Code other than the usual is executed: here, calldata goes to slot 0, the caller to slot 1."""
    code = "0x5f355f55" + "33600155" + "00"
    case = with_pre(engine, sample, {HISTORY: account(code), BEACON_ROOTS: account(code)})
    refusal(engine, case)
    header = rlp.decode_list(bytes.fromhex(case["blocks"][0]["rlp"][2:]))[0]
    state = read_state(engine._world)
    for address, word in (
        (HISTORY, header[0]),
        (BEACON_ROOTS, header[NAMES.index("parent_beacon_block_root")]),
    ):
        slots = {int_of(s["key"]): int_of(s["value"]) for s in state.slots if at(s, address)}
        assert slots.pop(1) == (1 << 160) - 2
        assert slots == ({0: int.from_bytes(word, "big")} if any(word) else {})


def test_a_failing_contract_of_the_beginning_changes_nothing(engine, sample) -> None:
    code = "0x60015f55" + "fe"
    refusal(engine, with_pre(engine, sample, {HISTORY: account(code)}))
    assert not [s for s in read_state(engine._world).slots if at(s, HISTORY)]


def test_withdrawals_clear_empty_accounts(engine, sample) -> None:
    """An account that is credited with nothing and has nothing goes (EIP-161); one that has something stays."""
    paid = ["0x" + w[2].hex() for w in rlp.decode_list(bytes.fromhex(sample["blocks"][0]["rlp"][2:]))[3]]
    empty, other = paid[0], paid[1]
    nothing = {"nonce": "0x00", "balance": "0x00", "code": "0x", "storage": {}}
    case = with_pre(engine, sample, {empty: nothing, other: nothing | {"balance": "0x01"}})
    assert "INVALID_STATE_ROOT" in refusal(engine, case)
    state = read_state(engine._world)
    assert not [a for a in state.accounts if at(a, empty)]
    assert [int_of(a["balance"]) for a in state.accounts if at(a, other)] == [1]


def event(*parts: bytes) -> bytes:
    head, tail = b"", b""
    for part in parts:
        head += (160 + len(tail)).to_bytes(32, "big")
        tail += len(part).to_bytes(32, "big") + part + bytes(-len(part) % 32)
    return head + tail


def test_layout_of_deposits() -> None:
    parts = [bytes((i,)) * size for i, size in enumerate((48, 32, 8, 96, 8), 1)]
    good = event(*parts)
    assert len(good) == 576
    assert deposit(good) == b"".join(parts)
    wrong = [
        good[:-1],
        good + bytes(32),
        b"",
        good[:31] + b"\xa1" + good[32:],
        good[:191] + b"\x2f" + good[192:],
    ]
    for data in wrong:
        with pytest.raises(RefusedBlockError, match="a deposit event of"):
            deposit(data)
    assert DEPOSIT_CONTRACT >> 152 == 0


def test_hash_of_requests() -> None:
    """EIP-7685: types without data do not count."""
    assert requests_hash([]) == requests_hash([(0, b""), (1, b"")]) == hashlib.sha256(b"").digest()
    assert requests_hash([(0, b"a"), (1, b""), (2, b"b")]) == requests_hash([(0, b"a"), (2, b"b")])
    assert requests_hash([(0, b"a")]) != requests_hash([(1, b"a")])
