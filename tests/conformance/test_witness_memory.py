"""The stateless function keeps to its arena and its input, whatever the witness says."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import pytest

from jovay.chain import rlp
from jovay.conformance.differential.cases import Account, address_of_key, private_key
from jovay.conformance.differential.generate import make_case
from jovay.conformance.witnesses.parts import HEAD, Parts, get, put, take_apart
from jovay.conformance.witnesses.record import (
    FORK_NAMES,
    Recorded,
    environment_of,
    genesis_of,
    record,
    record_block,
)
from jovay.kernel.block.changes import AccountChange
from jovay.kernel.evm.validity import BLOCK_GAS_EXHAUSTED, INTRINSIC_GAS_TOO_LOW
from jovay.kernel.programs import stateless, verdict
from jovay.kernel.programs.stateless import Execution, Witness
from jovay.native.arena import Arena
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.state.writes import WriteSet, empty
from jovay.tracer.witness import StatelessExecutor, StatelessResult, read_result

ARENA = 1 << 30
EDGES = (2**31, 2**32, 2**40, 2**57, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 8, 2**64 - 1)
COUNTS = (
    "account_count slot_count code_count multiproof_size hash_count transaction_count size scale block.fork"
).split()


@pytest.fixture(scope="module")
def executor(library: Library) -> StatelessExecutor:
    return StatelessExecutor(library, ARENA)


@pytest.fixture(scope="module")
def block(library: Library) -> Recorded:
    """A block of several transactions with code, slots and hashes of earlier blocks."""
    return record(library, "Osaka", 35)


def is_of(result: StatelessResult, block: Recorded) -> bool:
    return not result.status and (
        result.state_root,
        result.receipts_root,
        result.transactions_root,
        result.gas_used,
        result.bloom,
    ) == (block.state_root, block.receipts_root, block.transactions_root, block.gas_used, block.bloom)


def changed(block: Recorded, change: Callable[[Parts], None]) -> bytes:
    parts = take_apart(block.input.encode(scale=0))
    change(parts)
    return parts.encode()


def test_generated_blocks_follow_from_their_witnesses(library: Library, executor: StatelessExecutor) -> None:
    transactions = 0
    for seed in range(60):
        block = record(library, FORK_NAMES[seed % 3], seed)
        data = block.input.encode(scale=0)
        result = executor.execute(data)
        assert is_of(result, block), f"seed {seed}: {result.error}"
        assert take_apart(data).encode() == data
        transactions += len(block.input.transactions)
    assert transactions > 80


@pytest.mark.parametrize("name", COUNTS)
def test_absurd_counts_are_malformed(executor: StatelessExecutor, block: Recorded, name: str) -> None:
    honest = block.input.encode(scale=0)
    for value in EDGES:
        data = bytearray(honest)
        put(data, HEAD[name], value)
        result = executor.execute(bytes(data))
        assert result.status == verdict.MALFORMED, value
        assert not any(result.state_root + result.inputs)


def test_sizes_of_code_and_transactions_end_with_the_input(
    executor: StatelessExecutor, block: Recorded
) -> None:
    parts = take_apart(block.input.encode(scale=0))
    assert parts.codes
    assert parts.transactions
    honest = parts.encode()
    first_code = Witness.size + sum(map(len, parts.accounts + parts.slots))
    padding = -len(parts.transactions[-1]) % 8
    last_transaction = len(honest) - len(parts.transactions[-1]) - padding - 8
    for at, length in (
        (first_code, len(parts.codes[0])),
        (last_transaction, len(parts.transactions[-1])),
    ):
        assert get(honest, (at, 8)) == length
        for value in (*EDGES, len(honest) - at - 7):
            data = bytearray(honest)
            put(data, (at, 8), value)
            assert executor.execute(bytes(data)).status == verdict.MALFORMED, value


def test_no_arena_is_too_small_to_say_so(library: Library, block: Recorded) -> None:
    """A status for every size of the arena, and nothing written behind it."""
    data = ctypes.create_string_buffer(block.input.encode(scale=0))
    size, memory = len(data) - 1, Arena(ARENA, huge_pages=False)
    run = library[stateless.execute_block]
    found = set()
    lengths = [0, 64, *(1 << n for n in range(10, 27, 2)), *range(100 << 20, 900 << 20, 97 << 20)]
    for length in lengths:
        out = ctypes.create_string_buffer(Execution.size)
        status = run(ctypes.addressof(data), size, ctypes.addressof(out), memory.address, length)
        found.add(status)
        assert status == read_result(out.raw).status
        behind = memory.read(min(4 << 20, ARENA - length), memory.address + length)
        assert behind.count(0) == len(behind), f"arena of {length} bytes"
        memory.reset()
    assert {verdict.OK, verdict.NO_ROOM} <= found
    assert found <= {verdict.OK, verdict.NO_ROOM, verdict.RECEIPTS_TOO_LARGE, verdict.INCOMPLETE_TRIE}


def signed(library: Library, to: bytes, data: bytes, gas: int = 16_000_000) -> bytes:
    """The first transaction of key 0."""
    fields: list[rlp.Item] = [1, 0, 0, 10**10, gas, to, 0, data, []]
    digest = keccak256(library, b"\x02" + rlp.encode(fields))
    signature = private_key(0).sign_recoverable(digest, hasher=None)
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    return b"\x02" + rlp.encode([*fields, signature[64], r, s])


def test_a_transaction_longer_than_the_scratch_is_refused_for_its_gas(
    library: Library, executor: StatelessExecutor, block: Recorded
) -> None:
    """What is signed is put together, before anything is known of the sender, in memory that the block asks for."""
    raw = signed(library, bytes(20), bytes(80 << 20))

    def only(parts: Parts) -> None:
        parts.transactions = [raw]

    result = executor.execute(changed(block, only))
    assert (result.status, result.detail) == (verdict.INVALID_TRANSACTION, INTRINSIC_GAS_TOO_LOW)


def test_an_l1_message_takes_no_more_gas_than_the_block_has(
    executor: StatelessExecutor, block: Recorded
) -> None:
    def with_message(gas: int) -> Callable[[Parts], None]:
        def change(parts: Parts) -> None:
            parts.transactions = [b"\x7f" + rlp.encode([0, gas, b""])]

        return change

    for gas in (2**64 - 1, 2**63, block_gas_limit(block) + 1):
        result = executor.execute(changed(block, with_message(gas)))
        assert (result.status, result.detail) == (verdict.INVALID_TRANSACTION, BLOCK_GAS_EXHAUSTED)

    def endless(limit: int) -> Callable[[Parts], None]:
        def change(parts: Parts) -> None:
            with_message(2**63)(parts)
            put(parts.head, HEAD["block.gas_limit"], limit)

        return change

    for limit, status in ((2**31, verdict.INVALID_TRANSACTION), (2**64 - 1, verdict.NO_ROOM)):
        result = executor.execute(changed(block, endless(limit)))
        assert result.status == status
        assert result.detail == (BLOCK_GAS_EXHAUSTED if status == verdict.INVALID_TRANSACTION else 0)


def block_gas_limit(block: Recorded) -> int:
    return get(block.input.encode(), HEAD["block.gas_limit"])


def test_nothing_may_follow_the_last_transaction(executor: StatelessExecutor, block: Recorded) -> None:
    def longer(parts: Parts) -> None:
        parts.tail = bytes(8)

    assert executor.execute(changed(block, longer)).status == verdict.MALFORMED


def test_forks_without_prices_are_refused(executor: StatelessExecutor, block: Recorded) -> None:
    for fork in (0, 11, 15, 16, 2**32 + 14):
        data = bytearray(block.input.encode(scale=0))
        put(data, HEAD["block.fork"], fork)
        assert executor.execute(bytes(data)).status == verdict.MALFORMED


def test_the_result_binds_what_no_witness_shows(executor: StatelessExecutor, block: Recorded) -> None:
    """Environment, parent and older hashes are the caller's to compare: each is in ``inputs``."""
    honest = executor.execute(block.input.encode(scale=0))
    assert any(honest.inputs)
    seen = {honest.inputs}

    def differs(change: Callable[[Parts], None]) -> None:
        result = executor.execute(changed(block, change))
        assert result.inputs not in seen
        if any(result.inputs):
            seen.add(result.inputs)

    for name in HEAD:
        if name.startswith("block.") and name not in ("block.hashes", "block.hashes_known", "block.fork"):

            def bump(parts: Parts, name: str = name) -> None:
                put(parts.head, HEAD[name], get(parts.head, HEAD[name]) + 1)

            differs(bump)

    def older(parts: Parts) -> None:
        parts.hashes[0] = bytes(32)

    def fewer(parts: Parts) -> None:
        del parts.hashes[0]

    differs(older)
    differs(fewer)
    assert len(seen) > 10


