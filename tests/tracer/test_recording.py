"""Keys recorded at production: each block follows from its witness, and from nothing less.

The blocks have transfers, calls that conflict, creations and calls of what was created in the same block, contracts
that are gone at the end of their transaction, delegations, BLOCKHASH, and invalid transactions; they are executed in
parallel, deferred, postponed, and beside earlier blocks, with the state in memory or not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import pytest
from coincurve import PrivateKey

from jovay.chain import rlp
from jovay.chain.environment import BlockEnvironment
from jovay.conformance.parallel import COINBASE, CONTRACTS, ENDLESS
from jovay.conformance.witnesses.proofs import Roots, parse, unparse
from jovay.kernel.block.changes import AccountChange
from jovay.kernel.protocol.forks import OSAKA
from jovay.kernel.transaction.record import TRANSACTION_SIZE
from jovay.kernel.trie.multiproof_writer import OPAQUE_TAG
from jovay.native.library import Library
from jovay.native.records import dtype_of
from jovay.sequencer.portal import DecodedBatch, Portal
from jovay.sequencer.production.aside_run import DONE, AsideRun
from jovay.sequencer.production.block import ProducedBlock
from jovay.sequencer.production.producer import BlockProducer
from jovay.sequencer.production.wait_limits import WaitLimits
from jovay.state.machine import NativeMachine
from jovay.state.trie import StateTrie
from jovay.state.world import NativeWorld
from jovay.state.writes import WriteSet
from jovay.tracer.witness import BlockInput, StatelessExecutor
from rigs.memory_chain import Pre, PreState
from rigs.transactions import keccak256

SENDERS = [PrivateKey.from_int(i + 1) for i in range(30)]
#: Who sends only what is executed beside the blocks, and who only signs delegations.
ASIDE, AUTHORITIES = PrivateKey.from_int(900), [PrivateKey.from_int(1000 + i) for i in range(6)]
#: slot[0] = slot[7] = hash of block NUMBER − calldata word 0
LOOKS_BACK = bytes.fromhex("5f35430340805f5560075500")
#: slot[5] = slot[3] + 1: what the creations below found.
FOUNDED = bytes.fromhex("6003546001016005 5500".replace(" ", ""))
#: Init code: slot[3] = 9, and returns FOUNDED; or slot[1] = 1, and destroys itself.
FOUNDS = bytes.fromhex("6009600355") + b"\x69" + FOUNDED + bytes.fromhex("5f52600a6016f3")
VANISHES = bytes.fromhex("6001600155 33ff".replace(" ", ""))
CODES = {a: bytes.fromhex(c.replace(" ", "")) for a, c in CONTRACTS.items()} | {0xC0DE20: LOOKS_BACK}


def address_of(key: PrivateKey) -> bytes:
    return keccak256(key.public_key.format(False)[1:])[12:]


ADDRESSES = [address_of(key) for key in SENDERS]


def signed(key: PrivateKey, kind: int, fields: list[Any]) -> bytes:
    signature = key.sign_recoverable(keccak256(bytes([kind]) + rlp.encode(fields)), hasher=None)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return bytes([kind]) + rlp.encode([*fields, signature[64], r, s])


class Traffic:
    """Signed transactions, seeded."""

    def __init__(self, seed: int) -> None:
        self.dice, self.nonces = Random(f"recording {seed}"), [0] * len(SENDERS)
        self.authority_nonces = [0] * len(AUTHORITIES)
        self.aside_nonce = 0

    def block(self, size: int) -> list[bytes]:
        return [raw for _ in range(size) for raw in self._some()]

    def aside(self) -> bytes:
        """One that looks at what others write, now and then."""
        data = self.dice.randrange(200).to_bytes(32, "big") + self.dice.randrange(1 << 30).to_bytes(32, "big")
        raw = self._raw(ASIDE, self.aside_nonce, self.dice.choice([0xC0DE01, 0xC0DE02]), data)
        self.aside_nonce += 1
        return raw

    def _some(self) -> Iterator[bytes]:
        dice, sender = self.dice, self.dice.randrange(len(SENDERS))
        key, nonce = SENDERS[sender], self.nonces[sender]
        self.nonces[sender] += 1
        kind = dice.randrange(12)
        if kind == 0:
            yield self._raw(key, nonce, self._somebody(), b"", 7)
        elif kind == 1:
            yield self._raw(key, nonce, None, dice.choice([FOUNDS, VANISHES]))
            created = keccak256(rlp.encode([ADDRESSES[sender], nonce]))[12:]
            for other in dice.sample([i for i in range(len(SENDERS)) if i != sender], 2):
                yield self._raw(SENDERS[other], self.nonces[other], int.from_bytes(created), b"")
                self.nonces[other] += 1
        elif kind == 2:
            yield self._delegation(key, nonce)
        elif kind == 3:
            yield self._raw(key, nonce, 0xC0DE20, dice.choice([1, 2, 5, 300]).to_bytes(32, "big"))
        elif kind == 4:  # a gap in the nonces, or more money than there is: not in the block
            self.nonces[sender] -= 1
            yield (
                self._raw(key, nonce + 7, 0xC0DE01, b"")
                if dice.random() < 0.5
                else self._raw(key, nonce, self._somebody(), b"", 10**30)
            )
        elif kind == 5:
            listed = [
                [(0xC0DE01).to_bytes(20, "big"), [dice.randrange(9).to_bytes(32, "big")]],
                [dice.randbytes(20), []],
            ]
            yield self._raw(key, nonce, 0xC0DE01, dice.randrange(9).to_bytes(32, "big") * 2, listed=listed)
        else:
            yield self._raw(key, nonce, dice.choice(list(CONTRACTS)), self._word() + self._word())

    def _somebody(self) -> int:
        return self.dice.choice(
            [self.dice.getrandbits(160), int.from_bytes(self.dice.choice(ADDRESSES)), COINBASE]
        )

    def _word(self) -> bytes:
        return (self.dice.randrange(4) if self.dice.random() < 0.3 else self.dice.randrange(500)).to_bytes(
            32, "big"
        )

    def _raw(
        self, key: PrivateKey, nonce: int, to: int | None, data: bytes, value: int = 0, listed: Any = ()
    ) -> bytes:
        gas = self.dice.choice([60_000, 300_000]) if to else 300_000
        target = b"" if to is None else to.to_bytes(20, "big")
        return signed(key, 2, [1, nonce, self.dice.randrange(5), 100, gas, target, value, data, list(listed)])

    def _delegation(self, key: PrivateKey, nonce: int) -> bytes:
        which = self.dice.randrange(len(AUTHORITIES))
        authority, its_nonce = AUTHORITIES[which], self.authority_nonces[which]
        target = self.dice.choice([0, 0xC0DE01, 0xC0DE09]).to_bytes(20, "big")
        signature = authority.sign_recoverable(
            keccak256(b"\5" + rlp.encode([1, target, its_nonce])), hasher=None
        )
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        self.authority_nonces[which] += 1
        lists = [[], [[1, target, its_nonce, signature[64], r, s]]]
        return signed(key, 4, [1, nonce, 1, 100, 300_000, address_of(authority), 0, self._word() * 2, *lists])


@dataclass
class Made:
    """A block, and what a stateless execution needs of it."""

    given: BlockInput
    produced: ProducedBlock
    root: bytes


class Chain:
    """Blocks over one world, which has its state in memory at first or not."""

    def __init__(self, library: Library, in_memory: bool, waits: WaitLimits, workers: int) -> None:
        self.library, self.portal = library, Portal(library)
        pre = {address: Pre(10**20, 0, b"", {}) for address in (*ADDRESSES, address_of(ASIDE))}
        pre |= {
            a.to_bytes(20, "big"): Pre(0, 1, code, {k: k + 1 for k in range(0, 400, 3)})
            for a, code in CODES.items()
        }
        source = PreState(library, pre)
        self.world = NativeWorld(library, 50_000, 50_000, 1 << 24, 1 << 16, source)
        genesis = everything(source, pre)
        if in_memory:
            self.world.insert(genesis.accounts, genesis.slots, genesis.codes)
            self.world.holds_everything()
        self.codes = {keccak256(code): code for code in genesis.codes}
        self.trie = StateTrie(library, 1 << 16, scratch_bytes=64 << 20)
        self.changed = StateTrie(library, 1 << 16, scratch_bytes=64 << 20)  # by write sets alone
        self.root, self.number, self.batches = self.trie.update(genesis), 0, list[DecodedBatch]()
        self.changed.update(genesis)
        self.hashes = [b"\x77" * 32]
        self.producer = BlockProducer(library, self.world, workers, 1024, record=True, waits=waits)
        self._ring = np.zeros(256 * 32, np.uint8)
        self.machine = NativeMachine(library, self.world, shared=64)

    def decoded(self, raws: list[bytes]) -> list[int]:
        batch = self.portal.decode(b"".join(raws), np.cumsum([len(raw) for raw in raws]).tolist())
        assert not batch.statuses.any()
        self.batches.append(batch)
        return [batch.first_address + i * TRANSACTION_SIZE for i in range(len(raws))]

    def environment(self) -> BlockEnvironment:
        number = self.number + 1
        self._ring[self.number % 256 * 32 :][:32] = np.frombuffer(self.hashes[-1], np.uint8)
        known = {"hashes": int(self._ring.ctypes.data), "hashes_known": min(number, 256)}
        return BlockEnvironment(
            number, 1_000 + number, 10**9, 7, COINBASE, 1, OSAKA, self.hashes[-1], **known
        )

    def beside(self, raw: bytes) -> int | None:
        """Execute a transaction beside the blocks; its record, if its result stands for now."""
        (address,) = self.decoded([raw])
        run = AsideRun(self.library, self.world, self.machine, address, lambda: self.number, lambda: None)
        return address if run.attempt(self.environment()) == DONE else None

    def make(self, raws: dict[int, bytes], aside: bool, serial: bool = False) -> Made:
        environment, parent_root = self.environment(), self.root
        beside = [self.machine] if aside else []
        produced = self.producer.execute(
            environment, np.array(list(raws), np.uint64), serial, beside
        ).finish()
        assert produced.touched is not None
        keys, ancestors = produced.touched.keys, produced.touched.ancestors
        wanted = {bytes(h)[::-1] for h in keys.accounts["code_hash"]}
        touched = WriteSet(keys.accounts, keys.slots, [code for h, code in self.codes.items() if h in wanted])
        self.root, proof = self.trie.update_proven(produced.touched.now)
        assert self.changed.multiproof(produced.touched.now) == proof
        assert self.changed.update(produced.writes) == self.root
        self.codes |= {keccak256(code): code for code in produced.writes.codes}
        order = [list(raws.values())[i] for i in produced.order]
        given = BlockInput(
            bytes(dataclasses.replace(environment, hashes=0, hashes_known=0).record()),
            environment.parent_hash,
            parent_root,
            touched,
            proof,
            self.hashes[len(self.hashes) - ancestors :],
            order,
        )
        self.number += 1
        self.hashes.append(keccak256(self.root))
        return Made(given, produced, self.root)


def everything(source: PreState, pre: dict[bytes, Pre]) -> WriteSet:
    from jovay.state.misses import Misses

    slots = [(int.from_bytes(a), key) for a, account in pre.items() for key in account.storage]
    found = source.read(Misses([int.from_bytes(a) for a in pre], slots))
    records = found[0].copy()
    sizes = [len(account.code) for account in pre.values()]
    assert records.dtype == dtype_of(AccountChange)
    records["code_size"] = sizes
    return WriteSet(records, found[1], found[2])


@pytest.fixture(scope="module")
def executor(library: Library) -> StatelessExecutor:
    return StatelessExecutor(library, 1 << 30, huge_pages=False)


@pytest.fixture(scope="module")
def roots(library: Library) -> Roots:
    return Roots(library)


def follows(executor: StatelessExecutor, made: Made, given: BlockInput | None = None) -> str:
    """Why the block does not follow from a witness; empty if it does."""
    result = executor.execute((given or made.given).encode(scale=0))
    if result.status:
        return result.error
    found = (result.state_root, result.receipts_root, result.transactions_root, result.bloom, result.gas_used)
    block = made.produced
    expected = (made.root, block.receipts_root, block.transactions_root, block.bloom, block.gas_used)
    return "" if found == expected else "another block"


def lessened(made: Made, roots: Roots, dice: Random, nodes: int) -> Iterator[tuple[str, BlockInput]]:
    """The witness without one of its parts."""
    given, touched = made.given, made.given.touched

    def without(**parts: Any) -> BlockInput:
        return dataclasses.replace(given, touched=dataclasses.replace(touched, **parts))

    for i in range(len(touched.accounts)):
        yield f"account {touched.accounts[i]}", without(accounts=np.delete(touched.accounts, i))
    for i in range(len(touched.slots)):
        yield f"slot {touched.slots[i]}", without(slots=np.delete(touched.slots, i))
    for i in range(len(touched.codes)):
        yield f"code {i}", without(codes=[code for k, code in enumerate(touched.codes) if k != i])
    if given.hashes:
        yield "hash", dataclasses.replace(given, hashes=given.hashes[1:])
    count = sum(node.tag != OPAQUE_TAG for node in parse(given.multiproof).walk())  # type: ignore[union-attr]
    for i in sorted(dice.sample(range(count), min(nodes, count))):
        tree = parse(given.multiproof)
        assert tree is not None
        node = [node for node in tree.walk() if node.tag != OPAQUE_TAG][i]
        node.tag, node.content, node.left, node.right = OPAQUE_TAG, roots.root_of(unparse(node)), None, None
        yield f"node {i}", dataclasses.replace(given, multiproof=unparse(tree))


@pytest.mark.parametrize(
    ("in_memory", "waits", "workers", "serial"),
    [
        (True, ENDLESS, 2, False),
        (False, ENDLESS, 2, False),
        (False, WaitLimits(rounds=1, guessing=0.0, waiting=0.0, slice=0), 1, False),
        (True, ENDLESS, 1, True),
        (False, ENDLESS, 1, True),
    ],
    ids=["in memory", "not in memory", "impatient", "serial", "serial, not in memory"],
)
def test_blocks_follow_from_what_was_recorded_and_from_nothing_less(
    library: Library, executor: StatelessExecutor, roots: Roots,
    in_memory: bool, waits: WaitLimits, workers: int, serial: bool,
) -> None:  # fmt: skip
    chain, traffic, dice = Chain(library, in_memory, waits, workers), Traffic(5), Random(5)
    left: dict[int, bytes] = {}
    aside = deferred = dropped = 0
    try:
        for number in range(8):
            raws, raw = dict[int, bytes](), traffic.aside()
            besides = None if serial else chain.beside(raw)
            if besides is not None:
                raws[besides] = raw
            block = traffic.block(25)
            raws |= left | dict(zip(chain.decoded(block), block, strict=True))
            made = chain.make(raws, besides is not None, serial)
            addresses = list(raws)
            left = {
                addresses[i]: raws[addresses[i]] for i in made.produced.dropped.indexes.tolist() if number % 2
            }
            assert not follows(executor, made)
            for what, given in lessened(made, roots, dice, 40 if number in (1, 6) else 0):
                assert follows(executor, made, given), (number, what)
            aside += besides is not None and 0 in made.produced.order
            deferred += made.produced.statistics.deferred
            dropped += len(made.produced.dropped)
    finally:
        chain.producer.close()
    assert deferred > 10
    assert dropped > 3
    assert serial or aside > 2
