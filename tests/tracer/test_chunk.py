"""Chunks: the same blocks from the witness alone, and no other result from anything forged."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from jovay.bridge.wire.block_context import BlockContext
from jovay.bridge.wire.chunk import COUNT_SIZES
from jovay.chain.settled import EIP1559
from jovay.kernel.programs import chunk_records as records
from jovay.kernel.programs import verdict
from jovay.kernel.programs.chunk_records import ChunkInput as Head
from jovay.kernel.programs.chunk_records import ChunkWitness as Witness
from jovay.kernel.protocol.forks import OSAKA, PRAGUE
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.tracer.chunk import ChunkExecutor, ChunkInput, ChunkStatement, witness_part
from jovay.tracer.guest import ChunkGuest
from rigs.settled_chain import CONFIG, COUNTER, HASHER, MAILBOX, ORACLE, SettledChain


@pytest.fixture(scope="module")
def executor(library: Library) -> ChunkExecutor:
    return ChunkExecutor(library, 8 << 30)


@pytest.fixture
def chain(library: Library) -> Iterator[SettledChain]:
    chain = SettledChain(library)
    yield chain
    chain.close()


def test_the_program_reads_contexts_where_they_are_written() -> None:
    places = (
        records.SPEC_VERSION_AT, records.NUMBER_AT, records.TIMESTAMP_AT, records.BASE_FEE_AT, records.GAS_LIMIT_AT,
        records.TRANSACTION_COUNT_AT, records.MESSAGE_COUNT_AT, records.CONTEXT,
    )  # fmt: skip
    zeros = BlockContext(*[0] * len(BlockContext._fields))
    for field, (start, end) in zip(BlockContext._fields, pairwise(places), strict=True):
        encoded = zeros._replace(**{field: 0x0101}).encode()
        assert encoded == bytes(end - 2) + b"\1\1" + bytes(records.CONTEXT - end), field
        most = (1 << 8 * (end - start) - (field == "timestamp")) - 1
        assert zeros._replace(**{field: most}).encode()[start:end] == most.to_bytes(end - start, "big")
    assert COUNT_SIZES == {
        0: records.SHORT_COUNT,
        1: records.SHORT_COUNT,
        2: records.LONG_COUNT,
    }


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def witnessed(given: ChunkInput, **fields: Any) -> ChunkInput:
    """With another witness."""
    return dataclasses.replace(given, witness=dataclasses.replace(given.witness, **fields))


def fill(chain: SettledChain) -> None:
    """Five blocks: transfers and counters, messages alone, nothing, messages and transactions, block hashes."""
    chain.block([chain.transaction(0, 0xDEAD, 5), chain.transaction(1, COUNTER, data=word(7) + word(3))])
    chain.block(messages=2)
    chain.block(later=0)
    again = [chain.transaction(2, COUNTER, data=word(7) + word(2**255)), chain.transaction(0, 0xDEAD, 1)]
    chain.block(again, messages=1, later=1500)
    chain.block([chain.transaction(3, HASHER, data=word(distance)) for distance in (0, 1, 2, 5, 6, 300)])


@pytest.fixture(scope="module")
def honest(library: Library) -> Iterator[tuple[SettledChain, ChunkInput]]:
    chain = SettledChain(library)
    fill(chain)
    yield chain, chain.chunk()
    chain.close()


def agrees(found: ChunkStatement, chain: SettledChain, given: ChunkInput) -> bool:
    """Whether a statement is the one that the honest sequencer's chain makes true."""
    return (
        not found.error
        and (found.post_state_root, found.last_block_hash) == (chain.root, chain.hash)
        and (found.last_timestamp, found.next_l1_message) == (chain.milliseconds, chain.messages)
        and (found.rolling_hash_after, found.rolling_hash_before)
        == (chain.rolling, given.witness.rolling_hash)
        and found.config_hash == CONFIG.hash
        and found.chunk_hash == keccak256(chain.library, given.data)
        and found.parent_block_hash == keccak256(chain.library, given.witness.parent_header)
    )


