"""Stateless execution: the same roots from the witness alone, and no other result from anything forged."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from coincurve import PrivateKey

from jovay.chain import rlp
from jovay.chain.environment import BlockEnvironment
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.programs import verdict
from jovay.kernel.programs.stateless import Witness
from jovay.kernel.protocol.forks import OSAKA
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.records import dtype_of
from jovay.sequencer.portal import Portal
from jovay.sequencer.production.block import ProducedBlock
from jovay.sequencer.production.producer import BlockProducer
from jovay.state.trie import StateTrie
from jovay.state.world import NativeWorld
from jovay.state.writes import WriteSet, empty
from jovay.tracer.guest import GuestExecutor
from jovay.tracer.witness import BlockInput, StatelessExecutor, StatelessResult

#: slot[a] = slot[a] + b, then log it
COUNTER, COUNTER_CODE = (
    0xC0DE01,
    bytes.fromhex("60203560003554018060003555600052602060 00a000".replace(" ", "")),
)
SENDERS = 12


@dataclass(frozen=True)
class Case:
    """A block of twelve transfers and counter calls with its witness, and what the sequencer made of it."""

    input: BlockInput
    produced: ProducedBlock
    root: bytes


def sign(library: Library, key: PrivateKey, to: int, value: int, data: bytes, gas: int) -> bytes:
    fields: list[Any] = [1, 0, 1, 100, gas, to.to_bytes(20, "big"), value, data, []]
    digest = keccak256(library, b"\x02" + rlp.encode(fields))
    signature = key.sign_recoverable(digest, hasher=None)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return b"\x02" + rlp.encode([*fields, signature[64], r, s])


def address_of(library: Library, key: PrivateKey) -> int:
    return int.from_bytes(keccak256(library, key.public_key.format(False)[1:])[12:], "big")


def account(address: int, code: bytes, library: Library) -> Any:
    record = np.zeros(1, dtype_of(AccountChange))
    record["address"], record["exists"] = address.to_bytes(32, "little"), 1
    record["balance"], record["code_size"] = (10**20).to_bytes(32, "little"), len(code)
    record["code_hash"] = keccak256(library, code)[::-1]
    return record


@pytest.fixture(scope="module")
def case(library: Library) -> Case:
    return make_case(library, COUNTER_CODE, 120_000)


def make_case(library: Library, code: bytes, gas: int) -> Case:
    """The case with any code in the counter's place."""
    keys = [PrivateKey.from_int(i + 1) for i in range(SENDERS)]
    genesis = np.concatenate(
        [account(address_of(library, key), b"", library) for key in keys] + [account(COUNTER, code, library)]
    )
    world, trie = NativeWorld(library, 10_000, 10_000), StateTrie(library, 10_000)
    world.intern(code)
    world.insert(genesis, empty(SlotChange), [])
    parent_root = trie.update(WriteSet(genesis, empty(SlotChange)))
    word = (7).to_bytes(32, "big")
    raws = [
        sign(library, key, COUNTER, 0, word + word, gas)
        if i % 2
        else sign(library, key, 0xDEAD0000 + i, 5, b"", 120_000)
        for i, key in enumerate(keys)
    ]
    batch = Portal(library).decode(b"".join(raws), np.cumsum([len(raw) for raw in raws]).tolist())
    assert not batch.statuses.any()
    addresses = np.arange(SENDERS, dtype=np.uint64) * np.uint64(batch.records.itemsize)
    producer = BlockProducer(library, world, 2, record=True)
    environment = BlockEnvironment(1, 1_000, 10**9, 7, 0xFEE, 1, OSAKA, b"\x11" * 32)
    produced = producer.produce(environment, addresses + np.uint64(batch.first_address))
    producer.close()
    assert produced.touched is not None
    touched = produced.touched.keys
    touched = WriteSet(touched.accounts, touched.slots, [code])
    proof = trie.multiproof(touched)
    root = trie.update(produced.writes)
    block = bytes(environment.record())

    order = [raws[i] for i in produced.order]
    given = BlockInput(block, b"\x11" * 32, parent_root, touched, proof, [b"\x11" * 32], order)
    return Case(given, produced, root)


@pytest.fixture(scope="module")
def executor(library: Library) -> StatelessExecutor:
    return StatelessExecutor(library, 8 << 30)


def accepted(result: StatelessResult, case: Case) -> bool:
    """Whether a result claims what the honest one claims."""
    return (
        result.status == verdict.OK
        and result.state_root == case.root
        and result.receipts_root == case.produced.receipts_root
        and result.transactions_root == case.produced.transactions_root
        and result.gas_used == case.produced.gas_used
    )


def test_witness_and_block_give_the_sequencers_roots(executor: StatelessExecutor, case: Case) -> None:
    result = executor.execute(case.input.encode())
    assert not result.error
    assert accepted(result, case)
    assert result.bloom == case.produced.bloom
    assert case.root != case.input.parent_root
    assert int(case.produced.receipts["status"].sum()) == SENDERS


