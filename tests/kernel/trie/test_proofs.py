"""Proofs and multiproofs: true ones hold, changed ones don't; partial tries update as whole ones do."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.conformance.witnesses.proofs import made_up, unparse
from jovay.kernel.trie import multiproof_writer, nodes, proofs, zktrie
from jovay.native.library import build
from rigs import zktrie_model as model
from rigs.zktrie_strategies import keys, values
from rigs.zktries import ENTRIES, Plain, Store, partial, verify

mappings = st.dictionaries(keys, values, max_size=25)


@pytest.fixture(scope="module")
def native() -> Any:
    return build(ENTRIES)


def filled(library: Any, mapping: dict[bytes, bytes], capacity: int = 300) -> Store:
    store = Store(library, capacity)
    assert store.update(list(mapping.items())) == 0
    return store


# ---- single keys -----------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(mappings, st.lists(keys, max_size=5))
def test_proofs_hold(native: Any, mapping: dict[bytes, bytes], others: list[bytes]) -> None:
    store = filled(native, mapping)
    for key in [*mapping, *others]:
        proof = store.prove(key)
        assert proof is not None
        value = mapping.get(key, bytes(32))
        status = zktrie.FOUND if any(value) else zktrie.ABSENT
        assert verify(native, store.root, key, proof) == (status, value)
        if proof:
            assert store.prove(key, len(proof) - 1) is None, "no room"


@settings(max_examples=300, deadline=None)
@given(mappings, st.data())
def test_changed_proofs_fail(native: Any, mapping: dict[bytes, bytes], data: Any) -> None:
    """Whatever bytes are changed, the proof shows the truth or nothing."""
    store = filled(native, mapping)
    key = data.draw(st.one_of(keys, st.sampled_from(sorted(mapping)) if mapping else keys))
    proof = bytearray(store.prove(key) or b"")
    if not proof or data.draw(st.integers(0, 9)) == 0:
        proof += data.draw(st.binary(min_size=65, max_size=65))
    kind = data.draw(st.sampled_from(["bit", "swap", "drop", "repeat", "shift"]))
    at = data.draw(st.integers(0, len(proof) - 1))
    node = at // 65 * 65
    if kind == "bit":
        proof[at] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "swap":
        proof[node + 1 : node + 65] = proof[node + 33 : node + 65] + proof[node + 1 : node + 33]
    elif kind == "drop":
        del proof[node : node + 65]
    elif kind == "repeat":
        proof[node:node] = proof[node : node + 65]
    else:
        # The same digest, another representative of one element.
        word = int.from_bytes(proof[node + 1 : node + 5], "little") + model.P
        if word < 2**32:
            proof[node + 1 : node + 5] = word.to_bytes(4, "little")
    status, value = verify(native, store.root, key, bytes(proof))
    if status == zktrie.FOUND:
        assert value == mapping[key]
    elif status == zktrie.ABSENT:
        assert not any(mapping.get(key, bytes(32)))
    else:
        assert status in (nodes.MALFORMED, nodes.WRONG_ROOT)


def test_every_byte_counts(native: Any) -> None:
    mapping = {model.pack([i * 2**27] + [i] * 7): bytes([i + 1]) * 32 for i in range(15)}
    store = filled(native, mapping)
    key = next(iter(mapping))
    proof = store.prove(key)
    assert proof
    assert len(proof) >= 4 * 65
    for at in range(len(proof)):
        changed = bytearray(proof)
        changed[at] ^= 4
        assert verify(native, store.root, key, bytes(changed))[0] in (nodes.MALFORMED, nodes.WRONG_ROOT), at


def test_a_leaf_is_no_branch(native: Any) -> None:
    """A value chosen to look like a digest does not open the leaf as a branch."""
    key = model.pack([7] * 8)
    inner = model.leaf_digest(model.pack([3] * 8), b"\5" * 32)
    store = filled(native, {key: inner})
    forged = b"\0" + key + inner + b"\1" + model.pack([3] * 8) + b"\5" * 32
    for probe in (model.pack([3] * 8), key):
        assert verify(native, store.root, probe, forged)[0] == nodes.WRONG_ROOT


# ---- sets of keys ----------------------------------------------------------------------------------------


@st.composite
def scenario(draw: Any) -> tuple[dict[bytes, bytes], list[bytes], list[list[tuple[bytes, bytes]]]]:
    """A trie, keys to prove (some of them absent), and updates of those keys."""
    mapping = draw(mappings)
    absent = draw(st.lists(keys, max_size=6))
    present = draw(st.lists(st.sampled_from(sorted(mapping)), max_size=10)) if mapping else []
    proven = absent + present
    if not proven:
        return mapping, [], []
    pairs = st.tuples(st.sampled_from(proven), st.one_of(st.just(bytes(32)), values))
    return mapping, proven, draw(st.lists(st.lists(pairs, max_size=8), max_size=4))


@settings(max_examples=400, deadline=None)
@given(scenario())
def test_partial_tries(native: Any, scenario: Any) -> None:
    mapping, proven, updates = scenario
    whole = filled(native, mapping)
    proof = whole.prove_many(proven)
    assert proof is not None
    assert whole.prove_many(reversed(proven)) == proof, "the order of the keys does not matter"
    part, status = partial(native, proof, whole.root)
    assert status == 0
    assert part.prove_many(proven) == proof
    current = dict(mapping)
    for batch in [[], *updates]:
        assert whole.update(batch) == 0
        assert part.update(batch) == 0
        current |= dict(batch)
        assert part.root == whole.root == model.root(current)
        for key in proven:
            assert part.get(key) == whole.get(key)


@settings(max_examples=400, deadline=None)
@given(scenario())
def test_updates_that_prove(native: Any, scenario: Any) -> None:
    """In whole tries and in parts: the bytes of ``prove_many`` before, the root of ``update`` after, room or not."""
    mapping, proven, updates = scenario
    whole = filled(native, mapping)
    part, status = partial(native, whole.prove_many(proven) or b"", whole.root)
    assert status == 0
    plain, cramped = filled(native, mapping), filled(native, mapping)
    for batch in [[], *updates, [(key, mapping.get(key, bytes(32))) for key in proven]]:
        set_keys = [key for key, _ in batch]
        expected, of_part = whole.prove_many(set_keys), part.prove_many(set_keys)
        assert expected is not None
        assert plain.update(batch) == 0
        assert whole.update_proven(batch, len(expected)) == (0, expected)
        assert part.update_proven(batch, 100_000) == (0, of_part)
        assert cramped.update_proven(batch, len(expected) - 1) == (0, None)
        assert whole.root == part.root == cramped.root == plain.root


@settings(max_examples=150, deadline=None)
@given(mappings, st.lists(keys, max_size=4), keys)
def test_unknown_parts_are_refused(
    native: Any, mapping: dict[bytes, bytes], proven: list[bytes], other: bytes
) -> None:
    whole = filled(native, mapping)
    part, status = partial(native, whole.prove_many(proven) or b"", whole.root)
    assert status == 0
    found, value = part.find(other)
    if found == zktrie.FOUND:
        assert value == mapping[other]
    elif found == zktrie.ABSENT:
        assert whole.get(other) is None
        assert part.update([(other, b"\1" * 32)]) == whole.update([(other, b"\1" * 32)]) == 0
        assert part.root == whole.root
    else:
        assert found == nodes.TOUCHES_OPAQUE
        assert part.prove(other) is None
        assert part.prove_many([other]) is None
        assert part.update([(other, b"\1" * 32)]) == nodes.TOUCHES_OPAQUE
        assert part.update([]) == nodes.TOUCHES_OPAQUE, "a spoilt trie stays so"


@settings(max_examples=300, deadline=None)
@given(mappings, st.lists(keys, max_size=4), st.data())
def test_changed_multiproofs_fail(
    native: Any, mapping: dict[bytes, bytes], proven: list[bytes], data: Any
) -> None:
    whole = filled(native, mapping)
    proof = bytearray(whole.prove_many(proven + list(mapping)[:3]) or b"")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(proof) - 1))
        change = data.draw(st.sampled_from(["set", "cut", "more", "delete"]))
        if change == "set":
            proof[at] = data.draw(st.sampled_from([0, 1, 2, 3, proof[at] ^ 1, 255]))
        elif change == "cut":
            proof = proof[: max(at, 1)]
        elif change == "more":
            proof[at:at] = data.draw(st.binary(min_size=1, max_size=33))
        elif len(proof) > 1:
            del proof[at]
    part, status = partial(native, bytes(proof), whole.root)
    if status == 0:
        for key, value in mapping.items():
            assert part.find(key) in ((zktrie.FOUND, value), (nodes.TOUCHES_OPAQUE, bytes(32))) or not any(
                value
            )
    else:
        assert status in (nodes.MALFORMED, nodes.WRONG_ROOT)


def test_room(native: Any) -> None:
    mapping = {model.pack([i * 2**27] + [i] * 7): b"\1" * 32 for i in range(15)}
    whole = filled(native, mapping)
    proof = whole.prove_many(mapping)
    assert proof is not None
    assert whole.prove_many(mapping, len(proof) - 1) is None
    assert partial(native, proof, whole.root, 14)[1] == nodes.OUT_OF_MEMORY
    store, status = partial(native, proof, whole.root, 15)
    assert status == 0
    assert store.update([(model.pack([9] * 8), b"\1" * 32)]) == nodes.OUT_OF_MEMORY


def test_deep_multiproof_is_bounded(native: Any) -> None:
    """Branches that nest further than there are bits are refused before they take the stack."""
    proof = bytes([1]) + b"".join(bytes([0, min(i, 255)]) for i in range(100_000))
    assert partial(native, proof, bytes(32))[1] == nodes.MALFORMED
    assert partial(native, bytes([1]) + bytes(200_000), bytes(32))[1] == nodes.MALFORMED


def test_keys_stand_where_their_bits_lead(native: Any) -> None:
    """A multiproof whose root nobody vouches for gives a trie all the same, or nothing: updates count on it."""
    low, high = (bytes([1]) + model.pack([first] + [5] * 7) + b"\1" * 32 for first in (1, 2**30))
    opaque = bytes([2]) + model.pack([9] * 8)
    made_up = [
        (0, high, low),  # each on the other side
        (0, low, low),
        (1, low, high),  # they part at an earlier bit
        (0, high, opaque),
        (0, opaque, low),
        (0, bytes([0, 1]) + low + opaque, bytes([0, 3]) + low + opaque),
    ]
    for depth, left, right in made_up:
        proof = bytes([1, 0, depth]) + left + right
        assert partial(native, proof, bytes(32))[1] == nodes.MALFORMED
    proof = bytes([1, 0, 0]) + low + high
    store, status = partial(native, proof, bytes(32))
    assert status == nodes.WRONG_ROOT
    assert partial(native, proof, store.root)[1] == 0


def test_made_up_tries_take_updates(native: Any) -> None:
    """Tries that no state has, updated near their keys: what was set is found, or the unknown is said to be touched."""
    done = 0
    for seed in range(300):
        dice = random.Random(seed)
        tree = made_up(dice, size=dice.choice([1, 2, 5, 20]))
        proof = unparse(tree)
        first, status = partial(native, proof, bytes(32), 64)
        if status != nodes.WRONG_ROOT:
            continue
        store, status = partial(native, proof, first.root, 64)
        assert status == 0
        leaves = [node.content for node in tree.walk() if node.tag == multiproof_writer.LEAF_TAG]
        pairs = {}
        for _ in range(dice.randrange(1, 30)):
            words = (
                model.words(dice.choice(leaves)[:32])
                if leaves
                else [dice.randrange(model.P) for _ in range(8)]
            )
            words[dice.randrange(8)] ^= dice.choice([0, 1 << dice.randrange(31)])
            pairs[model.pack([min(word, model.P - 1) for word in words])] = dice.choice(
                [bytes(32), b"\7" * 32]
            )
        status = store.update([*pairs.items()])
        assert status in (0, nodes.TOUCHES_OPAQUE)
        if status == 0:
            done += 1
            assert all(store.get(key) == (value if any(value) else None) for key, value in pairs.items())
    assert done > 50


def test_version(native: Any) -> None:
    proof = Store(native).prove_many([])
    assert proof == bytes([1, multiproof_writer.EMPTY_TAG])
    assert partial(native, proof, bytes(32))[1] == 0
    assert partial(native, bytes([2]) + proof[1:], bytes(32))[1] == nodes.MALFORMED


def test_plain_python() -> None:
    plain = Plain()
    mapping = {model.pack([i * 2**27] + [i] * 7): b"\1" * 32 for i in range(4)}
    whole = filled(plain, mapping, 10)
    key, *_ = mapping
    proof, many = whole.prove(key), whole.prove_many([key])
    assert proof
    assert many
    assert verify(plain, whole.root, key, proof) == (zktrie.FOUND, b"\1" * 32)
    part, status = partial(plain, many, whole.root, 10)
    assert status == 0
    assert part.update([(key, bytes(32))]) == whole.update([(key, bytes(32))]) == 0
    assert part.root == whole.root
    assert proofs.NO_PROOF == 2**64 - 1
