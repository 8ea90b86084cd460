"""Transactions that take long leave their block soon: counted in gas that was executed, not in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from jovay.chain import rlp
from jovay.chain.environment import BlockEnvironment
from jovay.conformance.parallel import COINBASE, Side, Transactions
from jovay.kernel.evm.validity import LEFT_OUT, NONCE_TOO_HIGH, SET_ASIDE
from jovay.kernel.lang import U64
from jovay.kernel.precompiles import is_slow
from jovay.kernel.protocol.forks import OSAKA
from jovay.native.library import Library
from jovay.sequencer.production.aside_run import DONE, AsideRun
from jovay.sequencer.production.block import ProducedBlock
from jovay.sequencer.production.producer import BlockProducer
from jovay.sequencer.production.wait_limits import WaitLimits
from jovay.state.machine import NativeMachine
from jovay.state.misses import Misses
from jovay.state.world import NothingElse
from rigs.assembly import asm
from rigs.slow_contracts import MOST_GAS, OPENING, openings

ENVIRONMENT = BlockEnvironment(1, 1_000, 10**12, 7, COINBASE, 1, OSAKA, bytes(32))
HEAVY, SWITCH, LIGHT, CHAIN = 0xAEA01, 0xAEA02, 0xAEA03, 0xAEA04
#: Ends a run at its first look at the clock.
HASTY = WaitLimits(running=0.0)
#: What one opening counts, and a heavy transaction whole.
OPENING_WORK = 7 * 50_000
WHOLE = MOST_GAS // 50_500 * OPENING_WORK
#: Sixteen keys that name each other.
FOLLOW = asm(5) + b"".join(asm("sload") for _ in range(16)) + asm("pop")
#: Without calldata, slot 0 becomes 1; with it, openings if that was so before.
SWITCHED = asm(
    "calldatasize", 9, "jumpi", 1, 0, "sstore stop jumpdest", 0, "sload", 16, "jumpi stop jumpdest"
)
SWITCHED += openings(at=len(SWITCHED))


class Linked(NothingElse):
    """Storage whose every slot but the first names another."""

    def read(self, misses: Misses) -> Any:
        accounts, slots, codes = super().read(misses)
        keys = [key and key * 3 + 1 for _, key in misses.slots]
        slots["value"] = [np.void(key.to_bytes(32, "little")) for key in keys]
        return accounts, slots, codes


@pytest.fixture
def side(library: Library) -> Side:
    made = Side(library, 50)
    made.world.source = Linked()
    made.add_contract(HEAVY, openings())
    made.add_contract(CHAIN, openings(after=FOLLOW))
    made.add_contract(LIGHT, asm("stop"))
    made.add_contract(SWITCH, SWITCHED)
    return made


@pytest.fixture
def make(library: Library, side: Side) -> Iterator[Any]:
    producers: list[BlockProducer] = []

    def producer(waits: WaitLimits = HASTY) -> BlockProducer:
        producers.append(BlockProducer(library, side.world, 2, waits=waits))
        return producers[-1]

    yield producer
    for one in producers:
        one.close()


def calls(library: Library, *what: tuple[int, int, int], data: bytes = OPENING) -> Transactions:
    """(sender, nonce, contract) for each; as much gas as can be."""
    raws = []
    for _, nonce, to in what:
        gas = 60_000 if to == LIGHT else MOST_GAS
        fields: list[rlp.Item] = [1, nonce, 1, 100, gas, to.to_bytes(20, "big"), 0, data, [], 0, 1, 1]
        raws.append(b"\x02" + rlp.encode(fields))
    return Transactions(library, raws, [0x5E00000 + sender for sender, _, _ in what])


def dropped(produced: ProducedBlock) -> dict[int, int]:
    """Index of what is not in its block → status."""
    return dict(zip(produced.dropped.indexes.tolist(), produced.dropped.statuses.tolist(), strict=True))


def test_one_that_takes_long_is_set_aside_and_the_others_are_in_their_block(library, make):
    taken = calls(library, (1, 0, LIGHT), (2, 0, HEAVY), (2, 1, LIGHT), (3, 0, LIGHT))
    produced = make().produce(ENVIRONMENT, taken.array())
    assert dropped(produced) == {1: SET_ASIDE, 2: NONCE_TOO_HIGH}
    assert produced.order.tolist() == [0, 3]
    assert produced.statistics.spent < 3 * OPENING_WORK


@pytest.mark.parametrize(
    ("number", "gas"), [(10, 60_000), (10, 50_000), (8, 50_000), (5, 20_000), (11, 30_000)]
)
def test_a_precompile_is_weighed_however_little_gas_it_is_given(number, gas):
    """Many cheap calls take as long as a dear one."""
    assert is_slow(U64(number), U64(192), U64(gas))


def test_where_nobody_waits_it_is_in_its_block(library, make):
    taken = calls(library, (1, 0, HEAVY))  # the array has addresses of what lies in it
    executed = make().execute(ENVIRONMENT, taken.array(), bounded=False)
    assert executed.finish().receipts["status"].tolist() == [1]


def test_keys_that_name_each_other_after_much_gas_cost_no_repetition(library, side, make):
    """15.6 M gas of openings and then sixteen keys, none in memory: each is found by what runs before it."""
    taken = calls(library, (1, 0, CHAIN))
    produced = make().produce(ENVIRONMENT, taken.array())
    assert dropped(produced) == {0: SET_ASIDE}
    assert produced.statistics.spent < 3 * OPENING_WORK
    machine = NativeMachine(library, side.world)
    run = AsideRun(library, side.world, machine, taken.addresses[0], lambda: 1, lambda: None)
    assert run.attempt(ENVIRONMENT) == DONE
    assert machine.view.preemption.spent < WHOLE
    assert machine.view.tables.slot_count == 16


def test_a_run_that_guesses_is_begun_anew_after_one_slice_at_most(library, side, make):
    side.add_contract(0xAEA05, openings(before=FOLLOW))
    waits = WaitLimits(running=0.0, guessing=float("inf"))
    taken = calls(library, (1, 0, 0xAEA05))
    produced = make(waits).produce(ENVIRONMENT, taken.array())
    assert dropped(produced) == {0: SET_ASIDE}
    assert produced.statistics.misses >= 16
    assert produced.statistics.spent < 3 * OPENING_WORK * (produced.statistics.rounds + 1)


def test_one_that_takes_long_only_after_another_leaves_its_group(library, make):
    """Prediction sees the slot as it was before the block."""
    first = calls(library, (1, 0, SWITCH), data=b"")
    others = calls(library, (2, 0, SWITCH), (3, 0, SWITCH), (3, 1, LIGHT))
    produced = make().produce(ENVIRONMENT, np.array([*first.addresses, *others.addresses], np.uint64))
    assert produced.statistics.largest_group >= 3
    assert produced.order.tolist() == [0]
    assert dropped(produced) == {1: SET_ASIDE, 2: SET_ASIDE, 3: NONCE_TOO_HIGH}
    assert produced.statistics.spent < 8 * OPENING_WORK


def test_a_block_looks_at_few_that_take_long(library, make):
    """The others are left for the next one; those that cannot take long are not among them, wherever they stand."""
    heavy = [(sender, 0, HEAVY) for sender in range(10)]
    taken = calls(library, *heavy, (11, 0, LIGHT))
    produced = make(WaitLimits(running=0.0, looking=0.0)).produce(ENVIRONMENT, taken.array())
    assert produced.order.tolist() == [10]
    statuses = list(dropped(produced).values())
    assert 1 <= statuses.count(SET_ASIDE) <= 4
    assert statuses.count(LEFT_OUT) == 10 - statuses.count(SET_ASIDE)
    assert produced.statistics.spent < 2 * OPENING_WORK * 5