def test_the_same_blocks(executor: ChunkExecutor, honest: tuple[SettledChain, ChunkInput]) -> None:
    chain, given = honest
    found = executor.execute(given.encode())
    assert found.error == ""
    assert agrees(found, chain, given)
    assert (found.block_count, found.transaction_count, found.first_l1_message) == (5, 13, 0)
    place = MAILBOX.to_bytes(32, "little") + bytes(32)
    slots = [slot.tobytes() for writes in chain.written for slot in writes.slots]
    values = [slot[64:96][::-1] for slot in slots if slot[:64] == place]
    assert found.l2_msg_root == values[-1] != bytes(32)
    assert chain.receipts["status"].all()


def test_chunk_after_chunk(executor: ChunkExecutor, chain: SettledChain) -> None:
    """Each begins where the one before ended, and hashes of older blocks come from the state."""
    before = None
    for _ in range(3):
        fill(chain)
        given = chain.chunk(version=1)
        found = executor.execute(given.encode())
        assert agrees(found, chain, given), found.error
        if before is not None:
            assert len(given.witness.hashes) == 1
            assert found.pre_state_root == before.post_state_root
            assert found.parent_block_hash == before.last_block_hash
            assert found.first_l1_message == before.next_l1_message
        before = found
        chain.begin_chunk()


def test_a_hash_that_is_not_given(executor: ChunkExecutor, chain: SettledChain) -> None:
    for _ in range(4):
        chain.block()
    chain.chunk()
    chain.begin_chunk()
    chain.block([chain.transaction(0, HASHER, data=word(3))])
    older = [(number, chain.digests[number]) for number in (2, 3)]
    given = chain.chunk()
    assert given.witness.hashes == older
    assert agrees(executor.execute(given.encode()), chain, given)
    missing = witnessed(given, hashes=[])
    assert executor.execute(missing.encode()).status == verdict.INVALID_TRANSACTION
    for forged in ((2, bytes(31) + b"\1"), (3, older[0][1]), (4, older[0][1]), (2, bytes(32))):
        wrong = witnessed(given, hashes=[forged])
        assert executor.execute(wrong.encode()).status == verdict.WRONG_VALUE


def test_many_tiny_blocks(executor: ChunkExecutor, chain: SettledChain) -> None:
    for n in range(1000):
        chain.block([chain.transaction(n % 4, 0xDEAD, 1)] if n % 100 == 0 else [])
    given = chain.chunk()
    found = executor.execute(given.encode())
    assert agrees(found, chain, given)
    proven, cycles = ChunkGuest().execute(given.encode(scale=0))
    assert proven == found
    assert cycles // 1000 < 200_000


def put(chain: SettledChain, given: ChunkInput, **fields: Any) -> ChunkInput:
    """The chunk with fields of the fourth block's context changed."""
    blocks = list(chain.blocks)
    blocks[3] = (blocks[3][0]._replace(**fields), blocks[3][1])
    data = b"".join([len(blocks).to_bytes(4, "big"), *(context.encode() for context, _ in blocks)])
    return dataclasses.replace(given, data=data + given.data[4 + 40 * len(blocks) :])


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"number": 5}, verdict.WRONG_CONTEXT),
        ({"spec_version": PRAGUE}, verdict.WRONG_CONTEXT),
        ({"spec_version": OSAKA + 1}, verdict.WRONG_CONTEXT),
        ({"timestamp": 1}, verdict.WRONG_CONTEXT),
        ({"base_fee": 8}, verdict.WRONG_CONTEXT),
        ({"gas_limit": 10**8 + 1}, verdict.WRONG_CONTEXT),
        ({"l1_messages": 4}, verdict.WRONG_CONTEXT),
        ({"l1_messages": 2}, verdict.WRONG_MESSAGE),
        ({"l1_messages": 0}, None),
        ({"transactions": 4}, None),
        ({"transactions": 2}, None),
    ],
)
def test_a_context_that_lies(
    executor: ChunkExecutor, honest: tuple[SettledChain, ChunkInput], fields: Any, status: int | None
) -> None:
    found = executor.execute(put(*honest, **fields).encode())
    assert found.status == status if status is not None else found.status != verdict.OK