@pytest.mark.parametrize("scale", [0, 1])
def test_what_finds_no_room_beside_others_is_executed(
    library: Library, executor: StatelessExecutor, scale: int
) -> None:
    """Transient slots that no witness names: together they fill a guest's tables, and a host's."""
    # for (i = caller; gas > 50,000; i++) tstore(i, i); log(i); slot[0] = i
    code = bytes.fromhex("335b80805d6001015a61c3501060015780805f5fa15f5500")
    heavy = make_case(library, code, 5_000_000)
    result = executor.execute(heavy.input.encode(scale))
    assert not result.error
    assert accepted(result, heavy)


def test_the_riscv_program_gives_the_same_result(executor: StatelessExecutor, case: Case) -> None:
    guest = GuestExecutor()
    result, cycles = guest.execute(case.input.encode(scale=0))
    assert accepted(result, case)
    assert cycles > 1_000_000
    forged = changed(case, parent_root=bytes(32))
    assert guest.execute(forged)[0] == executor.execute(forged)
    assert GuestExecutor().digest == guest.digest


def changed(case: Case, **fields: Any) -> bytes:
    return dataclasses.replace(case.input, **fields).encode(scale=0)


def test_a_wrong_parent_root_is_refused(executor: StatelessExecutor, case: Case) -> None:
    result = executor.execute(changed(case, parent_root=bytes(32)))
    assert result.status == verdict.BAD_MULTIPROOF
    assert "parent" in result.error


def test_a_forged_balance_is_refused(executor: StatelessExecutor, case: Case) -> None:
    accounts = case.input.touched.accounts.copy()
    rich = int(np.flatnonzero(accounts["nonce"] == 0)[0])
    accounts["balance"][rich] = (10**30).to_bytes(32, "little")
    forged = WriteSet(accounts, case.input.touched.slots, case.input.touched.codes)
    assert executor.execute(changed(case, touched=forged)).status == verdict.WRONG_VALUE


def test_a_forged_slot_is_refused(executor: StatelessExecutor, case: Case) -> None:
    slots = case.input.touched.slots.copy()
    slots["value"][0] = (99).to_bytes(32, "little")
    forged = WriteSet(case.input.touched.accounts, slots, case.input.touched.codes)
    assert executor.execute(changed(case, touched=forged)).status == verdict.WRONG_VALUE


@pytest.mark.parametrize("codes", [[], [COUNTER_CODE[:-1]], [b"\x00"]])
def test_missing_or_other_code_is_refused(
    executor: StatelessExecutor, case: Case, codes: list[bytes]
) -> None:
    forged = WriteSet(case.input.touched.accounts, case.input.touched.slots, codes)
    assert executor.execute(changed(case, touched=forged)).status == verdict.MISSING_CODE


def test_every_omitted_key_is_noticed(executor: StatelessExecutor, case: Case) -> None:
    touched = case.input.touched
    for index in range(len(touched.accounts)):
        less = WriteSet(np.delete(touched.accounts, index), touched.slots, touched.codes)
        result = executor.execute(changed(case, touched=less))
        # A system contract that does not exist changes nothing; every other account is needed.
        assert not accepted(result, case) or not touched.accounts["exists"][index]
    for index in range(len(touched.slots)):
        less = WriteSet(touched.accounts, np.delete(touched.slots, index), touched.codes)
        assert not accepted(executor.execute(changed(case, touched=less)), case)


def test_a_changed_transaction_changes_the_result(executor: StatelessExecutor, case: Case) -> None:
    for index, raw in enumerate(case.input.transactions):
        for at in (3, len(raw) // 2, len(raw) - 1):
            bad = bytearray(raw)
            bad[at] ^= 1
            transactions = [*case.input.transactions]
            transactions[index] = bytes(bad)
            assert not accepted(executor.execute(changed(case, transactions=transactions)), case)


def test_order_and_omission_of_transactions_count(executor: StatelessExecutor, case: Case) -> None:
    transactions = list(case.input.transactions)
    assert not accepted(executor.execute(changed(case, transactions=transactions[::-1])), case)
    assert not accepted(executor.execute(changed(case, transactions=transactions[:-1])), case)


def test_no_flipped_bit_of_state_or_proof_gives_another_result(
    executor: StatelessExecutor, case: Case
) -> None:
    honest = case.input.encode(scale=0)
    assert accepted(executor.execute(honest), case)
    after_state = len(honest) - 32 - sum(8 + len(raw) + -len(raw) % 8 for raw in case.input.transactions)
    dice = np.random.default_rng(1)
    refused = 0
    for at in dice.choice(np.arange(Witness.size, after_state), 500, replace=False):
        forged = bytearray(honest)
        forged[at] ^= 1 << int(dice.integers(8))
        result = executor.execute(bytes(forged))
        assert result.status != verdict.OK or accepted(result, case)  # padding may be anything
        refused += result.status != verdict.OK
    assert refused > 300


@pytest.mark.parametrize("size", [0, 8, 100, 900])
def test_a_cut_off_input_is_malformed(executor: StatelessExecutor, case: Case, size: int) -> None:
    assert executor.execute(case.input.encode()[:size]).status == verdict.MALFORMED
