"""Parallel execution equals serial execution, whatever the share of hot keys and the number of workers."""

from __future__ import annotations

from typing import Any

import pytest

from jovay.chain.environment import BlockEnvironment
from jovay.conformance.parallel import COINBASE, ENDLESS, Generator, Serial, Side, compare, differs
from jovay.kernel.protocol.forks import OSAKA
from jovay.native.library import Library
from jovay.sequencer.production.block import ProducedBlock
from jovay.sequencer.production.producer import BlockProducer
from jovay.sequencer.production.serial_rest import SerialRest
from jovay.sequencer.production.wait_limits import WaitLimits

HOT = (0.0, 0.1, 0.5, 0.9, 1.0)


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("hot", HOT)
def test_parallel_equals_serial(library: Library, hot: float, workers: int) -> None:
    assert compare(library, blocks=60, size=30, hot=hot, workers=workers, seed=workers) is None


@pytest.mark.parametrize("hot", HOT)
def test_parallel_equals_serial_where_transactions_wait_for_keys(library: Library, hot: float) -> None:
    waits = WaitLimits(rounds=1, guessing=0.0, waiting=float("inf"), slice=0)
    assert compare(library, blocks=60, size=30, hot=hot, workers=2, seed=77, waits=waits) is None


@pytest.mark.parametrize("hot", HOT)
@pytest.mark.parametrize("seed", range(10))
def test_parallel_equals_serial_on_ten_thousand_blocks(library: Library, hot: float, seed: int) -> None:
    assert compare(library, blocks=200, size=30, hot=hot, workers=2 + seed % 3, seed=100 + seed) is None


def produce(library: Library, hot: float, size: int) -> ProducedBlock:
    side = Side(library, 300)
    producer = BlockProducer(library, side.world, 2)
    try:
        transactions = Generator(library, 3, 300, hot).block(size)
        environment = BlockEnvironment(1, 1_000, 10**12, 7, COINBASE, 1, OSAKA, bytes(32))
        return producer.produce(environment, transactions.array())
    finally:
        producer.close()


def test_independent_transactions_need_few_groups_and_hot_ones_share_one(library: Library) -> None:
    cold, hot = produce(library, 0.0, 60).statistics, produce(library, 1.0, 60).statistics
    assert cold.largest_group < hot.largest_group
    assert hot.largest_group > 30
    assert cold.misses > 0


def test_what_leaves_its_predicted_set_runs_serially(library: Library) -> None:
    assert produce(library, 0.5, 300).statistics.deferred > 0


def test_a_difference_would_be_seen(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = BlockProducer.produce

    def reversed_order(
        self: BlockProducer, environment: BlockEnvironment, transactions: Any
    ) -> ProducedBlock:
        block = honest(self, environment, transactions)
        block.order = block.order[::-1]
        return block

    monkeypatch.setattr(BlockProducer, "produce", reversed_order)
    difference = compare(library, blocks=30, size=40, hot=0.5, workers=2, seed=1)
    assert difference is not None
    assert difference.what == "results"


def test_lost_transactions_would_be_seen(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SerialRest, "run", lambda *arguments: None)
    difference = compare(library, blocks=30, size=40, hot=0.5, workers=2, seed=1)
    assert difference is not None
    assert difference.what == "lost transactions"


def test_one_transaction_over_many_cold_slots_needs_few_rounds(library: Library) -> None:
    """A loop over 2,000 slots that are not in memory: their keys are found together, not one by one."""
    # for (i = 0; i != 2000; i++) sum += sload(i); sstore(2001, sum + 1)
    code = bytes.fromhex("5f5f5b805482019150600101806107d0146017576002565b506001016107d15500")
    side = Side(library, 300)
    side.add_contract(0xC01D, code)
    producer = BlockProducer(library, side.world, 2, waits=ENDLESS)
    try:
        transactions = Generator(library, 1, 300, 0.0).calls(0, 0xC01D, 16_000_000)
        environment = BlockEnvironment(1, 1_000, 10**12, 7, COINBASE, 1, OSAKA, bytes(32))
        block = producer.produce(environment, transactions.array())
    finally:
        producer.close()
    assert block.receipts["status"].tolist() == [1]
    assert block.statistics.misses > 2_000
    assert block.statistics.rounds < 10


def _push(value: int) -> bytes:
    size = max(1, (value.bit_length() + 7) // 8)
    return bytes([0x5F + size]) + value.to_bytes(size, "big")


def test_slots_written_and_undone_again_and_again_are_listed_once(library: Library) -> None:
    """A frame writes 100 slots and reverts, in a loop: each is one change at most, not one for each time.

    What a transaction reads at its end depends on those before, so that all but the first run serially, in one view.
    """
    reverter, looper = 0xC0FE01, 0xC0FE02
    reverts = b"".join(_push(2) + _push(key) + b"\x55" for key in range(1, 101)) + bytes.fromhex("5f5ffd")
    # while (gas > 3,000,000) call(reverter); sload(++slot[0] + (1 << 200))
    loop = bytes.fromhex("5b5f5f5f5f5f") + _push(reverter) + bytes.fromhex("5af150")
    loop += _push(3_000_000) + bytes.fromhex("5a115f57")
    loop += bytes.fromhex("5f54600101805f55600160c81b01545000")
    parallel, serial = Side(library, 300), Serial(library, 300)
    for side in (parallel, serial):
        side.add_contract(reverter, reverts)
        side.add_contract(looper, loop)
    producer = BlockProducer(library, parallel.world, 2, waits=ENDLESS)
    environment = BlockEnvironment(1, 1_000, 10**12, 7, COINBASE, 1, OSAKA, bytes(32))
    try:
        calls = Generator(library, 1, 300, 0.0).calls(0, looper, 16_000_000, 5)
        produced = producer.produce(environment, calls.array())
        views = [machine.view for machine in producer.machines]
        used = [(view.dirty.count, view.tables.account_count + view.tables.slot_count) for view in views]
    finally:
        producer.close()
    assert produced.statistics.deferred >= 4
    assert produced.receipts["status"].tolist() == [1] * 5
    order = [calls.addresses[i] for i in produced.order]
    assert differs(1, produced, serial.execute(environment, order)) is None
    assert all(listed <= records for listed, records in used), used
    assert any(listed for listed, _ in used)


@pytest.mark.parametrize("serial", [False, True])
def test_what_finds_no_room_beside_others_is_in_the_same_block(library: Library, serial: bool) -> None:
    """Transactions that fill a view each: the view forgets those before, which are in the world by then."""
    writer, gas, count = 0xC0FE03, 1_000_000, 12
    # for (i = slot[0]; gas > 50,000; i++) tstore(i, i); slot[0] = i
    code = bytes.fromhex("5f545b80805d6001015a61c350106002575f5500")
    sides = Side(library, 300), Serial(library, 300)
    for side in sides:
        side.add_contract(writer, code)
    producer = BlockProducer(library, sides[0].world, 2, waits=ENDLESS, gas=gas, shared=0)
    environment = BlockEnvironment(1, 1_000, 10**12, 7, COINBASE, 1, OSAKA, bytes(32))
    calls = Generator(library, 1, 300, 0.0).calls(0, writer, gas, count)
    try:
        produced = producer.produce(environment, calls.array(), serial=serial)
    finally:
        producer.close()
    assert not produced.dropped
    assert produced.receipts["status"].tolist() == [1] * count
    assert produced.statistics.renewals > count // 2
    order = [calls.addresses[i] for i in produced.order]
    assert differs(1, produced, sides[1].execute(environment, order)) is None