def test_another_time_is_another_block(
    executor: ChunkExecutor, honest: tuple[SettledChain, ChunkInput]
) -> None:
    chain, given = honest
    found = executor.execute(put(chain, given, timestamp=chain.blocks[3][0].timestamp - 1000).encode())
    assert found.error == ""
    assert found.last_block_hash != chain.hash


def test_the_configuration_is_bound(executor: ChunkExecutor, honest: tuple[SettledChain, ChunkInput]) -> None:
    chain, given = honest
    changes = [
        {"chain_id": 1}, {"gas_limit": 10**8 - 1}, {"coinbase": 5}, {"base_fee": 6}, {"fees_to_coinbase": False},
        {"l1_fee": (0, 0)}, {"l2_msg_root": (0, 0)}, {"base_fee_rule": EIP1559}, {"forks": ((0, PRAGUE),)},
        {"forks": ((2**40, OSAKA),)}, {"forks": ()}, {"l1_fee": (ORACLE, 6)},
    ]  # fmt: skip
    for change in changes:
        config = dataclasses.replace(CONFIG, **change)
        found = executor.execute(dataclasses.replace(given, config=config.encode()).encode())
        assert found.status != verdict.OK or found.config_hash == config.hash != CONFIG.hash
        assert not agrees(found, chain, given)


def test_messages_that_are_not_the_queues(
    executor: ChunkExecutor, honest: tuple[SettledChain, ChunkInput]
) -> None:
    chain, given = honest
    one, two, three = given.witness.l1_messages
    longer = bytearray(one)
    longer[-1] ^= 1
    signed = chain.blocks[0][1][0]
    for messages in (
        [one, two],
        [one, two, three, three],
        [two, one, three],
        [one, two, signed],
        [one, two, b"\x7f"],
    ):
        found = executor.execute(witnessed(given, l1_messages=messages).encode())
        assert found.status != verdict.OK
    found = executor.execute(witnessed(given, l1_messages=[bytes(longer), two, three]).encode())
    assert not agrees(found, chain, given)
    assert found.error or found.rolling_hash_after != chain.rolling
    invented = witnessed(given, rolling_hash=b"\1" * 32)
    assert executor.execute(invented.encode()).rolling_hash_after != chain.rolling
    later = witnessed(given, first_l1_message=1)
    assert executor.execute(later.encode()).status == verdict.WRONG_MESSAGE


def test_a_message_among_the_published(executor: ChunkExecutor, chain: SettledChain) -> None:
    """0x7f comes from the queue only."""
    chain.block(messages=1)
    given = chain.chunk()
    context = chain.blocks[0][0]._replace(l1_messages=0)
    raw = given.witness.l1_messages[0]
    data = bytes((0, 0, 0, 1)) + context.encode() + len(raw).to_bytes(4, "big") + raw
    found = executor.execute(dataclasses.replace(witnessed(given, l1_messages=[]), data=data).encode())
    assert found.status == verdict.WRONG_MESSAGE


def test_another_parent(executor: ChunkExecutor, honest: tuple[SettledChain, ChunkInput]) -> None:
    """The state root before is the one in the header whose hash is stated."""
    chain, given = honest
    for at in range(len(given.witness.parent_header)):
        header = bytearray(given.witness.parent_header)
        header[at] ^= 1
        found = executor.execute(witnessed(given, parent_header=bytes(header)).encode())
        assert found.error or found.parent_block_hash != keccak256(chain.library, given.witness.parent_header)


