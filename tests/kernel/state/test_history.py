"""History: a view of an older block sees that block, or says that it is no longer kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.kernel.machine import status
from rigs.chain_of_states import ADDRESSES, KEYS, Chain, Step
from rigs.state import account, slot

values = st.integers(0, 3)
steps = st.one_of(
    st.builds(Step, st.sampled_from(ADDRESSES), values),
    st.builds(Step, st.sampled_from(ADDRESSES), values, st.sampled_from(KEYS)),
    st.builds(Step, st.sampled_from(ADDRESSES), values, st.sampled_from(KEYS)),
    st.builds(Step, st.sampled_from(ADDRESSES), st.just(0), st.none(), st.just(True)),
)
blocks = st.lists(st.lists(st.lists(steps, max_size=4), min_size=1, max_size=3), max_size=12)


def agrees(chain, height):
    """What is kept is right; the number of values that are not kept."""
    accounts, slots = chain.read(height)
    expected = chain.past[height]
    lost = 0
    for address in ADDRESSES:
        if accounts.get(address, ()) is None:
            lost += 1
        else:
            assert accounts.get(address) == expected.accounts.get(address)
    for key, value in slots.items():
        if value is None:
            lost += 1
        else:
            assert value == expected.slots.get(key, 0)
    return lost


@given(blocks=blocks)
@settings(max_examples=80, deadline=None)
def test_every_height_is_kept_while_the_ring_is_large(blocks):
    chain = Chain(history=4096)
    for parts in blocks:
        chain.block(parts)
    for height in range(len(blocks) + 1):
        assert agrees(chain, height) == 0


@given(blocks=blocks, history=st.integers(1, 9))
@settings(max_examples=80, deadline=None)
def test_a_small_ring_forgets_but_never_lies(blocks, history):
    chain = Chain(history=history)
    for parts in blocks:
        chain.block(parts)
        assert agrees(chain, chain.height) == 0
    lost = [agrees(chain, height) for height in range(len(blocks) + 1)]
    if chain.state.world.history_next <= history:
        assert sum(lost) == 0


def test_the_ring_holds_exactly_its_capacity():
    """Each block changes one account, which pushes one version."""
    chain = Chain(history=5)
    for value in range(1, 21):
        chain.block([[Step(0, value)]])
    kept = [height for height in range(21) if not agrees(chain, height)]
    assert kept == list(range(15, 21))
    assert chain.read(14)[0][0] is None
    assert chain.reader.abort == status.MISS


def test_a_block_leaves_one_version_however_often_it_changes_a_record():
    chain = Chain(history=64)
    chain.block([[Step(0, 1)]])
    before = chain.state.world.history_next
    chain.block([[Step(0, 2), Step(0, 3)], [Step(0, 4)], [Step(0, 5)]])
    assert chain.state.world.history_next == before + 1
    assert agrees(chain, 1) == agrees(chain, 2) == 0


def test_no_ring_no_history():
    chain = Chain(history=0)
    for value in (1, 2):
        chain.block([[Step(0, value)]])
    assert agrees(chain, 2) == 0
    assert agrees(chain, 1) == 1


def test_slots_of_an_older_life():
    """A slot that was wiped and written again: three lives, each seen at its heights."""
    chain = Chain()
    chain.block([[Step(0, 1), Step(0, 7, key=1)]])
    chain.block([[Step(0, 0, gone=True)]])
    chain.block([[Step(0, 2)]])
    chain.block([[Step(0, 8, key=1)]])
    chain.block([[Step(0, 9, key=2)]])
    seen = [chain.read(height)[1][0, 1] for height in range(6)]
    assert seen == [0, 7, 0, 0, 8, 8]
    assert all(agrees(chain, height) == 0 for height in range(6))


@pytest.mark.parametrize("height", [1, 2])
def test_a_view_holds_its_height_while_blocks_go_on(height):
    """A simulated call reads the block it was asked for, also what it has not read before."""
    chain = Chain()
    chain.block([[Step(0, 1), Step(0, 7, key=1)]])
    chain.block([[Step(0, 2), Step(0, 8, key=1)]])
    chain.reader.tables.height = height
    a = account(chain.reader, 0)
    chain.block([[Step(0, 3), Step(0, 9, key=1), Step(1, 5)]])
    assert a.balance == height
    assert slot(chain.reader, a, 1).value == 6 + height
    assert account(chain.reader, 1).exists == 0
