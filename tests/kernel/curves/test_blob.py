"""Values of blobs' polynomials against ckzg's."""

from __future__ import annotations

from random import Random

import ckzg
import pytest

from jovay.bridge.wire import blobs
from jovay.kernel.curves.blob import PRIMITIVE_ROOT, WORD, WORDS, evaluate_blob, fill_inverses
from jovay.kernel.curves.bls12_381.curve import R
from jovay.kernel.lang import U64, U256
from jovay.native.arena import Arena

ROOT = pow(PRIMITIVE_ROOT, (R - 1) // WORDS, R)


def value(words: list[int], z: int) -> int:
    """By the kernel's function in plain Python."""
    arena = Arena(2 * WORDS * WORD, huge_pages=False, name="words")
    for index, word in enumerate(words):
        arena.write(word.to_bytes(WORD, "little"), arena.address + index * WORD)
    inverses = U64(arena.address + WORDS * WORD)
    fill_inverses(inverses, U64((len(words) + 1) // 2))
    return int(evaluate_blob(U64(arena.address), U64(len(words)), inverses, U256(z)))


def by_ckzg(words: list[int], z: int) -> int:
    blob = b"".join(word.to_bytes(WORD, "big") for word in words).ljust(blobs.SIZE, b"\0")
    _, y = ckzg.compute_kzg_proof(blob, z.to_bytes(32, "big"), blobs._setup())
    return int.from_bytes(y, "big")


def root_of(index: int) -> int:
    """The root of unity whose value is word ``index``."""
    return pow(ROOT, int(f"{index:012b}"[::-1], 2), R)


@pytest.mark.parametrize("count", [1, 2, 3, 64, 101, 513])
def test_at_any_point(count: int) -> None:
    dice = Random(count)
    words = [dice.randrange(R) for _ in range(count)]
    for z in (dice.randrange(R), 0, R - 1):
        assert value(words, z) == by_ckzg(words, z)


@pytest.mark.parametrize("index", [0, 1, 2, 5, 36, 37, 99, 2048, 4095])
def test_at_a_root_of_unity_it_is_the_word(index: int) -> None:
    dice = Random(index)
    words = [dice.randrange(R) for _ in range(37)]
    expected = words[index] if index < len(words) else 0
    assert value(words, root_of(index)) == by_ckzg(words, root_of(index)) == expected


def test_extreme_words() -> None:
    for word in (0, 1, R - 1):
        assert value([word] * 5, 3) == by_ckzg([word] * 5, 3)