def test_pointers_in_the_environment_do_not_count(executor: StatelessExecutor, block: Recorded) -> None:
    honest = executor.execute(block.input.encode(scale=0))
    for name in ("block.hashes", "block.hashes_known"):
        data = bytearray(block.input.encode(scale=0))
        put(data, HEAD[name], 2**64 - 1)
        assert executor.execute(bytes(data)) == honest


def test_keys_that_are_not_used_change_nothing(executor: StatelessExecutor, block: Recorded) -> None:
    def more(parts: Parts) -> None:
        parts.codes += [b"\x5b" * 100, b"\x00"]
        parts.accounts += parts.accounts[:2]
        parts.slots += parts.slots[:1]

    assert is_of(executor.execute(changed(block, more)), block)


def test_creation_over_storage_collides(library: Library, executor: StatelessExecutor) -> None:
    """EIP-7610, where the witness shows that there is storage; a chain's genesis holds no such account."""
    sender = address_of_key(0)
    created = keccak256(library, rlp.encode([sender.to_bytes(20), 0]))[12:]
    accounts = {sender: Account(10**20), int.from_bytes(created): Account(1, storage={7: 1})}
    genesis = genesis_of(library, accounts)
    environment = environment_of(make_case("Osaka", 35))
    raw = signed(library, b"", b"\x00", 100_000)
    block = record_block(
        library, genesis, environment, [raw], [sender], shown=WriteSet(empty(AccountChange), genesis.slots)
    )
    assert block.gas_used == 100_000
    assert is_of(executor.execute(block.input.encode(scale=0)), block)


