"""Many multiproofs are one: byte for byte that of the first trie for all their keys."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.kernel.trie import nodes
from jovay.native.library import build
from rigs import zktrie_model as model
from rigs.zktrie_strategies import keys, values
from rigs.zktries import ENTRIES, Plain, Store, joined, partial

Pairs = list[tuple[bytes, bytes]]
ROOM = 1 << 18


@pytest.fixture(scope="module")
def native() -> Any:
    return build(ENTRIES)


@st.composite
def histories(draw: Any) -> tuple[Pairs, list[Pairs]]:
    """A trie, and updates of keys of which some are in it, some come back and some do not change."""
    start = draw(st.dictionaries(keys, values, max_size=25))
    known = [*start, *draw(st.lists(keys, min_size=1, max_size=12))]
    pair = st.tuples(st.sampled_from(known), st.one_of(st.just(bytes(32)), values))
    return list(start.items()), draw(st.lists(st.lists(pair, min_size=1, max_size=8), min_size=1, max_size=6))


def recorded(
    library: Any, start: Pairs, updates: list[Pairs]
) -> tuple[Store, Store, list[tuple[bytes, bytes]]]:
    """The trie before all updates, that after them, and of each the multiproof and the root before it."""
    before, store = Store(library, 2000), Store(library, 2000)
    assert before.update(start) == store.update(start) == 0
    parts = []
    for update in updates:
        root = store.root
        status, proof = store.update_proven(update, ROOM)
        assert status == 0
        assert proof is not None
        parts.append((proof, root))
    return before, store, parts


def check(library: Any, start: Pairs, updates: list[Pairs]) -> None:
    before, after, parts = recorded(library, start, updates)
    touched = [key for update in updates for key, _ in update]
    proof, status = joined(library, parts, touched)
    assert status == 0
    assert proof == before.prove_many(touched, ROOM)
    assert proof is not None
    trie, status = partial(library, proof, before.root, 2000)
    assert status == 0
    for update in updates:
        assert trie.update(update) == 0
    assert trie.root == after.root


@settings(max_examples=300, deadline=None)
@given(histories())
def test_joined_is_proven_at_once(native: Any, history: tuple[Pairs, list[Pairs]]) -> None:
    check(native, *history)


@settings(max_examples=15, deadline=None)
@given(histories())
def test_in_plain_python(history: tuple[Pairs, list[Pairs]]) -> None:
    check(Plain(), *history)


def random_key(dice: Random) -> bytes:
    """Many share their first bits."""
    return model.pack([dice.randrange(64) << 25, *(dice.randrange(model.P) for _ in range(7))])


@pytest.mark.parametrize("seed", range(3))
def test_long_histories(native: Any, seed: int) -> None:
    """Branches collapse and grow again, and subtrees move up beside what was deleted."""
    dice = Random(seed)
    start = [(random_key(dice), dice.randbytes(32)) for _ in range(500)]
    known = [key for key, _ in start[:60]] + [random_key(dice) for _ in range(60)]
    updates = [
        [
            (key, dice.choice([bytes(32), dice.randbytes(32)]))
            for key in dice.sample(known, dice.randrange(1, 20))
        ]
        for _ in range(40)
    ]
    check(native, start, updates)


def test_what_does_not_belong_together(native: Any) -> None:
    dice = Random(1)
    start = [(random_key(dice), dice.randbytes(32)) for _ in range(60)]
    updates = [[(key, bytes([n]) * 32)] for n, (key, _) in enumerate(start[:6], 1)]
    before, _, parts = recorded(native, start, updates)
    touched = [update[0][0] for update in updates]
    for n in range(len(parts)):
        wrong = list(parts)
        wrong[n] = parts[n][0], parts[n - 1][1]
        assert joined(native, wrong, touched) == (None, nodes.WRONG_ROOT)
        changed = bytearray(parts[n][0])
        changed[-1] ^= 1
        wrong[n] = bytes(changed), parts[n][1]
        assert joined(native, wrong, touched)[1] in (nodes.WRONG_ROOT, nodes.MALFORMED)
        wrong[n] = parts[n][0][:-1], parts[n][1]
        assert joined(native, wrong, touched) == (None, nodes.MALFORMED)
    assert joined(native, parts[:1] + parts[2:], touched) == (None, 0), "one is missing"
    assert joined(native, parts, [*touched, b"\xff" * 32]) == (None, 0), "that is no key"
    assert joined(native, parts, touched, 30) == (None, nodes.OUT_OF_MEMORY)
    assert joined(native, parts, touched, 3) == (None, nodes.OUT_OF_MEMORY)
    assert joined(native, parts, touched) == (before.prove_many(touched), 0)