def test_every_record_counts(executor: ChunkExecutor, honest: tuple[SettledChain, ChunkInput]) -> None:
    _, given = honest
    touched = given.witness.touched
    for n in range(len(touched.accounts)):
        without = dataclasses.replace(touched, accounts=np.delete(touched.accounts, n))
        assert executor.execute(witnessed(given, touched=without).encode()).error
        rich = touched.accounts.copy()
        rich["balance"][n] = np.void((10**30).to_bytes(32, "little"))
        forged = witnessed(given, touched=dataclasses.replace(touched, accounts=rich))
        assert executor.execute(forged.encode()).status == verdict.WRONG_VALUE
    for n in range(len(touched.slots)):
        without = dataclasses.replace(touched, slots=np.delete(touched.slots, n))
        assert executor.execute(witnessed(given, touched=without).encode()).error
        other = touched.slots.copy()
        other["value"][n] = np.void((12345).to_bytes(32, "little"))
        forged = witnessed(given, touched=dataclasses.replace(touched, slots=other))
        assert executor.execute(forged.encode()).status == verdict.WRONG_VALUE


def test_changed_bytes(executor: ChunkExecutor, honest: tuple[SettledChain, ChunkInput]) -> None:
    """A flipped bit anywhere is refused, or another statement, or in padding."""
    _, given = honest
    data = given.encode()
    truth = executor.execute(data)
    random = np.random.default_rng(5)
    same = 0
    for at in [*range(Head.size), *random.integers(Head.size, len(data), 400).tolist()]:
        changed = bytearray(data)
        changed[at] ^= 1 << int(random.integers(8))
        found = executor.execute(bytes(changed))
        same += found == truth
    assert same <= 25
    for size in (0, 7, Head.size - 1, Head.size, len(data) - 8, len(data) - 1):
        assert executor.execute(data[:size]).status == verdict.MALFORMED


def test_sizes_that_wrap(executor: ChunkExecutor, honest: tuple[SettledChain, ChunkInput]) -> None:
    given = honest[1]
    data = given.encode()
    begins = len(data) - len(witness_part(given.witness))
    places = {
        **{name: at for name, (_, at) in Head.fields.items()},
        **{name: begins + at for name, (_, at) in Witness.fields.items()},
    }
    for name, at in places.items():
        if name in ("config", "rolling_hash", "scale", "first_l1_message"):
            continue
        for value in (2**31, 2**32, 2**40, 2**63, 2**64 - 1, 2**64 - 8):
            changed = data[:at] + value.to_bytes(8, "little") + data[at + 8 :]
            assert executor.execute(changed).status == verdict.MALFORMED, (name, value)


def test_eip1559(library: Library, executor: ChunkExecutor) -> None:
    """The base fee follows from the parent; the rig's constant one is its least."""
    chain = SettledChain(library, config=dataclasses.replace(CONFIG, base_fee_rule=EIP1559))
    fill(chain)
    given = chain.chunk()
    found = executor.execute(given.encode())
    assert found.error == ""
    assert found.last_block_hash == chain.hash
    chain.close()


def test_the_riscv_program_states_the_same(executor: ChunkExecutor, chain: SettledChain) -> None:
    """Empty blocks cost it little: no signature, and a header and a system contract's slot each."""
    guest = ChunkGuest()
    fill(chain)
    given = chain.chunk()
    found, _ = guest.execute(given.encode(scale=0))
    assert found == executor.execute(given.encode(scale=1))
    chain.begin_chunk()
    for _ in range(10):
        chain.block()
    given = chain.chunk()
    found, few = guest.execute(given.encode(scale=0))
    assert agrees(found, chain, given)
    chain.begin_chunk()
    for _ in range(20):
        chain.block()
    given = chain.chunk()
    found, many = guest.execute(given.encode(scale=0))
    assert agrees(found, chain, given)
    assert (many - few) // 10 < 250_000
    assert guest.digest == ChunkGuest().digest
