"""The pool against a model of what may happen to it: batches, blocks in flight, drops, nonces that jump.

The model knows every accepted transaction and what became of it. Once all blocks are settled and the senders fill
their gaps, everything must have left the pool: nothing is lost, and nothing is stuck.
"""

from __future__ import annotations

import ctypes
from functools import cache

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jovay.kernel.evm.validity import NONCE_TOO_HIGH, NONCE_TOO_LOW, POSTPONED, SENDER_NOT_EOA
from jovay.native import kernel
from jovay.sequencer.pool.pooled import Taken
from jovay.sequencer.pool.txpool import ALREADY_KNOWN, UNDERPRICED_REPLACEMENT, PoolLimits, TxPool
from jovay.state.world import NativeWorld
from rigs.pool import Draft, account, block_record, decoded, funded, make_block

SENDERS = (0xA, 0xB)
NONCES = st.integers(0, 7)
drafts = st.builds(
    lambda sender, nonce, price, value: Draft(sender, nonce, fee=100 * price, tip=price, value=value),
    st.sampled_from(SENDERS), NONCES, st.integers(1, 3), st.integers(0, 1),
)  # fmt: skip


@cache
def one_world() -> NativeWorld:
    return funded(kernel.load(), SENDERS)


class PoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.library, self.world = kernel.load(), one_world()
        for sender in SENDERS:
            account(self.world, sender).nonce = 0
        self.block = ctypes.create_string_buffer(block_record())
        limits = PoolLimits(transactions=1000)
        self.pool = TxPool(self.library, self.world, lambda: ctypes.addressof(self.block), limits)
        #: Accepted transactions that must still be in the pool, by hash.
        self.inside: dict[bytes, tuple[int, int]] = {}
        self.taken: list[Taken] = []
        self.executed: list[Taken] = []

    def nonce(self, sender: int) -> int:
        return int(account(self.world, sender).nonce)

    def put(self, *batch: Draft) -> None:
        records = decoded(self.library, batch)
        hashes = [bytes(h) for h in records.records["hash"].tolist()]
        before = {key: digest for digest, key in self.inside.items()}
        refused = self.pool.add(records)
        for i, (draft, digest) in enumerate(zip(batch, hashes, strict=True)):
            status = refused[i].status if i in refused else 0
            key = (draft.sender, draft.nonce)
            if status == 0:
                assert draft.nonce >= self.nonce(draft.sender)
                if key in before and before[key] in self.inside:  # replaced
                    del self.inside[before[key]]
                self.inside[digest] = key
                before[key] = digest
            elif status == ALREADY_KNOWN:
                assert digest in self.inside
            elif status == UNDERPRICED_REPLACEMENT:
                assert key in before
            else:
                assert status == NONCE_TOO_LOW
                assert draft.nonce < self.nonce(draft.sender) or self.in_flight(*key)

    def in_flight(self, sender: int, nonce: int) -> bool:
        entries = [e for block in self.taken for e in block]
        entries += [e for block in self.executed for e in block]
        return any(int.from_bytes(e.sender, "big") == sender and e.nonce >= nonce for e in entries)

    @rule(batch=st.lists(drafts, min_size=1, max_size=5))
    def add(self, batch: list[Draft]) -> None:
        self.put(*batch)

    @rule(most=st.integers(1, 4))
    def take(self, most: int) -> None:
        taken = self.pool.take(most, 10**9)
        for entry in taken:
            assert entry.hash in self.inside
        if taken:
            self.taken.append(taken)

    @rule(unlucky=st.sets(st.integers(0, 3), max_size=2))
    def execute(self, unlucky: set[int]) -> None:
        """The oldest block in the making: nonces decide, and some senders prove too poor."""
        if not self.taken:
            return
        taken, statuses, nonces = self.taken.pop(0), {}, {sender: self.nonce(sender) for sender in SENDERS}
        for i, entry in enumerate(taken):
            sender = int.from_bytes(entry.sender, "big")
            if entry.nonce != nonces[sender]:
                statuses[i] = NONCE_TOO_LOW if entry.nonce < nonces[sender] else NONCE_TOO_HIGH
            elif i in unlucky:
                statuses[i] = POSTPONED if i % 2 else SENDER_NOT_EOA
            else:
                nonces[sender] += 1
        self.executed.append(make_block(self.pool, taken, statuses, SENDERS))
        for i, status in statuses.items():
            if status == SENDER_NOT_EOA and self.pool.get(taken[i].hash) is None:
                self.inside.pop(taken[i].hash, None)

    @rule()
    def settle(self) -> None:
        if not self.executed:
            return
        block = self.executed.pop(0)
        self.pool.settle(block)
        for entry in block:
            self.inside.pop(entry.hash, None)

    @rule(sender=st.sampled_from(SENDERS))
    def authorization(self, sender: int) -> None:
        """The nonce rises without a transaction of the sender's."""
        account(self.world, sender).nonce = self.nonce(sender) + 1

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if self.inside:
            digest = data.draw(st.sampled_from(sorted(self.inside)))
            sender, nonce = self.inside[digest]
            if self.pool.get(digest) is None:
                assert nonce < self.nonce(sender)
            else:
                if not self.pool.drop(digest):  # it is in a block, or another took its nonce
                    assert nonce < self.nonce(sender)
                    return
            del self.inside[digest]

    @invariant()
    def counts_agree(self) -> None:
        ready, waiting = self.pool.content()
        assert self.pool.counts() == (sum(map(len, ready.values())), sum(map(len, waiting.values())))
        for entries in (*ready.values(), *waiting.values()):
            assert all(self.pool.get(entry.hash) is entry and not entry.gone for entry in entries)

    @invariant()
    def ready_ones_follow_each_other(self) -> None:
        ready, waiting = self.pool.content()
        for sender, entries in ready.items():
            after, nonces = self.pool.next_nonce(sender), [e.nonce for e in entries]
            current = [n for n in nonces if n >= self.nonce(int.from_bytes(sender, "big"))]
            assert current == list(range(after - len(current), after))
        for sender, entries in waiting.items():
            assert entries[0].nonce > self.pool.next_nonce(sender)

    @invariant()
    def nothing_is_lost(self) -> None:
        for digest, (sender, nonce) in self.inside.items():
            assert self.pool.get(digest) is not None or nonce < self.nonce(sender)

    def teardown(self) -> None:
        """Fill every gap, make blocks: the pool empties."""
        for _ in range(40):
            while self.taken:
                self.execute(set())
            while self.executed:
                self.settle()
            for sender in SENDERS:
                self.put(Draft(sender, self.nonce(sender), fee=10**6, tip=10**5))
            self.take(100)
            if self.pool.counts() == (0, 0):
                break
        while self.taken:
            self.execute(set())
            self.settle()
        assert self.pool.counts()[1] == 0, "transactions are stuck"


PoolMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestPool = PoolMachine.TestCase
