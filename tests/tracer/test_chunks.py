"""Witnesses of chunks, put together from what was recorded of their blocks: right, and nothing in them is left over.

The rig compares each multiproof byte for byte with that of a second trie as it was before the chunk.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from random import Random

import numpy as np
import pytest

from jovay.chain import rlp
from jovay.conformance.witnesses.proofs import Roots, parse, unparse
from jovay.kernel.programs import guests
from jovay.kernel.riscv.calls import KECCAK_F
from jovay.kernel.trie.multiproof_writer import OPAQUE_TAG
from jovay.native.emulator import Emulator
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.prover.zk.machine.accelerators import ACCELERATORS
from jovay.state.errors import TrieError
from jovay.state.spv import Sizes
from jovay.tracer.chunk import ChunkExecutor, ChunkInput
from jovay.tracer.chunks import joined
from jovay.tracer.estimates import cycles
from jovay.tracer.guest import ChunkGuest, Guest
from rigs.settled_chain import COUNTER, HASHER, KEEPER, RICHES, SettledChain

#: Instructions that cost a proof as much as a permutation of Keccak.
PERMUTATION = 1_100
#: And what every chunk takes once.
BEGINNING = 45_000
#: slot[5] = slot[3] + 1: what the creations below found.
FOUNDED = bytes.fromhex("60035460010160055500")
#: Init code: slot[3] = 9, and returns FOUNDED; or slot[1] = 1, and destroys itself.
FOUNDS = bytes.fromhex("6009600355") + b"\x69" + FOUNDED + bytes.fromhex("5f52600a6016f3")
VANISHES = bytes.fromhex("600160015533ff")


class Traffic:
    """Seeded blocks over few keys, so that later blocks touch again what earlier ones did."""

    def __init__(self, chain: SettledChain, seed: int) -> None:
        self.chain, self.dice = chain, Random(f"chunks {seed}")
        self.founded: list[int] = []

    def block(self) -> None:
        """A few transactions of any kind, and messages now and then."""
        dice = self.dice
        raws = [self._transaction() for _ in range(dice.choice([0, 0, 1, 3, 6]))]
        self.chain.block(raws, dice.choice([0, 0, 0, 1, 2]), dice.choice([0, 10, 1500]))

    def _transaction(self) -> bytes:
        chain, dice = self.chain, self.dice
        sender = dice.randrange(len(chain.keys))
        kind = dice.randrange(8)
        if kind == 0:
            somebody = dice.choice([dice.getrandbits(160), 0xDEAD00 + dice.randrange(20)])
            return chain.transaction(sender, somebody, dice.randrange(3))
        if kind == 1:
            return chain.transaction(0, dice.getrandbits(160), RICHES >> 11)
        if kind == 2:
            nonce = chain.nonces[sender]
            fields = [chain.address_of(chain.keys[sender]).to_bytes(20, "big"), nonce]
            self.founded.append(int.from_bytes(keccak256(chain.library, rlp.encode(fields))[12:], "big"))
            return chain.transaction(sender, None, data=dice.choice([FOUNDS, FOUNDS, VANISHES]))
        if kind == 3 and self.founded:
            return chain.transaction(sender, dice.choice(self.founded), dice.randrange(2))
        if kind == 4:
            return chain.transaction(sender, HASHER, data=word(dice.choice([1, 2, 3, 9, 40, 300])))
        key, value = dice.randrange(25), dice.choice([0, 0, dice.getrandbits(256)])
        return chain.transaction(sender, dice.choice([KEEPER, KEEPER, COUNTER]), data=word(key) + word(value))


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


@pytest.fixture(scope="module")
def executor(library: Library) -> ChunkExecutor:
    return ChunkExecutor(library, 8 << 30)


@pytest.fixture
def chain(library: Library) -> Iterator[SettledChain]:
    chain = SettledChain(library)
    yield chain
    chain.close()


def agrees(chain: SettledChain, executor: ChunkExecutor, given: ChunkInput) -> None:
    found = executor.execute(given.encode())
    assert found.error == ""
    assert (found.last_block_hash, found.post_state_root) == (chain.hash, chain.root)
    assert (found.next_l1_message, found.rolling_hash_after) == (chain.messages, chain.rolling)


@pytest.mark.parametrize("seed", range(6))
def test_chunks_of_any_blocks(chain: SettledChain, executor: ChunkExecutor, seed: int) -> None:
    traffic = Traffic(chain, seed)
    for index in range(6):
        chain.block([chain.transaction(1, HASHER, data=word(2 + index))])
        for _ in range(traffic.dice.choice([1, 3, 12, 25])):
            traffic.block()
        given = chain.chunk()
        assert len(given.witness.hashes) >= index
        agrees(chain, executor, given)
        chain.begin_chunk()
    assert len(traffic.founded) > 1


def test_the_riscv_program_takes_them(chain: SettledChain, executor: ChunkExecutor) -> None:
    """Its cycles are about what records foretell."""
    guest, traffic = ChunkGuest(), Traffic(chain, 77)
    emulator = Emulator(Guest(guests.chunk, tuple(ACCELERATORS)).elf)
    for count in (1, 15):
        for _ in range(count):
            traffic.block()
        given = chain.chunk()
        found, spent = guest.execute(given.encode(scale=0))
        assert found == executor.execute(given.encode())
        assert (found.error, found.last_block_hash) == ("", chain.hash)
        foretold = 0
        for n, spv in enumerate(chain.spvs):
            sizes = Sizes.decode(b"".join(spv.encode()))
            foretold += cycles(sizes, len(chain.blocks[n][1]), chain.gas[n])
        traced = emulator.trace(given.encode(scale=0), spent)
        keccaks = len(traced.calls[KECCAK_F].clock)
        work = len(traced.steps) + PERMUTATION * keccaks
        assert len(traced.steps) < spent
        assert (work - BEGINNING) * 0.7 < foretold < work * 2
        chain.begin_chunk()


@pytest.mark.parametrize("code", ["5b5f5f20505f56", "630001000060e01b5f525b604061200060d55f60095afa50600a56"])
def test_gas_bounds_cycles(chain: SettledChain, code: str) -> None:
    """Hashes of nothing, and rounds of BLAKE2b: what takes longest for its gas."""
    chain.block([chain.transaction(0, None, data=bytes.fromhex(code), gas=1_000_000)])
    found, spent = ChunkGuest().execute(chain.chunk().encode(scale=0))
    assert found.gas_used == 1_000_000
    assert 125 < spent // found.gas_used < 250


def test_nothing_is_left_over(library: Library, chain: SettledChain, executor: ChunkExecutor) -> None:
    """Without any one of its records, codes, hashes and nodes, the chunk does not follow."""
    traffic = Traffic(chain, 5)
    for _ in range(40):
        traffic.block()
    chain.chunk()
    chain.begin_chunk()
    for _ in range(12):
        traffic.block()
    given = chain.chunk()
    agrees(chain, executor, given)
    witness, touched = given.witness, given.witness.touched
    less = [
        dataclasses.replace(touched, accounts=np.delete(touched.accounts, n))
        for n in range(len(touched.accounts))
    ]
    less += [
        dataclasses.replace(touched, slots=np.delete(touched.slots, n)) for n in range(len(touched.slots))
    ]
    less += [
        dataclasses.replace(touched, codes=[code for k, code in enumerate(touched.codes) if k != n])
        for n in range(len(touched.codes))
    ]
    lacking = [dataclasses.replace(witness, touched=one) for one in less]
    lacking += [dataclasses.replace(witness, multiproof=proof) for proof in _cut(library, witness.multiproof)]
    enough = sum(
        executor.execute(dataclasses.replace(given, witness=one).encode()).last_block_hash == chain.hash
        for one in lacking
    )
    assert enough == 0


def _cut(library: Library, proof: bytes) -> Iterator[bytes]:
    """The multiproof with each of its nodes cut off."""
    roots = Roots(library)
    count = sum(node.tag != OPAQUE_TAG for node in parse(proof).walk())  # type: ignore[union-attr]
    for n in range(count):
        tree = parse(proof)
        assert tree is not None
        node = [node for node in tree.walk() if node.tag != OPAQUE_TAG][n]
        node.tag, node.content, node.left, node.right = OPAQUE_TAG, roots.root_of(unparse(node)), None, None
        yield unparse(tree)


def test_damaged_records(library: Library, chain: SettledChain) -> None:
    """What does not lead to a block's root, or lacks a block, is no witness."""
    traffic = Traffic(chain, 6)
    for _ in range(10):
        traffic.block()
    spvs, roots = chain.spvs, chain.roots
    joined(library, spvs, roots)
    for n in range(1, len(spvs)):
        proof = bytearray(spvs[n].proof)
        proof[len(proof) // 2] ^= 1
        with pytest.raises(TrieError):
            joined(
                library, [*spvs[:n], dataclasses.replace(spvs[n], proof=bytes(proof)), *spvs[n + 1 :]], roots
            )
        with pytest.raises(TrieError):
            joined(
                library,
                [*spvs[:n], dataclasses.replace(spvs[n], proof=spvs[n - 1].proof), *spvs[n + 1 :]],
                roots,
            )