def test_many_transactions_in_a_small_arena(library: Library, block: Recorded) -> None:
    """Arrays that grow with the number of transactions end before the arena does."""
    mailbox, relayer = 0x61 << 152, 0x51 << 152
    accounts = {mailbox: Account(1), relayer: Account(1)}
    environment = environment_of(make_case("Cancun", 1))
    genesis = genesis_of(library, accounts)
    few = record_block(library, genesis, environment, [], [], shown=genesis)
    parts = take_apart(few.input.encode(scale=0))
    parts.transactions = [b"\x7f" + rlp.encode([k, 0, b""]) for k in range(3000)]
    data = ctypes.create_string_buffer(parts.encode())
    size, memory = len(data) - 1, Arena(ARENA, huge_pages=False)

    def run(length: int) -> int:
        out = ctypes.create_string_buffer(Execution.size)
        places = (ctypes.addressof(out), memory.address, length)
        status: int = library[stateless.execute_block](ctypes.addressof(data), size, *places)
        behind = memory.read(1 << 18, memory.address + length)
        assert behind.count(0) == len(behind), f"arena of {length} bytes"
        memory.reset()
        return status

    low, high = 0, ARENA >> 1
    assert run(high) == verdict.OK
    while high - low > 64:
        middle = (low + high) // 128 * 64
        low, high = (middle, high) if run(middle) == verdict.NO_ROOM else (low, middle)
    assert {run(high + more) for more in range(0, 100_000, 5_000)} == {verdict.RECEIPTS_TOO_LARGE}
